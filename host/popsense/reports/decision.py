"""The decision in words, with its reason wherever there is none."""

from collections.abc import Iterable, Sequence

import numpy as np

from popsense.analysis.integrity import hole_spans_s
from popsense.analysis.reading import LOST
from popsense.analysis.signals import Span
from popsense.model import Analysis, Metric, Score, ScoreLine, Trace
from popsense.scoring.wording import NOT_ASSESSED

MISSING = "samples are missing"  # LOST.note in the few words that a sentence has room for
END_MISSING = "the end of the attempt is missing"  # the same note, where the recording breaks off
REPEAT = "Repeat the attempt: the link failed, not the trainee."
MOST_NAMED = 2  # items or errors; more are only counted


def decision_text(score: Score, analysis: Analysis, trace: Trace) -> str:
    """As in "Fail: 57.5 % (pass mark 70 %, uncalibrated)"; a critical error needs no figures.

    Behind it, where the sensors were not calibrated, that they were not, and why.
    """
    return f"{_decision(score, analysis, trace)}{sensors_text(trace)}"


def sensors_text(trace: Trace) -> str:
    """As in "; sensors uncalibrated: no calibration of depth"; empty where nothing is known against them."""
    because = trace.uncalibrated_because
    return f"; sensors uncalibrated: {because}" if because else ""


def calibration_text(trace: Trace) -> str:
    """As in "sensors calibrated" or "sensors uncalibrated: no calibration of depth"."""
    if trace.calibrated:
        return "sensors calibrated"
    return f"sensors uncalibrated: {trace.uncalibrated_because or 'nominal scales'}"


def _decision(score: Score, analysis: Analysis, trace: Trace) -> str:
    if score.withheld:
        return withheld_text(score, analysis, trace)
    if score.percent is None or score.passed is None or score.critical_errors:
        is_only_cut = trace.cut_off and not trace.holes
        return decision_with_reason(score, analysis.metrics, END_MISSING if is_only_cut else MISSING)
    return f"{capitalised(score.decision)}: {score.percent:.1f} %{pass_mark_text(score)}"


def withheld_text(score: Score, analysis: Analysis, trace: Trace) -> str:
    """As in "Score withheld: samples 812 to 931 are missing, at the pop (0.82 to 0.95 s)"."""
    near = analysis.hole_at_pop
    if near is None or near.hole not in trace.holes:
        return decision_with_reason(score)
    return f"{decision_with_reason(score)} ({_span_text(hole_spans_s(trace)[trace.holes.index(near.hole)])})"


def _span_text(span_s: Span) -> str:
    start_s, end_s = span_s
    if np.isinf(start_s):
        return f"up to {end_s:.2f} s"
    return f"from {start_s:.2f} s on" if np.isinf(end_s) else f"{start_s:.2f} to {end_s:.2f} s"


def decision_with_reason(score: Score, metrics: Sequence[Metric] = (), missing: str = MISSING) -> str:
    """The decision; and why, where there is none. metrics: those that tell why an error was not seen.

    missing: what to call the want of samples.
    """
    if score.withheld:
        return f"Score withheld: {score.withheld}"
    if score.passed is None:
        return f"No decision: {_why_undecided(score, metrics, missing)}"
    return capitalised(score.decision)


def _why_undecided(score: Score, metrics: Sequence[Metric], missing: str) -> str:
    """As in "'Far cortex touched' cannot be ruled out, samples are missing", or how much was not assessed.

    The points come first where they alone forbid a decision: below the pass mark nobody asks for errors.
    """
    if score.not_ruled_out and _has_passing_points(score):
        lost = (metric.note for metric in metrics if metric.lost)
        return ", ".join([f"{_errors(score.not_ruled_out)} cannot be ruled out", *_reasons(lost, missing)])
    unassessed = [line for line in score.lines if line.possible and line.earned is None]
    told = (
        line.measured.removeprefix(NOT_ASSESSED)
        for line in unassessed
        if line.measured.startswith(NOT_ASSESSED)
    )
    return ", ".join([_not_assessed(score, unassessed), *_reasons(told, missing)])


def _errors(titles: Sequence[str]) -> str:
    """As in "'Far cortex touched' and 2 other errors"."""
    quoted = [f"'{title}'" for title in titles]
    return " and ".join(
        quoted if len(quoted) <= MOST_NAMED else [quoted[0], f"{len(quoted) - 1} other errors"]
    )


def _has_passing_points(score: Score) -> bool:
    return score.percent is not None and score.percent >= (score.pass_percent or 0.0)


def _not_assessed(score: Score, unassessed: Sequence[ScoreLine]) -> str:
    """As in "30 of 100 points could not be assessed (Overshoot)"; many items are not named."""
    if score.assessable == 0:
        return "nothing could be assessed"
    names = f" ({'; '.join(line.title for line in unassessed)})" if len(unassessed) <= MOST_NAMED else ""
    return f"{score.possible - score.assessable:g} of {score.possible:g} points could not be assessed{names}"


def _reasons(notes: Iterable[str], missing: str) -> list[str]:
    """All reasons as one, each once; none for none."""
    reasons = dict.fromkeys(missing if note == LOST.note else note for note in notes)
    return [" and ".join(reasons)] if reasons else []


def pass_mark_text(score: Score) -> str:
    """As in " (pass mark 70 %, uncalibrated)"; empty where there is none, or nothing to hold against it."""
    if score.pass_percent is None or score.passed is None:
        return ""
    uncalibrated = ", uncalibrated" if score.pass_percent_source.startswith("uncalibrated") else ""
    return f" (pass mark {score.pass_percent:g} %{uncalibrated})"


def decision_class(score: Score) -> str:
    """The look of the box: pass, fail or open."""
    return "open" if score.passed is None else "pass" if score.passed else "fail"


def capitalised(words: str) -> str:
    """The first letter large, the others as they are."""
    return words[:1].upper() + words[1:]
