"""Entry of the detector's child process: the device's detector, unchanged, over arrays in place of a board.

Started as `INTERPRETER board/run_detector.py OPTIONS` in a folder of its own; OPTIONS is a JSON file with
firmware and shims (folders for the path). Host -> child: RUN_RECORD and a profile in JSON (begins anew), or
CHUNK_RECORD and so many samples. Child -> host, after its start and after each record: any number of
DATA_RECORD with their bytes (at the start what it is, in JSON, later EVENT payloads), then END.
"""

import sys

RUN = 0x52
CHUNK = 0x43
DATA = 0x44
END = 0x45
RUN_RECORD = "<BIH"  # RUN, sample rate in 1/1000 a second, bytes of the profile
CHUNK_RECORD = "<BIH"  # CHUNK, 0, samples
DATA_RECORD = "<BH"  # DATA, bytes
SAMPLE_BYTES = 12  # force code, depth counts, ticks in us: 32 bits each
CHUNK_SAMPLES = 2048  # 24 KiB, an eighth of the heap
# A step writes 4 events at most, so the 64 that the detector keeps outlast this many steps.
BATCH_SAMPLES = 16


class Player:
    """Steps the detector through chunks and hands out each event once."""

    def __init__(self, stdin, stdout):
        self._in = stdin
        self._out = stdout
        self._detector = Detector()
        self._record = bytearray(struct.calcsize(RUN_RECORD))
        self._samples = bytearray(CHUNK_SAMPLES * SAMPLE_BYTES)
        self._payload = bytearray(detection.EVENT_BYTES)
        self._told = 0

    def run(self):
        """Until the host closes the pipe."""
        self._tell(json.dumps(what_it_is()).encode())
        while True:
            self._out.write(bytes((END,)))
            if hasattr(self._out, "flush"):
                self._out.flush()
            self._read_into(memoryview(self._record))
            kind, rate_mhz, count = struct.unpack(RUN_RECORD, self._record)
            if kind == CHUNK:
                self._play(count)
            else:
                profile = bytearray(count)
                self._read_into(memoryview(profile))
                self._begin(rate_mhz, json.loads(profile.decode()))

    def _begin(self, rate_mhz, profile):
        configure(self._detector, rate_mhz, profile)
        self._detector.reset()
        self._told = 0
        gc.collect()

    def _play(self, count):
        self._read_into(memoryview(self._samples)[: count * SAMPLE_BYTES])
        step, state = self._detector.step, self._detector.state
        for first in range(0, count, BATCH_SAMPLES):
            replay(step, self._samples, first, min(first + BATCH_SAMPLES, count))
            if state[detection.D_EVENTS] != self._told:
                self._tell_events(state[detection.D_EVENTS])

    def _tell_events(self, end):
        while self._told < end:
            length = detection.take_event(self._told, 0, self._detector.events, self._payload)
            self._tell(self._payload[:length])
            self._told += 1

    def _tell(self, data):
        self._out.write(struct.pack(DATA_RECORD, DATA, len(data)))
        self._out.write(data)

    def _read_into(self, view):
        done = 0
        while done < len(view):
            count = self._in.readinto(view[done:])
            if not count:
                sys.exit(0)  # the host is gone
            done += count


def configure(detector, rate_mhz, profile):
    """The one place that knows how."""
    detector.configure(rate_mhz, profile)


def what_it_is():
    """Interpreter, version and nominal scales of this build."""
    version = sys.implementation.version
    return {
        "interpreter": "%s %d.%d.%d" % (sys.implementation.name, version[0], version[1], version[2]),
        "detector_version": settings.DETECTOR_VERSION,
        "force_nano_n_per_count": settings.FORCE_NANO_N_PER_COUNT,
        "depth_nano_mm_per_count": settings.DEPTH_NANO_MM_PER_COUNT,
        "depth_zero_counts": settings.DEPTH_ZERO_COUNTS,
    }


if __name__ == "__main__":  # the host imports the names above
    import gc
    import json
    import struct

    with open(sys.argv[1]) as options_file:
        options = json.load(options_file)
    for folder in [options["firmware"]] + options["shims"]:
        sys.path.insert(0, folder)

    from complaint import complain
    from replay import replay

    try:
        from bone import detection, settings
        from bone.detector import Detector

        Player(sys.stdin.buffer, sys.stdout.buffer).run()
    except Exception as error:  # noqa: BLE001  whatever the detector raises must reach the host
        complain(error)
        sys.exit(1)
