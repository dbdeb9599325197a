"""A recording played as a board: bytes and time in, bytes out, by the rules of protocol/README.md. No I/O.

What a board has and a recording has not:
- START sets the device's clock to that of the recording, so that stamps and events keep their own times. Each
  START plays from the beginning, as a run of its own; the first one has the recorded run's number plus 1.
- A sample that is missing in the recording is refused with not_kept, wherever it lies. In a hole the count of
  samples runs on with the clock, so whatever ends a run there, what was missing by then is missing.
- PROFILE is taken and changes nothing: the recorded detector has found what it found.
- Behind its last sample it goes on sampling without samples, until STOP. A STOP in the last second takes
  along what is left, since no host's time-out meets the same sample twice; one before ends the run there.
- Where the recording was cut off it falls silent for good: its last word is how far it is known to have got.
- START without a calibration is refused as by a board: what was recorded uncalibrated has to be asked for.
- READ_CALIBRATION is answered from the recording. Nothing can be written, tared or tested: unknown commands.
"""

import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from popsense.recording.playback import Playback, Step
from popsense.recording.replay_ring import Kept, Resending
from popsense_protocol.codec import NAME_OF_TYPE, TYPE_OF_NAME, encode
from popsense_protocol.counters import INDEX_MODULUS, TICKS_MODULUS, unwrapped
from popsense_protocol.framing import FrameDecoder, encode_frame
from popsense_protocol.layouts import BLOCK_HEADER_DTYPE, fields, fixed_size, struct_format
from popsense_protocol.packets import PACKETS, START_UNCALIBRATED, Mode, Sensor, Stored

IDLE_HELLO_US = 200_000
BUSY_HELLO_US = 1_000_000
NEVER_US = 1 << 62
STATUS_US = 1_000_000
QUIET_US = 40_000  # without a live block for so long: a resent one goes all the same
REST_US = 1_000_000  # what is left at STOP is played if it is no longer than this
LEAD_US = 1 << 28  # so far behind the recording is the clock before the first START: it goes ahead there
RESENT_IN_A_BLOCK = 20
RING_GUARD = 64  # of ring_samples, not kept
COMMANDS = ("IDENTIFY", "START", "STOP", "PROFILE", "RESEND", "CLOCK", "READ_CALIBRATION")
DONE_ONCE = ("START", "STOP", "PROFILE")
SAMPLES, EVENTS = (int(Stored.encmapping[name]) for name in ("samples", "events"))
MOST = {"drop_permille": 1000, "drop_out_permille": 1000, "flex_nm_per_n": 9_000, "depth_fitted": 1}
MOST_OF_ANY = 1 << 24


