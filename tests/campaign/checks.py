"""The rules that no fault may break; each check gives a sentence for each rule that a run has broken."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from popsense.analysis.integrity import POP_GUARD_S
from popsense.model import RawTrace
from popsense_protocol.packets import FLAG_AFTER_GAP
from tests.campaign.device_truth import Rows, TrueRun, idle_counts, rest_phase
from tests.campaign.plan import LONGEST_REPAIRED_S, POWER_KINDS
from tests.campaign.run import Faulty, undisturbed
from tests.campaign.scripts import script

# Stamps are whole microseconds and the period between them is a median of such: 1 + 20/20 us. Two
# conversions missed inside one block: only the whole of the two is known, not where the second one was.
TIME_TOLERANCE_US = 3.0
BLOCK_SAMPLES = 20
KEPT_SAMPLES = 8128  # of the ring, as HELLO and protocol/README.md have it, less its guard
MOST_LATE_SAMPLES = 600  # from the port's return to the first RESEND: the host looks every 0.25 s
STARTED_ANEW = "started the board anew"


def broken_rules(faulty: Faulty) -> list[str]:
    """Empty where all is well."""
    if faulty.attempt is None:
        return list(_without_samples(faulty))
    true = true_run(faulty)
    assert true is not None
    raw = faulty.attempt.raw
    return [
        *_kept_or_missing(faulty, raw),
        *_count(faulty, true),
        *_values(true, raw),
        *_times(true, faulty),
        *_events(faulty),
        *_hole_limits(faulty, raw, true),
        *_verdict(faulty),
        *_score(faulty),
    ]


def true_run(faulty: Faulty) -> TrueRun | None:
    stamp = None if faulty.run is None else faulty.overheard.stamp(faulty.run)
    if stamp is None:
        return None
    chosen = script(faulty.plan.script)
    return TrueRun(Rows(chosen), chosen.sample_period_ns / 1000, stamp, faulty.board.origin_us)


def _without_samples(faulty: Faulty) -> Iterator[str]:
    """An attempt that never began says so; one that began must not end without its samples."""
    if faulty.recorded is not None and faulty.recorded.outcome not in ("link_lost",):
        yield f"no samples, and the outcome is {faulty.recorded.outcome}"
    powered = not any(fault.kind in POWER_KINDS for fault, _ in faulty.begun)
    if faulty.run is not None and powered and "another program" not in faulty.detail:
        yield f"the board sampled, and nothing of it was recorded: {faulty.detail}"


def _kept_or_missing(faulty: Faulty, raw: RawTrace) -> Iterator[str]:
    """Every index up to the last one known is here or in a hole, none in both, none twice."""
    stored = faulty.recording.stored if faulty.recording else None
    assert stored is not None
    known = stored.at_least if stored.taken is None else stored.taken
    lost = [np.arange(hole.first_sample, hole.end) for hole in raw.holes]
    every = np.sort(np.concatenate([raw.sample_index, *lost]))
    if not np.array_equal(every, np.arange(known)):
        yield f"{len(every)} indices are kept or missing, {known} are known: each must be one of both, once"


def _count(faulty: Faulty, true: TrueRun) -> Iterator[str]:
    """The recording's end is that of the device; of one that was cut off, it lies before it."""
    assert faulty.recording is not None
    assert faulty.run is not None
    stored = faulty.recording.stored
    told = faulty.overheard.counts(faulty.run, "next_sample")
    final = idle_counts(faulty.overheard.packets("ACK", faulty.run))
    if faulty.power_went_us is None:
        taken = max([*final, *told])
    else:
        taken = final[-1] if final else true.taken_until(faulty.power_went_us)
    if stored.taken is not None and stored.taken != taken:
        yield f"recorded as {stored.taken} samples, the device took {taken}"
    if stored.at_least > taken:
        yield f"{stored.at_least} samples are spoken of, the device took {taken}"


def _values(true: TrueRun, raw: RawTrace) -> Iterator[str]:
    columns = (raw.force_counts, raw.depth_counts, raw.pressure_counts, raw.flags)
    values = np.column_stack(columns).astype(np.int64)
    at_rest = len(true.rest_index(raw.sample_index))
    wrong = np.flatnonzero((values[at_rest:] != true.values(raw.sample_index[at_rest:])).any(axis=1))
    if wrong.size:
        first = raw.sample_index[at_rest + wrong[0]]
        yield f"{wrong.size} values differ from the truth, the first at {first}"
    if at_rest and rest_phase(true.rows.rest, raw.sample_index[:at_rest], values[:at_rest]) is None:
        yield "values before the hand began are not those of the rest"


def _times(true: TrueRun, faulty: Faulty) -> Iterator[str]:
    assert faulty.attempt is not None
    raw = faulty.attempt.raw
    off = np.abs(faulty.attempt.start_ticks_us + raw.time_s * 1e6 - true.ticks_us(raw.sample_index))
    allowed = np.full(len(off), TIME_TOLERANCE_US)
    allowed[_near_gap(raw)] += 2 * true.period_us
    late = np.flatnonzero(off > allowed)
    if late.size:
        worst = int(late[np.argmax(off[late])])
        yield f"{late.size} samples are timed wrongly, {raw.sample_index[worst]} by {off[worst]:.0f} us"


