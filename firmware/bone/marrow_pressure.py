"""Pressure in the marrow chamber: a ratiometric compound-range sensor (-50 to +100 kPa) on the on-chip ADC.

Ref: RP2040 datasheet 4.9, as for the depth sensor: four 12-bit reads are summed to 14 bits.
"""


class MarrowPressure:
    """Counts 0 to 16380, four 12-bit reads summed. No allocation: called in the interrupt."""

    def __init__(self, adc):
        self._read = adc.read_u16

    def counts(self):
        read = self._read
        return (read() >> 4) + (read() >> 4) + (read() >> 4) + (read() >> 4)