class ReplayBoard:
    """Powered from the beginning; its time, in us since then, is what the calls say it is."""

    def __init__(self, played: Playback) -> None:
        self._played = played
        self._now_us = 0
        self._clock_ahead_us = int(played.ticks_us[0]) - LEAD_US
        self._decoder = FrameDecoder()
        self._outgoing = bytearray()
        self._identified = self._sampling = self._is_cut_off = False
        self._done: tuple[int, int] | None = None
        self._run = played.run
        self._hello_us = self._status_us = self._resend_us = 0
        self._hello_payload = encode("HELLO", **played.hello)
        self._begin_anew()

    def run_until(self, now_us: int) -> bytes:
        """What the board writes up to that moment."""
        while (due_us := self.next_us()) <= now_us:
            self._pass_time(due_us)
            self._act()
        self._pass_time(now_us)
        return self._written()

    def hear(self, data: bytes) -> bytes:
        """What it answers to these bytes, at once."""
        for payload in self._decoder.feed(data):
            if not self._is_cut_off:
                self._hear(payload)
        return self._written()

    @property
    def is_cut_off(self) -> bool:
        """True where nothing more can come, whatever is said."""
        return self._is_cut_off

    def next_us(self) -> int:
        """When it will write something if nobody speaks."""
        if self._is_cut_off:
            return NEVER_US
        due_us = [self._hello_us]
        if self._sampling:
            due_us.append(self._status_us)
            if self._at < len(self._played.steps):
                due_us.append(self._played.steps[self._at].due_us - self._clock_ahead_us)
        if self._resending:
            due_us.append(self._resend_us if self._sampling else self._now_us)
        return min(due_us)

    def _act(self) -> None:
        """One thing that is due: events and blocks first, then what was asked for, then HELLO and STATUS."""
        step = self._step_due()
        if step is not None:
            self._play(step)
        elif self._resending and (not self._sampling or self._now_us >= self._resend_us):
            self._resend_one_of_each()
        elif self._now_us >= self._hello_us:
            self._hello()
        else:
            self._status()

    def _step_due(self) -> Step | None:
        if not self._sampling or self._at == len(self._played.steps):
            return None
        step = self._played.steps[self._at]
        return step if step.due_us <= self._clock_us() else None

    def _pass_time(self, now_us: int) -> None:
        self._now_us = max(self._now_us, now_us)
        if self._sampling and self._at < len(self._played.steps):
            self._count_samples(self._kept[SAMPLES].sent)

    # ---- what a run consists of ---------------------------------------------------------------------------

    def _begin_anew(self) -> None:
        """Nothing is played yet."""
        hello = self._played.hello
        self._at = 0
        self._missed = 0
        self._kept = {
            SAMPLES: Kept(self._played.sample_index, max(1, hello["ring_samples"] - RING_GUARD)),
            EVENTS: Kept(self._played.numbers, hello["event_capacity"]),
        }
        self._resending: dict[int, Resending] = {}

    def _play(self, step: Step) -> None:
        self._at += 1
        if step.kind == "end":
            self._reach_the_end()
        elif step.kind == "event":
            kept = self._kept[EVENTS]
            self._kept[EVENTS] = replace(kept, sent=step.end, next_number=int(kept.numbers[step.first]) + 1)
            self._event(step.first)
        else:
            self._missed = int(self._played.missed[step.end - 1])
            self._count_samples(step.end)
            self._block(step.first, step.end)
            self._resend_one_of_each()

    def _count_samples(self, sent: int) -> None:
        next_number = self._played.next_sample(sent, self._clock_us())
        self._kept[SAMPLES] = replace(self._kept[SAMPLES], sent=sent, next_number=next_number)

    def _reach_the_end(self) -> None:
        """What the device told at the end may lie behind the last thing that came of it."""
        played = self._played
        self._missed = played.missed_conversions
        self._kept[SAMPLES] = replace(self._kept[SAMPLES], next_number=played.taken)
        self._kept[EVENTS] = replace(self._kept[EVENTS], next_number=played.events_found)
        if played.is_cut_off:
            self._status()
            self._is_cut_off = True

    def _start(self) -> None:
        self._begin_anew()
        self._sampling = True
        self._run = (self._run + 1) % (1 << 16)
        self._clock_ahead_us = int(self._played.ticks_us[0]) - self._now_us
        self._count_samples(0)
        self._hello_us, self._status_us = self._now_us + BUSY_HELLO_US, self._now_us + STATUS_US

    def _stop(self) -> None:
        steps = self._played.steps
        if steps[-1].due_us - self._clock_us() <= REST_US:
            while self._at < len(steps):
                self._play(steps[self._at])
        if self._is_cut_off:
            return
        self._sampling = False
        self._hello_us = min(self._hello_us, self._now_us + IDLE_HELLO_US)

    # ---- commands ------------------------------------------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        kind, name = payload[0], NAME_OF_TYPE.get(payload[0], "")
        if name not in COMMANDS:
            self._nak(kind, 0, "unknown_command")
        elif len(payload) != fixed_size(PACKETS[name]):
            self._nak(kind, 0, "malformed")
        elif name == "IDENTIFY":
            self._identify(payload)
        else:
            self._command(name, _fields_of(name, payload))

    def _identify(self, payload: bytes) -> None:
        if payload != encode("IDENTIFY"):
            self._nak(payload[0], 0, "malformed")
            return
        self._identified, self._done = True, None
        self._resending.clear()
        self._hello()
        self._ack(payload[0], 0)

    def _command(self, name: str, command: Mapping[str, int]) -> None:
        kind, request = command["type"], command["request"]
        if not self._identified:
            self._nak(kind, request, "not_identified")
        elif (kind, request) == self._done:
            self._ack(kind, request)
        elif refusal := self._refusal(name, command):
            self._nak(kind, request, refusal)
        elif name == "RESEND":
            self._resend(command)
        else:
            self._carry_out(name, command)
            self._acknowledge(name, kind, request)

    def _acknowledge(self, name: str, kind: int, request: int) -> None:
        if self._is_cut_off:  # the recorded board never answered
            return
        if name in DONE_ONCE:
            self._done = (kind, request)
        self._ack(kind, request)

    def _carry_out(self, name: str, command: Mapping[str, int]) -> None:
        if name == "START":
            self._start()
        elif name == "STOP":
            self._stop()
        elif name == "READ_CALIBRATION":
            record = self._played.calibrations[command["sensor"]]
            asked = {"sensor": command["sensor"], "request": command["request"]}
            self._send(encode("CALIBRATION", **asked, record=record))

    def _refusal(self, name: str, command: Mapping[str, int]) -> str | None:
        """Why a command is not done; in the order in which a board looks."""
        if name in ("START", "PROFILE") and self._sampling:
            return "already_sampling"
        if name == "STOP" and not self._sampling:
            return "not_sampling"
        if not _can_be_meant(name, command):
            return "malformed"
        asked_without = name != "START" or command["options"] & START_UNCALIBRATED
        return None if asked_without or self._played.hello["calibration_id"] else "no_calibration"

    # ---- what is asked for again ---------------------------------------------------------------------------

    def _resend(self, command: Mapping[str, int]) -> None:
        what, request = command["what"], command["request"]
        kept = self._kept[what]
        if command["run"] != self._run:
            self._resending.clear()
            self._not_kept(request, kept.oldest())
            return
        self._resending.pop(what, None)
        first = unwrapped(command["first"], kept.next_number)
        end = first + command["count"]
        if first < 0 or first == end or end > kept.next_number:
            self._not_kept(request, min(max(first, 0), kept.oldest()))
            return
        oldest = kept.oldest(first)
        if oldest == first:
            self._ack(command["type"], request)
        else:
            self._not_kept(request, oldest)
        self._go_on(Resending(what, request, oldest, end))
        self._resend_us = self._now_us + QUIET_US

    def _go_on(self, resending: Resending) -> None:
        if resending.first < resending.end:
            self._resending[resending.what] = resending
        else:
            self._resending.pop(resending.what, None)

    def _resend_one_of_each(self) -> None:
        """One event and one block, or the word that they are gone."""
        self._resend_us = self._now_us + QUIET_US
        for resending in sorted(self._resending.values(), key=lambda one: -one.what):
            self._resend_one(resending)

    def _resend_one(self, resending: Resending) -> None:
        kept = self._kept[resending.what]
        oldest = kept.oldest(resending.first)
        if oldest > resending.first:
            self._not_kept(resending.request, oldest)
            self._go_on(replace(resending, first=oldest))
            return
        most = 1 if resending.what == EVENTS else RESENT_IN_A_BLOCK
        start, end = kept.stretch(oldest, min(most, resending.end - oldest))
        if resending.what == EVENTS:
            self._event(start)
        else:
            self._block(start, end)
        self._go_on(replace(resending, first=oldest + end - start))

    # ---- packets -------------------------------------------------------------------------------------------

    def _block(self, first: int, end: int) -> None:
        """Samples by their places."""
        played = self._played
        head = (
            TYPE_OF_NAME["SAMPLE_BLOCK"],
            end - first,
            self._run,
            self._missed,
            int(played.sample_index[first]) % INDEX_MODULUS,
            int(played.ticks_us[first]) % TICKS_MODULUS,
        )
        self._send(np.array([head], BLOCK_HEADER_DTYPE).tobytes() + played.samples[first:end].tobytes())

    def _event(self, place: int) -> None:
        event = self._played.events[place]
        index = int(event["sample_index"]) % INDEX_MODULUS
        self._send(encode("EVENT", **{**event, "run": self._run, "sample_index": index}))

    def _hello(self) -> None:
        self._hello_us = self._now_us + (BUSY_HELLO_US if self._sampling else IDLE_HELLO_US)
        self._send(self._hello_payload)

    def _status(self) -> None:
        self._status_us = self._now_us + STATUS_US
        self._packet(
            "STATUS",
            state="sampling",
            uptime_ms=self._clock_us() // 1000 % TICKS_MODULUS,
            overruns=0,
            bad_frames=self._decoder.bad_frames,
            heap_free_bytes=0,
            **self._counts(),
        )

    def _ack(self, command: int, request: int) -> None:
        self._packet(
            "ACK",
            command=command,
            request=request,
            state="sampling" if self._sampling else "idle",
            ticks_us=self._clock_us() % TICKS_MODULUS,
            **self._counts(),
        )

    def _counts(self) -> dict[str, int]:
        next_sample, next_event = (self._kept[what].next_number for what in (SAMPLES, EVENTS))
        return {"next_sample": next_sample % INDEX_MODULUS, "next_event": next_event, "missed": self._missed}

    def _nak(self, command: int, request: int, reason: str, first_kept: int = 0) -> None:
        self._packet(
            "NAK", command=command, request=request, reason=reason, first_kept=first_kept % INDEX_MODULUS
        )

    def _not_kept(self, request: int, first_kept: int) -> None:
        self._nak(TYPE_OF_NAME["RESEND"], request, "not_kept", first_kept)

    def _packet(self, name: str, **values: Any) -> None:
        self._send(encode(name, run=self._run, **values))

    def _send(self, payload: bytes) -> None:
        """A 0x00 goes before each frame too, as a board does it."""
        self._outgoing += b"\0" + encode_frame(payload)

    def _written(self) -> bytes:
        written = bytes(self._outgoing)
        self._outgoing.clear()
        return written

    def _clock_us(self) -> int:
        """Of the device, without its wrap."""
        return self._now_us + self._clock_ahead_us


def _fields_of(name: str, payload: bytes) -> dict[str, int]:
    """A command's numbers, whether they are declared or not."""
    struct_ = PACKETS[name]
    names = [field.name for field in fields(struct_)]
    return dict(zip(names, struct.unpack(struct_format(struct_), payload), strict=True))


def _can_be_meant(name: str, command: Mapping[str, int]) -> bool:
    if name == "START":
        return command["mode"] in Mode.decmapping
    if name == "RESEND":
        return command["what"] in Stored.decmapping
    if name == "READ_CALIBRATION":
        return command["sensor"] in Sensor.decmapping
    return name != "PROFILE" or all(value <= MOST.get(field, MOST_OF_ANY) for field, value in command.items())
