"""Rubric files and the scorer: an analysis and a rubric in, points with their arithmetic out. Pure."""

from popsense.scoring.loader import load_rubric, packaged_rubric, packaged_sites
from popsense.scoring.rubric import Rubric
from popsense.scoring.scorer import score
from popsense.scoring.table import ScoreRow, advice_text, measured_in, points_text, score_table, sum_text

__all__ = [
    "Rubric",
    "ScoreRow",
    "advice_text",
    "load_rubric",
    "measured_in",
    "packaged_rubric",
    "packaged_sites",
    "points_text",
    "score",
    "score_table",
    "sum_text",
]
