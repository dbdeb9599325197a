"""What of a run has come, what is missing, and what to ask for next. No I/O; the time is given."""

from dataclasses import dataclass
from typing import Any, Literal

from popsense.link.index_set import IndexSet
from popsense.model import Stretch
from popsense_protocol.codec import TYPE_OF_NAME, Packet
from popsense_protocol.counters import unwrapped

RETRY_S = 0.5  # so long after an ask nothing of it came: it is asked again
RESEND = TYPE_OF_NAME["RESEND"]

Stored = Literal["samples", "events"]


@dataclass(frozen=True)
class Ask:
    """One RESEND: which of the device's numbers are wanted, [first, end), and since when."""

    what: Stored
    first: int
    end: int
    request: int = 0
    since_s: float = 0.0


class Series:
    """Samples or events of one run: numbers from 0 on, each of which is to come once.

    came: those that are here. gone: those that the device no longer had when it was asked. settled: both.
    sent: below this all went over the wire, so what is not here by then was lost.
    """

    def __init__(self, what: Stored) -> None:
        self.what: Stored = what
        self.came = IndexSet()
        self.settled = IndexSet()
        self.gone: list[Stretch] = []
        self.sent = 0
        self.ask: Ask | None = None

    def take(self, first: int, count: int, now: float) -> bool:
        """Numbers that came; True where at least one of them is new."""
        behind = unwrapped(first, self.sent) + count
        first, end = self.whole(first), max(0, behind)
        self.settled.add(first, end)  # first: Ctrl-C in between must leave nothing that is waited for
        if self.came.add(first, end) == 0:
            return False
        self.sent = max(self.sent, end)
        self._progress(first, end, now)
        return True

    def whole(self, number: int) -> int:
        """The number without its wrap at 2^32."""
        return max(0, unwrapped(number, self.sent))

    def announce(self, end: int) -> None:
        """The device has sent everything below `end`."""
        self.sent = max(self.sent, unwrapped(end, self.sent))

    def give_up(self, first: int, end: int) -> None:
        """The device has these no more."""
        self.gone += self.settled.missing(first, end)
        self.settled.add(first, end)
        if self.ask is not None and self.settled.first_missing(self.ask.first) >= self.ask.end:
            self.ask = None

    def refused(self, first_kept: int) -> None:
        """NAK not_kept upon the ask under way: what lies below `first_kept` will not come."""
        if self.ask is None:
            return
        oldest = unwrapped(first_kept, self.sent)
        first, end = self.ask.first, self.ask.end
        # A device that refuses what it claims to have will not give it on asking again either.
        self.give_up(first, min(end, oldest) if oldest > first else end)

    def wanted(self, now: float) -> Ask | None:
        """What to ask for now; None while an ask is under way, or where nothing is missing."""
        if self.ask is not None and now - self.ask.since_s < RETRY_S:
            return None
        gap = self.settled.first_gap(self.sent)
        if gap is None:
            self.ask = None
            return None
        return Ask(self.what, gap.first_sample, gap.end)

    @property
    def is_settled(self) -> bool:
        return self.settled.first_missing() >= self.sent

    def _progress(self, first: int, end: int, now: float) -> None:
        ask = self.ask
        if ask is None or end <= ask.first or first >= ask.end:
            return
        if self.settled.first_missing(ask.first) >= ask.end:
            self.ask = None
        else:
            self.ask = Ask(ask.what, ask.first, ask.end, ask.request, now)


class Repair:
    """Follows one run by its packets. `run`: from the ACK of START."""

    def __init__(self, run: int) -> None:
        self.run = run
        self.samples = Series("samples")
        self.events = Series("events")
        self.at_least = 0
        self.taken: int | None = None

    @property
    def settled(self) -> tuple[int, int]:
        """Below these, samples and events have come or are known to be gone."""
        return self.settled_below, self.events.settled.first_missing()

    @property
    def settled_below(self) -> int:
        """Below this index every sample has come or is known to be gone."""
        return self.samples.settled.first_missing()

    @property
    def is_settled(self) -> bool:
        """Nothing that can still be had is missing of what was sent."""
        return self.samples.is_settled and self.events.is_settled

    def holes(self) -> list[Stretch]:
        """Samples below the highest known one that have not come."""
        return self.samples.came.missing(0, max(self.samples.sent, self.taken or 0, self.at_least))

    def take(self, packet: Packet, now: float) -> bool:
        """One packet of the device; False for samples and events of another run, or that are here already."""
        fields = packet.fields
        if packet.name == "SAMPLE_BLOCK":
            return fields.run == self.run and self.samples.take(fields.first_sample, fields.count, now)
        if packet.name == "EVENT":
            return fields.run == self.run and self.events.take(fields.number, 1, now)
        if packet.name in ("ACK", "STATUS") and fields.run == self.run:
            self._count(fields)
        elif packet.name == "NAK" and fields.command == RESEND:
            self._refused(fields)
        return True

    def wanted(self, now: float) -> Ask | None:
        """The next thing to ask for: samples first, they are overwritten first."""
        return self.samples.wanted(now) or self.events.wanted(now)

    def asked(self, ask: Ask, request: int, now: float) -> None:
        """The ask went out under this request number."""
        series = self.samples if ask.what == "samples" else self.events
        series.ask = Ask(ask.what, ask.first, ask.end, request, now)

    def forget_asks(self) -> None:
        """A new session: the device has dropped what it was asked for."""
        self.samples.ask = self.events.ask = None

    def _count(self, fields: Any) -> None:
        """The device's own counts; when it is idle they are final, and all of it has been sent."""
        self.at_least = max(self.at_least, unwrapped(fields.next_sample, self.samples.sent))
        self.events.announce(fields.next_event)
        if fields.state == "idle":
            self.samples.announce(fields.next_sample)
            self.taken = unwrapped(fields.next_sample, self.samples.sent)

    def _refused(self, fields: Any) -> None:
        for series in (self.samples, self.events):
            if series.ask is None or series.ask.request != fields.request:
                continue
            if fields.run != self.run:
                series.give_up(series.ask.first, series.ask.end)
            elif fields.reason == "not_kept":
                series.refused(fields.first_kept)
