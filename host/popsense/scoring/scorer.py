"""Points for one attempt, line by line, so that a reader can add them up again.

An omission of the trainee costs its points; a figure lost with samples or a sensor leaves the sum. Where a
hole lies at the pop, the score is withheld: figures are shown, points are not.
"""

from dataclasses import replace

from popsense.analysis.integrity import missing_words
from popsense.analysis.reading import NO_BREAKTHROUGH
from popsense.model import Analysis, CriticalError, HoleAtPop, Metric, Mode, Score, ScoreLine
from popsense.scoring.rubric import Critical, Item, NoScore, Rubric
from popsense.scoring.wording import NO_POINTS, error_text, measured_text, with_unit

DECISIONS = ("pass", "fail", "fail: critical error", "incomplete: no decision", "withheld")
NOT_COUNTED = "not counted"


def score(analysis: Analysis, rubric: Rubric, mode: Mode) -> Score:
    """The score of an attempt under a rubric.

    earned, assessable and possible are the sums of the lines; percent is None where nothing could be
    assessed. A critical error fails the attempt even where too little else could be assessed; but nothing is
    decided while the score is withheld.
    """
    unscored, withheld = _why_not_scored(analysis, rubric), _why_withheld(analysis.hole_at_pop)
    lines = _lines(analysis, rubric, mode, unscored)
    lines = tuple(map(_not_counted, lines)) if withheld else lines
    errors = () if unscored else _critical_errors(analysis, rubric, mode)
    unseen = () if unscored else _not_ruled_out(analysis, rubric, mode)
    earned = sum(line.earned for line in lines if line.earned is not None)
    assessable = sum(line.possible for line in lines if line.earned is not None)
    possible = sum(line.possible for line in lines)
    percent = 100 * earned / assessable if assessable > 0 else None
    passed, decision = (None, "withheld") if withheld else _decide(rubric, lines, percent, errors, unseen)
    return Score(
        earned=earned,
        assessable=assessable,
        possible=possible,
        percent=percent,
        passed=passed,
        decision=decision,
        critical_errors=errors,
        lines=lines,
        rubric=rubric.name,
        rubric_version=rubric.version,
        not_ruled_out=unseen,
        pass_percent=rubric.pass_percent,
        pass_percent_source=rubric.pass_percent_source,
        withheld=withheld,
    )


def _why_withheld(near: HoleAtPop | None) -> str:
    """As in "samples 812 to 931 are missing, 40 ms from the pop"; empty where no hole lies at a pop."""
    if near is None:
        return ""
    apart_ms, pop = round(1000 * near.apart_s), near.pop.kind.replace("_", " ")
    where = f"{apart_ms} ms from the {pop}" if apart_ms else f"at the {pop}"
    return f"{missing_words(near.hole)}, {where}"


def _not_counted(line: ScoreLine) -> ScoreLine:
    """The line with its figure, without its points."""
    if line.earned is None:
        return line
    return replace(line, measured=line.measured.removesuffix(NO_POINTS), earned=None, rule=NOT_COUNTED)


def _why_not_scored(analysis: Analysis, rubric: Rubric) -> NoScore | None:
    """The first rule by which this was no attempt at all; None where it counts."""
    met = (
        rule for rule in rubric.no_score if rule.condition.holds(analysis.metric(rule.condition.metric).value)
    )
    return next(met, None)


def _lines(analysis: Analysis, rubric: Rubric, mode: Mode, unscored: NoScore | None) -> tuple[ScoreLine, ...]:
    items = [_item_line(item, analysis, unscored) for item in rubric.item]
    majors = [
        _major_line(critical, analysis.metric(critical.condition.metric), unscored)
        for critical in rubric.critical
        if mode not in critical.modes and critical.major_points > 0
    ]
    return (*items, *majors)


