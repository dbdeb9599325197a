"""A score as rows of text, for whatever prints it: terminal, report, spreadsheet."""

from popsense.model import Score, ScoreLine

HEADER = ("Item", "Measured", "Points", "Source")


def score_table(score: Score) -> list[tuple[str, str, str, str]]:
    """One row per line under HEADER, and the sum as the last row."""
    rows = [(line.title, line.measured, points_text(line), line.source) for line in score.lines]
    return [*rows, ("Sum", score.decision, sum_text(score), f"{score.rubric} version {score.rubric_version}")]


def points_text(line: ScoreLine) -> str:
    """As in "24 / 30"; "shown, not scored" for weight 0, "- / 30" where not assessed."""
    if line.possible == 0:
        return "shown, not scored"
    return f"{'-' if line.earned is None else f'{line.earned:g}'} / {line.possible:g}"


def sum_text(score: Score) -> str:
    """As in "82 of 100 assessable (100 possible) = 82.0 %"."""
    percent = "no percentage" if score.percent is None else f"{score.percent:.1f} %"
    return f"{score.earned:g} of {score.assessable:g} assessable ({score.possible:g} possible) = {percent}"
