"""Where the device's detector, which ran while it happened, and the host's, which knows the end, disagree.

What only one of them can know is no disagreement: samples that were lost, an event that would have come
behind the end of the trace, a used hole that the device passed over. Kinds of event that this file does not
know are left alone. Neither changes the score: that rests on the host.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from popsense.analysis.detection import Detection, HostExit
from popsense.analysis.events import POP_DROP_PERCENT
from popsense.model import Event

DATES_APART_S = 0.050  # uncalibrated
LATE_S = 0.5  # behind an exit, an event still belongs to it: the device waits before it is sure; uncalibrated
SURELY_OUT_S = 1.0  # a withdrawal that lasts less need not be told by the device; uncalibrated

DisagreementKind = Literal[
    "pop_not_in_trace",
    "exit_missed",
    "exit_without_pop",
    "exit_taken_for_used_hole",
    "uncertain_pop",
    "dates_differ",
    "far_cortex_by_device_only",
    "far_cortex_by_host_only",
    "withdrawal_by_device_only",
    "withdrawal_by_host_only",
]
# Most telling first: what the device's best word on one exit is.
WORDS_ON_AN_EXIT = ("pop", "uncertain_pop", "re_puncture", "loss_of_resistance", "used_hole")
WORDS = {"pop": "a pop", "uncertain_pop": "an uncertain pop", "used_hole": "a used hole",
         "loss_of_resistance": "a loss of resistance without a pop"}  # fmt: skip
NO_EXIT = "the computer sees no exit there"


@dataclass(frozen=True)
class Disagreement:
    """One point. time_s: where to look; device_s, host_s: each side's date, None where it has none."""

    kind: DisagreementKind
    time_s: float
    device_s: float | None
    host_s: float | None
    sentence: str


def compare(host: Detection, device_events: Sequence[Event]) -> tuple[Disagreement, ...]:
    """All points in order of time; none where the host cannot judge."""
    if host.basis == "nothing":
        return ()
    events = sorted((event for event in device_events if _was_seen(host, event)), key=lambda e: e.time_s)
    found = [
        *_over_exits(host, events),
        *_alone(host, events),
        *_over_far_cortex(host, events),
        *_over_withdrawals(host, events),
    ]
    return tuple(sorted(found, key=lambda point: point.time_s))


def agreement_text(host: Detection, found: Sequence[Disagreement]) -> str:
    """One line for people: whether board and computer saw the same, and what the computer went by."""
    if host.basis == "nothing":
        return "The computer cannot check the board's events: no sensor for it, or too few samples."
    by = "" if host.basis == "force and depth" else f" The computer judged by {host.basis}."
    if found:
        points = "one point" if len(found) == 1 else f"{len(found)} points"
        return f"Board and computer disagree in {points}; the score follows the computer.{by}"
    exits = (
        "no exit" if not host.exits else "one exit" if len(host.exits) == 1 else f"{len(host.exits)} exits"
    )
    return f"Board and computer agree: {exits} of the tip from the bone.{by}"


def _point(
    kind: DisagreementKind, device_s: float | None, host_s: float | None, sentence: str
) -> Disagreement:
    times = [time_s for time_s in (device_s, host_s) if time_s is not None]
    return Disagreement(kind, min(times), device_s, host_s, sentence)


def _was_seen(host: Detection, event: Event) -> bool:
    inside = host.seen[0] <= event.time_s <= host.seen[1]
    return inside and not _touches_a_hole(host, event.time_s, event.time_s)


def _touches_a_hole(host: Detection, start_s: float, end_s: float) -> bool:
    return any(
        first - DATES_APART_S < end_s and last + DATES_APART_S > start_s for first, last in host.unseen
    )


# ---- exits ----


def _over_exits(host: Detection, events: Sequence[Event]) -> Iterator[Disagreement]:
    for number, leaving in enumerate(host.exits):
        if not _touches_a_hole(host, leaving.start_s, leaving.last_s):
            own = [event for event in events if _exit_of(host, event.time_s) == number]
            yield from _over_exit(host, leaving, own)


def _exit_of(host: Detection, time_s: float) -> int | None:
    """Number of the exit to which an event at that time belongs."""
    for number, leaving in reversed(list(enumerate(host.exits))):
        if leaving.start_s - DATES_APART_S <= time_s <= leaving.last_s + LATE_S:
            return number
    return None


def _over_exit(host: Detection, leaving: HostExit, own: Sequence[Event]) -> Iterator[Disagreement]:
    """What there is to say on one exit; own: the device's events on it."""
    told = {event.kind: event for event in reversed(own)}  # the first of each kind
    best = next((told[kind] for kind in WORDS_ON_AN_EXIT if kind in told), None)
    if best is None:
        if not leaving.used_hole and leaving.last_s + LATE_S <= host.seen[1]:
            sentence = f"{_exit_words(leaving)}; the board reported nothing."
            yield _point("exit_missed", None, leaving.half_s, sentence)
    elif best.kind == "pop":
        yield from _over_date(leaving, best)
    else:
        yield from _over_kind(leaving, best)


