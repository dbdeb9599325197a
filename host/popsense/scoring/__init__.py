"""Rubric files and the scorer: an analysis and a rubric in, points with their arithmetic out. Pure."""

from popsense.scoring.loader import load_rubric, packaged_rubric
from popsense.scoring.rubric import Rubric
from popsense.scoring.scorer import score
from popsense.scoring.table import score_table

__all__ = ["Rubric", "load_rubric", "packaged_rubric", "score", "score_table"]
