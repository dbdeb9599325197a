"""The board's ptr32 and arithmetic for kernels in CPython: 32-bit words, loaded signed; results wrap."""

from array import array

_OPERATIONS = (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__lshift__", "__rshift__"),
    *("__and__", "__rand__", "__or__", "__ror__", "__xor__", "__rxor__", "__neg__"),
)


class Register(int):
    """An integer in a register of the board: whatever is calculated with it has 32 bits again."""


def _wrapped(name):
    plain = getattr(int, name)

    def operation(*numbers):
        return Register(((plain(*numbers) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31))

    return operation


for _name in _OPERATIONS:
    setattr(Register, _name, _wrapped(_name))


class UnboxedWords(array):
    """What kernels.words makes, watched: on the board Python puts an integer of over 31 bits on the heap."""

    def __getitem__(self, index):
        return _small(array.__getitem__(self, index))

    def __setitem__(self, index, value):
        array.__setitem__(self, index, _small(value))


def _small(value):
    if not -(1 << 30) <= value < 1 << 30:
        raise OverflowError(f"{value} is boxed on the board")
    return value


def unboxed_words(count):
    return UnboxedWords("i", [0] * count)


class Words:
    """ptr32 of the board."""

    def __init__(self, buffer):
        self._words = memoryview(buffer).cast("B").cast("i")

    def __getitem__(self, index):
        return Register(self._words[index])

    def __setitem__(self, index, value):
        self._words[index] = Register(value) + 0
