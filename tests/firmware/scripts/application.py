"""The application on the stand-in board, step by step. In: [operation, argument] a line.

Out: the frames that it wrote meanwhile, as a list of hex texts; written as they come, since the heap is that
of a Pico.
"""

import gc
import json
import sys

from bone.sample_ring import SampleRing

ring = SampleRing()  # first, as in main.py: the heap is that of a Pico

from fakes import Board, Console  # noqa: E402

from bone import app, detection, health_kernels, kernels  # noqa: E402

LOOK_US = 100000  # longer than kernels.py waits with it


class TellingConsole(Console):
    """Frames go straight into the answer."""

    telling = False

    def write(self, buffer, count):
        if self.telling:
            sys.stdout.write(',"' + bytes(buffer[:count]).hex() + '"')


class CountingBoard(Board):
    """Its converter gives in each sample what `numbered` says of the index, so that none is like another."""

    def __init__(self, options):
        Board.__init__(self)
        self.console = TellingConsole()
        self.boot_id = options.get("boot_id", 0)
        self.now_us = options.get("ticks_us", 0)
        self.control = None
        self.reset_cause = options.get("reset_cause", 1)
        self.period_us = options.get("period_us", self.period_us)
        self.spi.bridge = options.get("bridge", self.spi.bridge)
        self.spi.answers = not options.get("silent_converter", False)
        self.force = 0  # counts that are added
        self.held = self.garbage = self.mute = False  # of the force, and of the data-ready line

    def ticks_diff(self, later, earlier):
        return ((later - earlier + (1 << 29)) & 0x3FFFFFFF) - (1 << 29)

    def edge(self):
        if self.control is not None:
            number = self.control[kernels.NEXT] & 4095  # of 1 N at most: no contact
            code = self.force if self.held else self.force + number
            if self.garbage:
                code = (number * 0x9E3779 ^ number * number * 40503) & 0xFFFFFF
            self.spi.result[0] = (code >> 16) & 0xFF
            self.spi.result[1] = (code >> 8) & 0xFF
            self.spi.result[2] = code & 0xFF
        Board.edge(self)

    def ready(self):
        if not self.mute:
            Board.ready(self)


class Device:
    """One power-on."""

    def __init__(self, options):
        self.board = CountingBoard(options)
        self.app = app.App(self.board, ring)
        # Past the watch of board_words over what the application itself reads.
        self.control = self.board.control = memoryview(self.app.sampler.control)

    def tell(self, text):
        """A frame of the host, and one step of the loop, in which it is time to look for one."""
        self.board.console.feed(bytes.fromhex(text))
        self.app._turn[kernels.T_HEARD] = (self.board.ticks_us() - LOOK_US) & 0x3FFFFFFF
        self.app.step()

    def steps(self, count):
        for _ in range(count):
            self.app.step()

    def wait(self, milliseconds):
        """The loop goes on for so long."""
        began_ms = self.board.now_ms
        while self.board.now_ms - began_ms < milliseconds:
            self.app.step()

    def run(self, samples):
        """Steps until so many more samples were taken."""
        control = self.control
        left = samples
        while left > 0:
            before = control[kernels.NEXT]
            self.app.step()
            left -= (control[kernels.NEXT] - before) & 0x3FFFFFFF

    def stall(self, samples):
        """The interrupt goes on, the loop does not come round."""
        for _ in range(samples):
            self.board.edge()

    def skip_to(self, index):
        """The next sample gets this index, as if all before it had been taken and sent."""
        control = self.control
        control[kernels.NEXT] = control[kernels.SENT] = index - (1 << 32) if index >= 1 << 31 else index

    def events(self, count):
        """The detector finds so many at once."""
        detector = self.app.detector
        for _ in range(count):
            number = detector.state[detection.D_EVENTS]
            detection.emit(1, number, 0, 0, 1, detector.state, detector.parameters, detector.events)

    def event_in_the_midst(self, _):
        """The interrupt finds one more event while the next is being copied."""
        plain = detection.take_event

        def interrupted(*arguments):
            detection.take_event = plain
            self.events(1)
            return plain(*arguments)

        detection.take_event = interrupted

    def sensors(self, changed):
        """What the board's sensors show from here on, by name."""
        board = self.board
        for name in changed:
            value = changed[name]
            if name in ("depth", "pressure", "supply"):
                getattr(board, name + "_adc").code = value
            elif name in ("bridge", "answers"):
                setattr(board.spi, name, value)
            elif name == "ready_level":
                board.force_ready.level = value
            else:
                setattr(board, name, value)

    def slow(self, milliseconds):
        """One turn of the loop takes so long."""
        self.app.step()
        self.stall(milliseconds)
        self.app.step()

    def cut_write(self, count):
        """So many writes that the host did not read in time."""
        self.app.link.cut_writes += count

    def missed(self, count):
        self.control[kernels.MISSED] = count

    def calibrated(self, identity):
        self.app.calibration_id = identity


device = None
for line in sys.stdin:
    name, value = json.loads(line)
    sys.stdout.write('[""')
    if name == "board_words":  # CPython only
        import board_words

        kernels.ptr32 = health_kernels.ptr32 = board_words.Words
        kernels.words = board_words.unboxed_words
    elif name == "power_on":
        device = None
        gc.collect()
        device = Device(value)
        device.board.console.telling = True
    else:
        getattr(device, name)(value)
    sys.stdout.write("]\n")
