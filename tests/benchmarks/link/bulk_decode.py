"""How fast stored wire bytes become samples, beside the live reader and beside lines of text.

All figures are processor time, the best of a few runs: what else the machine does only makes a run slower.
"""

import io
import struct
import time
from collections.abc import Callable

import numpy as np

from popsense_protocol.bulk import read_packets
from popsense_protocol.codec import decode
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.layouts import SAMPLE_DTYPE, struct_format
from popsense_protocol.packets import FORCE_OFFSET_COUNTS, SAMPLE_BLOCK
from tests.benchmarks.report import Figure

BLOCK_SAMPLES = 20
PERIOD_US = 1012
BULK_SAMPLES = 2_000_000  # a little more than half an hour
SLOW_SAMPLES = 100_000
RUNS = 7
BAR = 10.0  # million samples a second


def figures() -> list[Figure]:
    """Million samples a second of each way, and how many times faster the bulk reader is."""
    samples = readings(BULK_SAMPLES)
    few = samples[:SLOW_SAMPLES]
    wire, short_wire, text = wire_of(samples), wire_of(few), text_of(few)
    bulk = rate(lambda: len(read_packets([wire]).samples), BULK_SAMPLES)
    others = {
        "live reader, construct": rate(lambda: read_live(short_wire), SLOW_SAMPLES),
        "text lines, numpy.loadtxt": rate(lambda: read_loadtxt(text), SLOW_SAMPLES),
        "text lines, split and int": rate(lambda: read_split(text), SLOW_SAMPLES),
    }
    rows = [
        Figure("bulk decode of wire bytes, COBS and CRC", bulk, "M samples/s", bar=BAR),
        Figure("wire bytes a sample", len(wire) / BULK_SAMPLES, "B"),
        Figure("text bytes a sample", len(text) / SLOW_SAMPLES, "B"),
    ]
    rows += [Figure(name, found, "M samples/s") for name, found in others.items()]
    rows += [Figure(f"bulk decode / {name}", bulk / found, "x") for name, found in others.items()]
    return rows


def rate(read: Callable[[], int], samples: int) -> float:
    """Million samples a second, the best of RUNS. `read` gives how many samples it found."""
    best = min(timed(read, samples) for _ in range(RUNS))
    return samples / best / 1e6


def timed(read: Callable[[], int], samples: int) -> float:
    start = time.process_time()
    found = read()
    took = time.process_time() - start
    if found != samples:
        raise AssertionError(f"{found} of {samples} samples were read")
    return took


def readings(count: int) -> np.ndarray:
    """Noisy readings as of a board at work: SAMPLE_DTYPE, shape (count,)."""
    random = np.random.default_rng(1)
    samples = np.empty(count, SAMPLE_DTYPE)
    samples["force_and_flags"] = FORCE_OFFSET_COUNTS + random.normal(20_000, 9_000, count).astype(np.int64)
    samples["depth"] = random.integers(0, 16_381, count)
    samples["pressure"] = random.normal(4_000, 30, count).astype(np.int64)
    return samples


def wire_of(samples: np.ndarray) -> bytes:
    """The frames of a board that sends them in blocks, each with a 0x00 before it."""
    return b"".join(
        b"\0" + encode_frame(block(first, samples[first : first + BLOCK_SAMPLES]))
        for first in range(0, len(samples), BLOCK_SAMPLES)
    )


def block(first: int, samples: np.ndarray) -> bytes:
    stamp = first * PERIOD_US % 2**30
    kind = SAMPLE_BLOCK.type.subcon.value
    return (
        struct.pack(struct_format(SAMPLE_BLOCK), kind, len(samples), 7, 0, first, stamp) + samples.tobytes()
    )


def text_of(samples: np.ndarray) -> str:
    """A line `index,force,depth,pressure` a sample."""
    columns = (samples[name].tolist() for name in ("force_and_flags", "depth", "pressure"))
    return "".join(f"{k},{f},{d},{p}\n" for k, (f, d, p) in enumerate(zip(*columns, strict=True)))


def read_live(wire: bytes) -> int:
    """The way of the session: one packet at a time."""
    return sum(decode(payload).fields.count for payload in FrameDecoder().feed(wire))


def read_loadtxt(text: str) -> int:
    return len(np.loadtxt(io.StringIO(text), dtype=np.int64, delimiter=","))


def read_split(text: str) -> int:
    return len(np.array([[int(word) for word in line.split(",")] for line in text.splitlines()]))
