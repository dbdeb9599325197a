"""Follower position behind the plug: a ratiometric position sensor on the on-chip ADC.

Ref: RP2040 datasheet 4.9 (12-bit converter; code steps of several LSB at 512, 1536, 2560 and 3584). Four
reads are summed to 14 bits, which reduces noise and not those steps. Zero before breakthrough, apart from
plug flex.
"""


class DepthSensor:
    """Counts 0 to 16380, four 12-bit reads summed. No allocation: called in the interrupt."""

    def __init__(self, adc):
        self._read = adc.read_u16

    def counts(self):
        read = self._read
        return (read() >> 4) + (read() >> 4) + (read() >> 4) + (read() >> 4)
