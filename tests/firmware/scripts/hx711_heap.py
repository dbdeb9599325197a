"""The interrupt of an HX711 with the heap locked: [result, pulses, whether memory was asked for]."""

import json
import sys

import micropython

from bone.hx711 import ReadyEdge, fetch


class Chip:
    """Both pins: a call with a level is PD_SCK, one without is DOUT. Ready until the first pulse."""

    def __init__(self, code):
        self.code = code
        self.pulses = 0

    def __call__(self, level=-1):
        if level == 1:
            self.pulses += 1
        if level >= 0:
            return None
        if self.pulses == 0:
            return 0
        return (self.code >> (24 - self.pulses)) & 1 if self.pulses <= 24 else 1

    def irq(self, handler=None, trigger=0, hard=False):
        self.handler = handler


def interrupt(code):
    chip, raw = Chip(code), bytearray(3)
    edge = ReadyEdge(chip)
    edge.irq(handler=lambda _pin: fetch(chip, chip, raw))
    asked = False
    micropython.heap_lock()
    try:
        chip.handler(chip)  # the conversion
        chip.handler(chip)  # the edge that its bits made
    except MemoryError:
        asked = True
    micropython.heap_unlock()
    return [int.from_bytes(raw, "big"), chip.pulses, asked]


for line in sys.stdin:
    print(json.dumps(interrupt(json.loads(line))))
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
