"""The three channels of one sample, at the same instant: by the drivers, or on the registers of an RP2040.

acquire(sample, control) writes the words of the sample at hand (kernels.S_TICKS and so on), every 64th time
kernels.SUPPLY as well. Chosen once; it runs in the interrupt and allocates nothing.
"""

from bone import kernels
from bone.ads1220 import Ads1220

_FORCE_SIGN = 0x800000


def acquisition(board, force, depth, pressure):
    """The quickest acquire() of this board."""
    if board.is_rp2040 and isinstance(force, Ads1220):
        from bone import rp2040_registers  # elsewhere there is nothing at these addresses

        return rp2040_registers.acquire
    return DriverAcquisition(board, force, depth, pressure).acquire


class DriverAcquisition:
    """By the drivers: any board, any force converter."""

    def __init__(self, board, force, depth, pressure):
        self._ticks_us = board.ticks_us
        self._force = force
        self._depth = depth
        self._pressure = pressure
        self._supply = board.supply_adc

    def acquire(self, sample, control):
        sample[kernels.S_TICKS] = self._ticks_us()
        self._force.read()
        raw = self._force.raw
        sample[kernels.S_FORCE] = ((raw[0] << 16) | (raw[1] << 8) | raw[2]) ^ _FORCE_SIGN
        sample[kernels.S_DEPTH] = self._depth.counts()
        sample[kernels.S_PRESSURE] = self._pressure.counts()
        turn = sample[kernels.S_TURN]
        sample[kernels.S_TURN] = (turn + 1) & kernels.LAST_TURN
        if turn == 0 and self._supply:
            control[kernels.SUPPLY] = self._supply.read_u16() >> 4
