"""Register model of the ADS1220 behind the fake SPI. Ref: TI SBAS501C 8.5.3 (commands), 8.6.1 (registers)."""

RESET = 0x06
START_SYNC = 0x08
POWERDOWN = 0x02
BRIDGE_GAIN_128 = 0x0E
CONTINUOUS = 0x04
BURN_OUT = 0x01
BRIDGE_COUNTS = 1138688  # 10 uA through 350 ohm, at gain 128 and with 3.3 V as reference
FULL_SCALE = 0x7FFFFF


class Ads1220Model:
    """Answers commands; data only with the registers that suit the bridge, else zero."""

    def __init__(self, world):
        self._world = world
        self._registers = bytearray(4)
        self._reading = -1  # first register to give, -1 = conversion data
        self._seed = 1

    def write(self, data):
        command = data[0]
        self._reading = -1
        if command == RESET:
            self._registers[0:4] = bytes(4)
            self._world.stop_conversions()
        elif command == START_SYNC:
            self._world.start_conversions()
        elif command & 0xFE == POWERDOWN:
            self._world.stop_conversions()
        elif command & 0xF0 == 0x20:
            self._reading = (command >> 2) & 3
        elif command & 0xF0 == 0x40:
            first = (command >> 2) & 3
            for i in range(len(data) - 1):
                self._registers[first + i] = data[1 + i]

    def readinto(self, buffer):
        if self._reading >= 0:
            for i in range(len(buffer)):
                buffer[i] = self._registers[self._reading + i]
            self._reading = -1
            return
        if self._world.defects or self._registers[1] & BURN_OUT:
            self._give(buffer, self._unusual())
            return
        codes, at = self._world.codes, self._world.at
        if self._registers[0] != BRIDGE_GAIN_128 or not self._registers[1] & CONTINUOUS:
            buffer[0] = buffer[1] = buffer[2] = 0
            return
        low = codes[at]
        buffer[0] = codes[at + 1] & 0xFF
        buffer[1] = low >> 8
        buffer[2] = low & 0xFF

    def _give(self, buffer, counts):
        for k in range(3):
            buffer[k] = (counts >> (16 - 8 * k)) & 0xFF

    def _unusual(self):
        """Counts with the burn-out currents on, or with something broken."""
        defects, burn_out = self._world.defects, self._registers[1] & BURN_OUT
        if "garbage" in defects:
            self._seed = (self._seed * 1103515245 + 12345) & 0x7FFFFFFF
            return self._seed >> 4
        if "cell" in defects:  # without the currents the inputs of an open one float, here at 0
            return FULL_SCALE if burn_out and defects["cell"] == "unplugged" else 0
        codes, at = self._world.codes, self._world.at
        counts = ((((codes[at + 1] & 0xFF) << 16) | codes[at]) ^ 0x800000) - 0x800000
        return min(counts + BRIDGE_COUNTS, FULL_SCALE) if burn_out else counts
