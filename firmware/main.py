"""Builds ring, board and application, and starts, unless MicroPython's prompt is wanted. No other logic."""

from bone import board

if not board.stays_at_prompt():
    from bone.sample_ring import SampleRing

    ring = SampleRing()  # 96 KiB in two pieces: before the rest is imported

    from bone.app import App

    App(board.Board(), ring).run()
