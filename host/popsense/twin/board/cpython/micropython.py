"""CPython in place of MicroPython: `viper` becomes a wrapper that makes ptr8 and ptr32 out of buffers.

Loads are unsigned 32-bit words as on MicroPython's unix port, stores keep the low bits.
"""


def const(value):
    return value


def viper(function):
    names = function.__globals__
    names.setdefault("ptr8", _bytes_of)
    names.setdefault("ptr32", Words)
    names.setdefault("uint", lambda value: value & 0xFFFFFFFF)
    return function


native = viper


def kbd_intr(_character):
    pass


def heap_lock():
    pass


def heap_unlock():
    pass


def _bytes_of(buffer):
    return memoryview(buffer).cast("B")


class Words:
    """ptr32: a view of a buffer as 32-bit words."""

    __slots__ = ("_view",)

    def __init__(self, buffer):
        self._view = memoryview(buffer).cast("B").cast("I")

    def __getitem__(self, index):
        return self._view[index]

    def __setitem__(self, index, value):
        self._view[index] = value & 0xFFFFFFFF
