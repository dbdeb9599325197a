"""Ctrl-C inside a stretch that must not be torn."""

import signal
import threading

import pytest

from popsense.twin.interrupts import interrupts_deferred


def test_it_is_handled_at_the_end():
    done: list[str] = []

    def stretch() -> None:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        stretch()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_is_handled_at_once():
    done: list[str] = []

    def stretch() -> None:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("never")

    with pytest.raises(KeyboardInterrupt):
        stretch()
    assert done == []


def test_outside_the_main_thread_nothing_is_touched():
    seen: list[object] = []

    def run() -> None:
        with interrupts_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
