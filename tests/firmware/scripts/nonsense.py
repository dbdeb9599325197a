"""The application hears bytes that mean nothing. In: hex text a line. Out: heap in use, and what it did."""

import gc
import json
import sys

from bone.sample_ring import SampleRing

ring = SampleRing()  # first, as in main.py: the heap is that of a Pico

from fakes import Board  # noqa: E402

from bone import app, kernels  # noqa: E402

board = Board()
bone = app.App(board, ring)
runs = bone.sampler.control[kernels.RUN]
allocated = getattr(gc, "mem_alloc", lambda: 0)  # absent in CPython

for line in sys.stdin:
    board.console.feed(bytes.fromhex(json.loads(line)))
    answered = board.console.frames
    while board.console.any():
        length = bone.link.receive()
        if length:
            bone.commands.answer(length)
    board.console.feed(b"")
    gc.collect()
    started = bone.sampler.running or bone.sampler.control[kernels.RUN] != runs
    said = {
        "heap": allocated(),
        "bad": bone.link.bad_frames,
        "answered": board.console.frames - answered,
        "obeyed": bone.commands.identified or started,
    }
    sys.stdout.write(json.dumps(said) + "\n")