def _over_date(leaving: HostExit, pop: Event) -> Iterator[Disagreement]:
    late_s = pop.time_s - leaving.half_s
    if abs(late_s) > DATES_APART_S:
        when = "later" if late_s > 0 else "earlier"
        sentence = f"{_exit_words(leaving)}; the board's pop is {1000 * abs(late_s):.0f} ms {when}."
        yield _point("dates_differ", pop.time_s, leaving.half_s, sentence)


def _over_kind(leaving: HostExit, best: Event) -> Iterator[Disagreement]:
    """The device's word is not "pop"."""
    kind = str(best.kind)
    resisted = leaving.drop_percent >= POP_DROP_PERCENT and not leaving.used_hole
    differs: dict[str, DisagreementKind] = {"uncertain_pop": "uncertain_pop"}
    if resisted:
        differs |= {"loss_of_resistance": "exit_without_pop", "used_hole": "exit_taken_for_used_hole"}
    if kind in differs:
        sentence = f"{_exit_words(leaving)}; at {best.time_s:.3f} s the board reported {WORDS[kind]}."
        yield _point(differs[kind], best.time_s, leaving.half_s, sentence)


def _exit_words(leaving: HostExit) -> str:
    fall = f"the force falling by {min(leaving.drop_percent, 100.0):.0f} %"
    return f"The computer sees the tip come out at {leaving.half_s:.3f} s, {fall}"


def _alone(host: Detection, events: Sequence[Event]) -> Iterator[Disagreement]:
    """What the device reported where the host has no exit, and second pops on the same exit."""
    taken: set[int] = set()
    for event in events:
        number, kind = _exit_of(host, event.time_s), str(event.kind)
        if number is None and kind in ("pop", "uncertain_pop"):
            sentence = f"At {event.time_s:.3f} s the board reported {WORDS[kind]}; {NO_EXIT}."
            point_kind = "uncertain_pop" if kind == "uncertain_pop" else "pop_not_in_trace"
            yield _point(point_kind, event.time_s, None, sentence)
        elif number in taken and kind == "pop":
            sentence = f"At {event.time_s:.3f} s the board reported a second pop; {NO_EXIT}."
            yield _point("pop_not_in_trace", event.time_s, None, sentence)
        if number is not None and kind == "pop":
            taken.add(number)


# ---- behind the exit ----


def _stay_of(host: Detection, time_s: float) -> int:
    """How many exits had begun by then: 0 = the needle was never in."""
    return sum(leaving.start_s - DATES_APART_S <= time_s for leaving in host.exits)


def _by_stay(host: Detection, events: Sequence[Event], kind: str) -> dict[int, float]:
    """The first event of that kind after each exit, s; what came before the first is another matter."""
    late_first = [event.time_s for event in reversed(events) if event.kind == kind]
    return {stay: time_s for time_s in late_first if (stay := _stay_of(host, time_s))}


def _over_far_cortex(host: Detection, events: Sequence[Event]) -> Iterator[Disagreement]:
    device = _by_stay(host, events, "far_cortex_contact")
    own = {_stay_of(host, time_s): time_s for time_s in host.far_cortex_s}
    for stay in device.keys() - own.keys():
        sentence = f"At {device[stay]:.3f} s the board reported the far cortex; the computer sees no contact."
        yield _point("far_cortex_by_device_only", device[stay], None, sentence)
    for stay in own.keys() - device.keys():
        if own[stay] + LATE_S <= host.seen[1] and not _touches_a_hole(host, own[stay], own[stay]):
            sentence = f"The computer sees the far cortex touched at {own[stay]:.3f} s; the board does not."
            yield _point("far_cortex_by_host_only", None, own[stay], sentence)


def _over_withdrawals(host: Detection, events: Sequence[Event]) -> Iterator[Disagreement]:
    """Force alone does not tell a needle that is out from one that is left alone."""
    if host.basis == "force only: less sure":
        return
    device = _by_stay(host, events, "withdrawal")
    own = {_stay_of(host, time_s): time_s for time_s in host.withdrawals_s}
    for stay in device.keys() - own.keys():
        sentence = f"At {device[stay]:.3f} s the board reported the needle out; the computer sees it in."
        yield _point("withdrawal_by_device_only", device[stay], None, sentence)
    for stay in own.keys() - device.keys():
        until_s = host.exits[stay].start_s if stay < len(host.exits) else host.seen[1]
        if until_s - own[stay] >= SURELY_OUT_S and not _touches_a_hole(host, own[stay], until_s):
            sentence = f"The computer sees the needle out at {own[stay]:.3f} s; the board does not."
            yield _point("withdrawal_by_host_only", None, own[stay], sentence)
