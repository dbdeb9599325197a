"""Which interpreter runs the firmware."""

import sys

import pytest

from popsense.errors import UsageError
from popsense.twin import interpreter
from popsense.twin.interpreter import find_interpreter


def test_micropython_has_a_heap_for_what_a_pico_holds_in_240_kb(require):
    """There every object is half the size, and byte code comes ready; here the source is compiled too."""
    require("micropython")
    assert "heapsize=384k" in find_interpreter("micropython").command
    assert find_interpreter("auto") == find_interpreter("micropython")


def test_cpython_gets_a_shim():
    found = find_interpreter("cpython")
    assert found.command[0] == sys.executable
    assert found.shims


def test_without_micropython_auto_takes_cpython(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(interpreter, "_micropython", lambda: None)
    assert find_interpreter("auto") == find_interpreter("cpython")
    with pytest.raises(UsageError, match="no MicroPython") as caught:
        find_interpreter("micropython")
    assert "interpreter=cpython" in caught.value.remedy


def test_an_unknown_interpreter_is_refused():
    with pytest.raises(UsageError, match="unknown interpreter 'pypy'"):
        find_interpreter("pypy")
