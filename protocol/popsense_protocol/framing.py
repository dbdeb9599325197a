"""Payloads <-> bytes on the wire: CRC-32, COBS, a zero byte as delimiter. Bytes in, payloads out, no I/O.

A frame is COBS(payload + CRC-32 of the payload, little-endian) followed by 0x00. Every 0x00 on the wire ends
a frame, so one damaged byte costs the frame it is in, and its neighbour where it was the delimiter.
"""

import zlib
from collections.abc import Iterator

from cobs import cobs

CRC_BYTES = 4
MAX_PAYLOAD_BYTES = 1024
MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + CRC_BYTES + (MAX_PAYLOAD_BYTES + CRC_BYTES) // 254 + 1


class FramingError(ValueError):
    """A payload that no frame can carry."""


def encode_frame(payload: bytes) -> bytes:
    """One frame with its delimiter. FramingError for an empty payload or one over MAX_PAYLOAD_BYTES."""
    if not 0 < len(payload) <= MAX_PAYLOAD_BYTES:
        raise FramingError(f"payload of {len(payload)} bytes, allowed 1 to {MAX_PAYLOAD_BYTES}")
    return cobs.encode(payload + zlib.crc32(payload).to_bytes(CRC_BYTES, "little")) + b"\0"


def decode_frame(frame: bytes) -> bytes | None:
    """The payload of one frame given without its delimiter, or None where COBS or CRC do not hold."""
    try:
        body = cobs.decode(frame)
    except cobs.DecodeError:
        return None
    payload, crc = body[:-CRC_BYTES], body[-CRC_BYTES:]
    if not payload or zlib.crc32(payload) != int.from_bytes(crc, "little"):
        return None
    return payload


class FrameDecoder:
    """Bytes in any chunks -> every intact payload once, in order.

    bad_frames counts the frames dropped for COBS, checksum or length; empty frames (0x00 0x00) are idle
    filling and count as nothing. Memory is bounded by MAX_FRAME_BYTES plus the chunk.
    """

    def __init__(self) -> None:
        self._partial = bytearray()
        self._skipping = False
        self.bad_frames = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Payloads completed by this chunk, which is taken in whole even if the result is not consumed."""
        return iter([payload for frame in self._split(chunk) if (payload := self._open(frame)) is not None])

    def _split(self, chunk: bytes) -> list[bytes]:
        self._partial += chunk
        *frames, rest = bytes(self._partial).split(b"\0")
        if self._skipping and frames:  # the end of a frame that was already given up
            self._skipping, frames = False, frames[1:]
        self._partial = bytearray() if self._skipping else bytearray(rest)
        if len(self._partial) > MAX_FRAME_BYTES:
            self._skipping, self._partial = True, bytearray()
            self.bad_frames += 1
        return frames

    def _open(self, frame: bytes) -> bytes | None:
        if not frame:
            return None
        payload = decode_frame(frame) if len(frame) <= MAX_FRAME_BYTES else None
        self.bad_frames += payload is None
        return payload
