"""Bytes that a bad cable gives in place of those it got."""

import random
from dataclasses import replace
from math import log

from tests.campaign.plan import Fault


def damaged(data: bytes, fault: Fault, rng: random.Random) -> bytes:
    """A stretch of `fault.count` bytes changed, somewhere; with count 0 each byte at `fault.rate`."""
    if fault.count == 0:
        return _at_a_rate(data, fault, rng)
    count = min(fault.count, len(data))
    at = rng.randrange(len(data) - count + 1)
    return data[:at] + _changed(data[at : at + count], fault.kind, rng) + data[at + count :]


def left_over(fault: Fault, length: int) -> Fault | None:
    """What of a burst is still to come after `length` bytes; None where it is over."""
    return replace(fault, count=fault.count - length) if fault.count > length else None


def _at_a_rate(data: bytes, fault: Fault, rng: random.Random) -> bytes:
    """From one damaged byte to the next, since nearly all are spared."""
    parts: list[bytes] = []
    spared = 0
    while (hit := spared + int(log(1.0 - rng.random()) / log(1.0 - fault.rate))) < len(data):
        parts += data[spared:hit], _changed(data[hit : hit + 1], fault.kind, rng)
        spared = hit + 1
    return b"".join((*parts, data[spared:]))


def _changed(data: bytes, kind: str, rng: random.Random) -> bytes:
    if kind == "dropped bytes":
        return b""
    if kind == "duplicated bytes":
        return data * 2
    if kind == "inserted bytes":
        return data + rng.randbytes(len(data))
    return bytes(byte ^ 1 << rng.randrange(8) for byte in data)
