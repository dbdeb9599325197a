"""Builds ring, board and application, and starts. No logic."""

from bone.sample_ring import SampleRing

ring = SampleRing()  # 96 KiB in two pieces: before the rest is imported

from bone.app import App  # noqa: E402
from bone.board import Board  # noqa: E402

App(Board(), ring).run()
