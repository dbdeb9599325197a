"""Counters of the wire that wrap, and how to go on counting behind the wrap."""

INDEX_MODULUS = 1 << 32  # of sample indices and event numbers
TICKS_MODULUS = 1 << 30  # of the device's clocks


def unwrapped(value: int, near: int, modulus: int = INDEX_MODULUS) -> int:
    """What wrapped to `value`: the nearest to `near` of all that are equal to it modulo `modulus`."""
    half = modulus // 2
    return near + (value - near + half) % modulus - half
