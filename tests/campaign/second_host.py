"""Another program that opens the board's port, or whose bytes come on the same pipe."""

import random

from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame

STEP_S = 0.15  # from one of its commands to the next


def its_commands(kind: str, rng: random.Random) -> list[bytes]:
    """What it says, one after another; its request numbers are like ours, from 1 on."""
    stop = _frame("STOP", request=rng.randint(1, 40))
    start = _frame("START", request=rng.randint(41, 80), mode="guided", options=1)
    return {
        "second host listens": [],
        "second host identifies": [_frame("IDENTIFY")],
        "second host stops": [_frame("IDENTIFY"), stop],
        "second host starts": [_frame("IDENTIFY"), stop, start],
    }[kind]


def _frame(name: str, **fields: object) -> bytes:
    return b"\0" + encode_frame(encode(name, **fields))
