"""ADS1220 24-bit converter on the load cell. Ref: TI SBAS501C 8.5.3 (commands), 8.6.1 (registers).

Bridge on AIN0-AIN1 with the excitation as reference (ratiometric), gain 128, normal mode at 1000 samples/s
nominal, continuous conversion; DRDY falls when a result is ready. The chip samples on its own oscillator
(+-2 %): the true rate is measured, never assumed.
"""

from bone import settings

_RESET = b"\x06"
_START_SYNC = b"\x08"
_POWERDOWN = b"\x02"
_READ_4_REGISTERS = b"\x23"
_WRITE_4_REGISTERS = b"\x43"
_WRITE_REGISTER_1 = 0x44
_BURN_OUT = 0x01  # of register 1

REGISTERS = bytes(
    (
        0x0E,  # AIN0-AIN1, gain 128, amplifier on
        0xC4,  # 1000 samples/s, normal mode, continuous, no temperature sensor, burn-out currents off
        0x40,  # reference = REFP0/REFN0 (the excitation), no rejection filter at this rate
        0x00,  # no current sources, DRDY pin only
    )
)


class Ads1220:
    """One converter on a shared bus. `fitted`: it gave back the registers that were written."""

    option = 0
    nano_n_per_count = settings.FORCE_NANO_N_PER_COUNT
    settle_samples = 1  # the filter settles within one conversion (SBAS501C, "Digital Filter")
    measure_samples = 32
    measure_timeout_ms = 300

    def __init__(self, spi, cs, sleep_ms):
        self._spi = spi
        self._cs = cs
        self._sleep_ms = sleep_ms
        self.raw = bytearray(3)  # latest result, two's complement, most significant byte first
        self.fitted = self._configure()

    def _command(self, command):
        self._cs(0)
        self._spi.write(command)
        self._cs(1)

    def _configure(self):
        self._command(_RESET)
        self._sleep_ms(1)  # 50 us + 32 clock periods are asked for
        self._command(_WRITE_4_REGISTERS + REGISTERS)
        return self.answers()

    def answers(self):
        """True where it gives back the registers that it was given. Not while sampling; allocates."""
        back = bytearray(4)
        self._cs(0)
        self._spi.write(_READ_4_REGISTERS)
        self._spi.readinto(back)
        self._cs(1)
        return back == REGISTERS

    def burn_out(self, on):
        """10 uA through the bridge while on: a broken wire then reads as full scale. Not while sampling."""
        self._command(bytes((_WRITE_REGISTER_1, REGISTERS[1] | (_BURN_OUT if on else 0))))

    def start(self):
        """Conversions begin. The data-ready interrupt must not be armed: it uses the same bus."""
        self._command(_START_SYNC)

    def stop(self):
        """Conversions end. The data-ready interrupt must be disarmed already."""
        self._command(_POWERDOWN)

    def read(self):
        """Fetch the result into `raw`; called in the interrupt, allocates nothing."""
        self._cs(0)
        self._spi.readinto(self.raw)
        self._cs(1)
