"""One evaluated attempt as a page: picks what the report shows."""

from collections.abc import Iterator
from datetime import datetime

from popsense.analysis.agreement import agreement_text
from popsense.attempts.evaluate import Evaluation, detail_of, geometry_of, outcome_of
from popsense.reports import AttemptReport, attempt_report
from popsense.reports.wording import TITLES

OUTCOMES = {
    "removed": "ended with the needle's removal",
    "timed_out": "ended by time-out: no removal was seen",
    "cancelled": "ended by the user",
    "link_lost": "ended because the link to the board was lost",
    "refused": "never began: the board refused to start",
    "failed": "ended because the disk or the simulated board failed",
}
WHOLE = ("removed", "timed_out")  # nothing of the attempt is missing


def report_page(evaluation: Evaluation) -> str:
    """Self-contained HTML."""
    header = evaluation.recording.header
    return attempt_report(
        AttemptReport(
            title=f"{evaluation.site.title}, {header['operator']}",
            created=_when(header["created"]),
            operator=header["operator"],
            site_title=evaluation.site.title,
            mode=evaluation.mode,
            trace=evaluation.trace,
            analysis=evaluation.analysis,
            score=evaluation.score,
            integrity=evaluation.decoded.integrity,
            versions=evaluation.versions,
            notes=notes(evaluation),
            geometry=geometry_of(evaluation.site),
            warnings=warnings(evaluation),
            agreement=agreement_text(evaluation.detection, evaluation.disagreements),
            disagreements=[point.sentence for point in evaluation.disagreements],
        )
    )


def _when(created: str) -> str:
    return f"{datetime.fromisoformat(created):%Y-%m-%d %H:%M %Z}"


def warnings(evaluation: Evaluation) -> list[str]:
    """What must be read before the score: that the attempt is not all there, or was read slowly."""
    outcome = outcome_of(evaluation.recording)
    if outcome in WHOLE and not evaluation.trace.cut_off:
        return [*_slow(evaluation)]
    return [f"{_ending(outcome)} What follows rests on the part that was recorded.", *_slow(evaluation)]


def _slow(evaluation: Evaluation) -> Iterator[str]:
    """One notice; what it costs stands among the notes."""
    cost = evaluation.sampling_cost
    if cost is None or not cost.is_slow:
        return
    lost = [TITLES.get(name, name) for name in cost.lost]
    known = f"; too slow to assess: {', '.join(lost)}" if lost else ""
    yield f"A slow force converter, {cost.rate_hz:.3g} samples/s{known}."


def _ending(outcome: str) -> str:
    return f"The attempt {OUTCOMES[outcome]}." if outcome in OUTCOMES else "The recording was cut off."


def notes(evaluation: Evaluation) -> list[str]:
    """What a reader must know beside the score."""
    outcome, board = outcome_of(evaluation.recording), evaluation.recording.header["board"]
    return [
        _ending(outcome),
        f"Firmware ran on {board['interpreter']}, {board['sample_rate_hz']:.1f} samples/s.",
        f"Sensors: {evaluation.calibration.label}.",
        *(evaluation.sampling_cost.sentences if evaluation.sampling_cost else ()),
        *_losses(evaluation),
        *(f"{fault.sentence} {fault.remedy}" for fault in evaluation.faults),
        *_doubts(evaluation),
    ]


def _losses(evaluation: Evaluation) -> Iterator[str]:
    """What is missing from the recording, and why."""
    recording, decoded = evaluation.recording, evaluation.decoded
    if detail := detail_of(recording):
        yield f"Reason given for the end: {detail}"
    if evaluation.trace.cut_off:
        yield "What came after the last sample is not known, and counts neither for nor against the trainee."
    if recording.truncated_bytes:
        yield f"{recording.truncated_bytes} bytes at the end of the file could not be read."
    if recording.damaged_bytes:
        yield f"{recording.damaged_bytes} bytes inside the file are damaged and were left out."
    if decoded.bad_frames:
        yield f"{decoded.bad_frames} frames were damaged on the wire."
    if decoded.missing_events:
        yield f"Events of the board that are missing: {decoded.missing_events}."
    if missed := decoded.raw.missed_conversions:
        counted = "1 conversion was" if missed == 1 else f"{missed} conversions were"
        yield f"{counted} missed by the board: a gap in time, of which no sample is missing."


def _doubts(evaluation: Evaluation) -> Iterator[str]:
    """What cannot be concluded from what is there."""
    for fault in evaluation.trace.faults.values():
        yield f"{fault[0].upper()}{fault[1:]}: what rests on it is not assessed."
    if evaluation.trace.tare_doubtful:
        yield "The recording does not begin at rest: forces and depths may be shifted by a constant."
    if evaluation.score.not_ruled_out:
        yield f"Errors that may have happened unseen: {', '.join(evaluation.score.not_ruled_out)}."