def _near_gap(raw: RawTrace) -> npt.NDArray[np.bool_]:
    """Samples less than a block away from one before which conversions were missed; shape of sample_index."""
    gaps = raw.sample_index[(raw.flags & FLAG_AFTER_GAP) > 0]
    low, high = (
        np.searchsorted(gaps, raw.sample_index + away) for away in (-BLOCK_SAMPLES, BLOCK_SAMPLES + 1)
    )
    return high > low


def _events(faulty: Faulty) -> Iterator[str]:
    """None invented, none changed, and those not here are counted as missing."""
    assert faulty.attempt is not None
    assert faulty.run is not None
    told = faulty.overheard.events(faulty.run)
    for event in faulty.attempt.events:
        theirs = told.get(event.number)
        if theirs is None or any(_plain(theirs[k]) != v for k, v in asdict(event).items()):
            yield f"event {event.number} ({event.kind}) is not the device's"
    found = max(faulty.overheard.counts(faulty.run, "next_event"), default=0)
    if faulty.attempt.stopped and len(faulty.attempt.events) + faulty.attempt.missing_events != found:
        yield f"{len(faulty.attempt.events)} events and {faulty.attempt.missing_events} missing of {found}"
    kinds = [event.kind for event in faulty.attempt.events]
    usual = undisturbed(faulty.plan.script).attempt
    assert usual is not None
    expected = [event.kind for event in usual.events]
    if not faulty.attempt.missing_events and kinds != expected[: len(kinds)]:
        yield f"events {kinds}, undisturbed {expected}"


def _plain(value: Any) -> object:
    return str(value) if hasattr(value, "intvalue") else value


def _hole_limits(faulty: Faulty, raw: RawTrace, true: TrueRun) -> Iterator[str]:
    """A hole ends with the first sample that the board still had, and the board said that it has no more.

    A board that was stopped, switched off or taken by another program may keep what nobody could ask for.
    """
    assert faulty.run is not None
    if faulty.verdict == "cut off" or STARTED_ANEW in faulty.detail or faulty.power_went_us is not None:
        return
    told = faulty.overheard.first_kept(faulty.run)
    exact = told | faulty.overheard.jumps(faulty.run)
    for hole in raw.holes:  # what had come before an outage may end one below that limit
        is_last = hole is raw.holes[-1]
        if hole.end > max(told, default=0) or (is_last and hole.end not in exact):
            yield f"hole {hole.first_sample} to {hole.end}: the board never said that it is gone"
    if len(faulty.outages_s) == 1 and raw.holes:
        could_s = faulty.outages_s[0][1]
        longest = max(raw.holes, key=lambda hole: hole.count)
        late = longest.end - (true.taken_until(int(could_s * 1e6)) - KEPT_SAMPLES)
        if late > MOST_LATE_SAMPLES:
            yield f"hole ends {late} samples behind those that the ring had when the host was back"


def _verdict(faulty: Faulty) -> Iterator[str]:
    """What a run with one fault must end with."""
    outcome = faulty.recorded.outcome if faulty.recorded else "none"
    kinds = [fault.kind for fault, _ in faulty.begun]
    verdict = faulty.verdict
    power, anew = any(kind in POWER_KINDS for kind in kinds), "second host starts" in kinds
    stopped = anew or "second host stops" in kinds
    if not (power or stopped) and outcome != "removed":
        yield f"ended as {outcome}: {faulty.detail}"
    if not (power or anew) and verdict == "cut off":
        yield f"cut off: {faulty.detail}"
    longest_s = max((end - begin for begin, end in faulty.outages_s), default=0.0)
    short = longest_s <= LONGEST_REPAIRED_S + 1e-3 and len(faulty.outages_s) <= 1
    if short and not (power or anew) and verdict not in ("complete", "repaired"):
        yield f"{verdict} after an outage of {longest_s:.1f} s"
    if verdict == "cut off" and outcome == "link_lost":
        last = int(faulty.attempt.raw.sample_index[-1]) if faulty.attempt is not None else -1
        if f"after sample {last}" not in faulty.detail:
            yield f"the end does not tell the last sample, {last}: {faulty.detail!r}"
    if verdict == "cut off" and outcome not in ("link_lost", "removed"):
        yield f"cut off with outcome {outcome}"


def _score(faulty: Faulty) -> Iterator[str]:
    """Withheld exactly where a hole lies at a pop that the device found."""
    assert faulty.attempt is not None
    assert faulty.evaluation is not None
    raw, attempt = faulty.attempt.raw, faulty.attempt
    near = False
    for event in attempt.events:
        if event.kind != "pop":
            continue
        pop_s = attempt.time_s_of(event)
        for hole in raw.holes:
            before = raw.time_s[raw.sample_index < hole.first_sample]
            behind = raw.time_s[raw.sample_index >= hole.end]
            begin_s = before[-1] if len(before) else -np.inf
            end_s = behind[0] if len(behind) else np.inf
            near = near or begin_s - POP_GUARD_S <= pop_s <= end_s + POP_GUARD_S
    if near and not faulty.evaluation.score.withheld:
        yield "a hole lies at the pop, and the score is given"
    if not raw.holes and faulty.evaluation.score.withheld:
        yield f"no hole, and the score is withheld: {faulty.evaluation.score.withheld}"
