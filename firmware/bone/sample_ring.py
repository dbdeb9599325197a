"""The last 8 s of samples and their time stamps: two buffers, allocated before anything else.

main.py makes the ring before it imports the rest, while the heap is still in one piece.
"""

from micropython import const

RING_SAMPLES = const(8192)  # 8 s at 1000 samples/s; a power of two
SAMPLE_BYTES = const(8)  # as on the wire
STAMP_BYTES = const(4)  # ticks_us of each sample, so that any stretch can be sent again with its time


class SampleRing:
    """samples: 8 bytes each, as on the wire. stamps: one 32-bit word each."""

    def __init__(self):
        self.samples = bytearray(RING_SAMPLES * SAMPLE_BYTES)
        self.stamps = bytearray(RING_SAMPLES * STAMP_BYTES)
