"""Register model of the ADS1220 behind the fake SPI. Ref: TI SBAS501C 8.5.3 (commands), 8.6.1 (registers)."""

RESET = 0x06
START_SYNC = 0x08
POWERDOWN = 0x02
BRIDGE_GAIN_128 = 0x0E
CONTINUOUS = 0x04


class Ads1220Model:
    """Answers commands; data only with the registers that suit the bridge, else zero."""

    def __init__(self, world):
        self._world = world
        self._registers = bytearray(4)
        self._reading = -1  # first register to give, -1 = conversion data

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
        codes, at = self._world.codes, self._world.at
        if self._registers[0] != BRIDGE_GAIN_128 or not self._registers[1] & CONTINUOUS:
            buffer[0] = buffer[1] = buffer[2] = 0
            return
        low = codes[at]
        buffer[0] = codes[at + 1] & 0xFF
        buffer[1] = low >> 8
        buffer[2] = low & 0xFF