def _item_line(item: Item, analysis: Analysis, unscored: NoScore | None) -> ScoreLine:
    metric = analysis.metric(item.metric)
    measured = measured_text(metric, item.none_means == "omission", unscored)
    if not unscored and _may_be_in_another_band(item, metric):
        measured = f"{measured} {error_text(metric)}"
    if item.shown_metric and metric.value is not None and not unscored:
        measured = f"{measured_text(analysis.metric(item.shown_metric), False)} = {measured}"
    return ScoreLine(
        item=item.id,
        title=item.title,
        measured=measured,
        earned=None if unscored else _earned(item, metric),
        possible=item.weight,
        advice=_advice(item.advice, metric),
        source=item.source,
        rule="" if unscored else _rule(item, metric),
    )


def _may_be_in_another_band(item: Item, metric: Metric) -> bool:
    """Whether an edge lies nearer to the figure than its error."""
    value, edges = metric.value, [band.up_to for band in item.bands if band.up_to is not None]
    return value is not None and any(abs(value - edge) < metric.error for edge in edges)


def _earned(item: Item, metric: Metric) -> float | None:
    if metric.value is None:
        return None if metric.lost or item.none_means == "not_assessed" else 0.0
    return item.weight * item.band(metric.value).points if item.bands else 0.0


def _rule(item: Item, metric: Metric) -> str:
    """The band that applied and what it multiplies."""
    if metric.value is None or not item.bands:
        return ""
    band = item.band(metric.value)
    limit = (
        f"up to {band.up_to:g}"
        if band.up_to is not None
        else f"over {item.bands[-2].up_to:g}"
        if item.bands[1:]
        else "any"
    )
    share = f"{band.points:g} x" if band.points else "none of"
    return f"{with_unit(limit, metric.unit)}: {share} {item.weight:g}"


def _advice(advice: str, metric: Metric) -> str:
    """Nothing where there was no breakthrough to do better at: the critical error says what went wrong."""
    return "" if metric.value is None and metric.note == NO_BREAKTHROUGH.note else advice


def _major_line(critical: Critical, metric: Metric, unscored: NoScore | None) -> ScoreLine:
    """An error that is not critical in this mode, as points kept or lost; what was never reached is lost."""
    kept = metric.value is not None and not critical.condition.holds(metric.value)
    measured = measured_text(metric, True, unscored)
    return ScoreLine(
        item=critical.code,
        title=f"Error avoided: {critical.title}",
        measured=measured if unscored or metric.value is None else "avoided" if kept else "happened",
        earned=None if unscored or metric.lost else critical.major_points * kept,
        possible=critical.major_points,
        advice=_advice(critical.advice, metric),
        source=critical.source,
    )


def _critical_errors(analysis: Analysis, rubric: Rubric, mode: Mode) -> tuple[CriticalError, ...]:
    return tuple(
        CriticalError(critical.code, critical.title, critical.advice)
        for critical in rubric.critical
        if mode in critical.modes
        and critical.condition.holds(analysis.metric(critical.condition.metric).value)
    )


def _not_ruled_out(analysis: Analysis, rubric: Rubric, mode: Mode) -> tuple[str, ...]:
    """Titles of critical errors that may have happened unseen; what was seen is none of them."""
    return tuple(
        critical.title
        for critical in rubric.critical
        if mode in critical.modes and analysis.metric(critical.condition.metric).lost
    )


def _decide(
    rubric: Rubric,
    lines: tuple[ScoreLine, ...],
    percent: float | None,
    errors: tuple[CriticalError, ...],
    unseen: tuple[str, ...],
) -> tuple[bool | None, str]:
    if errors:
        return False, "fail: critical error"
    if percent is None or not _is_assessed_enough(rubric, lines):
        return None, "incomplete: no decision"
    if percent < rubric.pass_percent:
        return False, "fail"
    return (None, "incomplete: no decision") if unseen else (True, "pass")


def _is_assessed_enough(rubric: Rubric, lines: tuple[ScoreLine, ...]) -> bool:
    assessed = {line.item: line.possible for line in lines if line.earned is not None}
    possible = sum(line.possible for line in lines)
    enough = 100 * sum(assessed.values()) >= rubric.least_assessable_percent * possible
    return enough and all(item in assessed for item in rubric.required)
