"""Sentences that every report carries."""

from popsense.analysis import CATALOGUE
from popsense.model import Metric
from popsense.scoring.wording import format_value

TITLES = {definition.name: definition.title for definition in CATALOGUE}
NOT_SENSED = (
    "angle of the needle",
    "finding of the site (the plug gives the site away)",
    "depth before the inner cortex",
    "side force and rocking",
    "rotation",
    "swelling",
)
NOT_SIGNED = "Content not signed by a clinician."
NO_VALIDITY = (
    "That simulated operators are told apart checks the software; "
    "it is no evidence that the score measures skill."
)


def metric_title(metric: Metric) -> str:
    """The metric in words, or its bare name where a newer analysis dropped it."""
    return TITLES.get(metric.name, metric.name)


def metric_value(metric: Metric) -> str:
    """The figure with its unit, yes or no, or a dash."""
    return "–" if metric.value is None else format_value(metric.value, metric.unit)
