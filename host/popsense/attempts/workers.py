"""Work spread over processes: results in order, and Ctrl-C ends them all without leaving anybody behind."""

import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def _to_nobody(_: Any) -> None:
    pass


def in_order(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    late: Callable[[Result], None] = _to_nobody,
) -> Generator[Result]:
    """work(item) for each, in the order of the items, `jobs` processes at a time; `jobs` changes no result.

    `work` and the items are pickled unless jobs is 1. Errors of `work` are passed on. late: gets, in order,
    what was finished and not yet given when Ctrl-C, an error or the caller ended the run.
    """
    if jobs == 1 or len(items) == 1:
        yield from map(work, items)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _leave_ctrl_c_to_the_parent)
    waiting: deque[Future[Result]] = deque()
    try:
        with _ctrl_c_later():  # the pool starts its workers as work is submitted
            waiting.extend(pool.submit(work, item) for item in items)
        while waiting:
            result = waiting[0].result()
            waiting.popleft()
            yield result
    finally:  # after Ctrl-C or an error nobody waits for the rest
        pool.shutdown(cancel_futures=True)
        for future in waiting:
            if not future.cancelled() and future.exception() is None:
                late(future.result())


def _leave_ctrl_c_to_the_parent() -> None:
    """In a worker: one that dies of Ctrl-C may leave the parent waiting for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _ctrl_c_later() -> Generator[None]:
    """Ctrl-C takes effect at the end of the block; children started in it are deaf to it from birth on.

    A worker imports for a second before it can ask for that itself, and a start that breaks off half-way
    leaves a worker whom nobody knows. A blocked signal is inherited; the handler is for other threads, to
    which the system gives what the main one blocks. Only the main thread may do this, and needs to.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    mask = _block_ctrl_c()
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if pressed and callable(before):  # a program that ignores Ctrl-C goes on ignoring it
        before(signal.SIGINT, None)


def _block_ctrl_c() -> set[int] | None:
    """The mask before; None on Windows, which has none."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}))
