"""The detector with words that watch their size; CPython only. In: {rate_mhz, profile, moves} a line.

Out: "ok", "refused" for a profile that the board does not take, or what went wrong. Words are loaded signed,
as on the board, where every intermediate result has 32 bits; the unix port loads them unsigned, so that what
is read back must never have been negative (kernels.py).
"""

import json
import struct
import sys

from bone import detection, wire
from bone.detector import Detector, unpack_profile
from bone.settings import PROFILE, PROFILE_FIELDS

WORD = 1 << 31
READ_BACK = 1 << 30
SIGNED_OPERATIONS = (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__floordiv__"),
    *("__lshift__", "__rshift__", "__and__", "__or__", "__ror__", "__neg__"),
)


class BoardInt(int):
    """An integer in a register of the board."""


def watched(name):
    plain = getattr(int, name)

    def operation(*numbers):
        result = plain(*numbers)
        if not -WORD <= result < WORD:
            raise OverflowError(f"{name[2:-2]} of {[int(number) for number in numbers]} leaves 32 bits")
        return BoardInt(result)

    return operation


for name in SIGNED_OPERATIONS:
    setattr(BoardInt, name, watched(name))


class BoardWords:
    """ptr32 of the board."""

    def __init__(self, buffer):
        self._words = memoryview(buffer).cast("B").cast("i")
        self._read_back = not isinstance(buffer, bytearray)  # the event ring is only sent

    def __getitem__(self, index):
        return BoardInt(self._words[index])

    def __setitem__(self, index, value):
        if self._read_back and not 0 <= value < READ_BACK:
            raise OverflowError(f"word {index} of the state becomes {int(value)}")
        self._words[index] = value


def accepted(changed):
    """The profile as the board would take it over the wire, None where it would not."""
    values = PROFILE | changed
    packet = struct.pack(
        wire.PROFILE_FORMAT,
        wire.PROFILE,
        values["depth_fitted"],
        1,
        *(values[name] for name in PROFILE_FIELDS),
    )
    return unpack_profile(packet)


def run(rate_mhz, profile, moves):
    """moves: [samples, force code, depth counts], each held."""
    detector = Detector()
    detector.configure(rate_mhz, profile)
    ticks = 5
    for count, code, depth in moves:
        for _ in range(count):
            detector.step(BoardInt(code), BoardInt(depth), BoardInt(ticks))
            ticks = (ticks + 1_000_000_000 // rate_mhz) & 0x3FFFFFFF


def verdict(question):
    profile = accepted(question["profile"])
    if profile is None:
        return "refused"
    try:
        run(question["rate_mhz"], profile, question["moves"])
    except (ArithmeticError, IndexError) as error:
        return repr(error)
    return "ok"


detection.ptr32 = BoardWords
for line in sys.stdin:
    print(json.dumps(verdict(json.loads(line))), flush=True)
