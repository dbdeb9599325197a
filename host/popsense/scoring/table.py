"""A score as rows of text, for whatever prints it: terminal, report, spreadsheet."""

from typing import NamedTuple

from popsense.analysis.reading import LOST
from popsense.model import Score, ScoreLine
from popsense.scoring.wording import NOT_ASSESSED


class ScoreRow(NamedTuple):
    """One line of the score in words; `ScoreRow._fields` are the headings."""

    item: str
    measured: str
    points: str
    source: str
    advice: str


def score_table(score: Score) -> list[ScoreRow]:
    """One row per line. The sum under them is sum_text's."""
    return [
        ScoreRow(
            line.title, measured_in(score, line), _points_with_rule(line), line.source, advice_text(line)
        )
        for line in score.lines
    ]


def measured_in(score: Score, line: ScoreLine) -> str:
    """What was measured; where the score is withheld for missing samples, no line says so again."""
    is_said = score.withheld and line.measured == NOT_ASSESSED + LOST.note
    return NOT_ASSESSED.removesuffix(": ") if is_said else line.measured


def _points_with_rule(line: ScoreLine) -> str:
    """As in "7.5 / 30 (up to 50 %: 0.25 x 30)"."""
    return f"{points_text(line)} ({line.rule})" if line.rule and line.possible else points_text(line)


def points_text(line: ScoreLine) -> str:
    """As in "24 / 30"; "shown, not scored" for weight 0, "- / 30" where not assessed."""
    if line.possible == 0:
        return "shown, not scored"
    return f"{'-' if line.earned is None else f'{line.earned:g}'} / {line.possible:g}"


def advice_text(line: ScoreLine) -> str:
    """The advice where points were left; else nothing."""
    return line.advice if line.earned is not None and line.earned < line.possible else ""


def sum_text(score: Score) -> str:
    """As in "82 of 100 points = 82.0 %", or "64 of 80 points assessed (100 possible)" and their percentage.

    A percentage that decides nothing is told as one "of what could be assessed". Of a withheld score no
    points are told.
    """
    if score.withheld:
        return f"no points are counted ({score.possible:g} possible)"
    if score.percent is None:
        return f"no points were assessed ({score.possible:g} possible)"
    points = f"{score.earned:g} of {score.assessable:g} points"
    if score.assessable != score.possible:
        points += f" assessed ({score.possible:g} possible)"
    if score.passed is None:
        return f"{points}: {score.percent:.1f} % of what could be assessed"
    return f"{points} = {score.percent:.1f} %"
