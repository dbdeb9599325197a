"""Figures as they are printed, in scores and in reports alike."""

from popsense.model import Metric
from popsense.scoring.rubric import NoScore

MMHG_PER_KPA = 7.50062
NO_POINTS = " (0 points)"
NOT_ASSESSED = "not assessed: "
BARE_UNITS = ("ratio", "count")  # not printed: the title says what is counted or divided


def with_unit(figure: str, unit: str) -> str:
    """The figure with its unit behind it, where one is printed."""
    return figure if unit in BARE_UNITS else f"{figure} {unit}"


def format_value(value: float, unit: str) -> str:
    """As many decimals as can be believed: none from 100 on, two under 1, for seconds and for ratios.

    Pressures in kPa, with mmHg beside them.
    """
    if unit == "0/1":
        return "yes" if value else "no"
    digits = (
        0 if abs(value) >= 100 or unit == "count" else 2 if abs(value) < 1 or unit in ("s", "ratio") else 1
    )
    figure = with_unit(f"{value:.{digits}f}", unit)
    return f"{figure} ({value * MMHG_PER_KPA:.0f} mmHg)" if unit == "kPa" else figure


def error_text(metric: Metric) -> str:
    """As in "+-2.9 %"."""
    return f"+-{with_unit(f'{metric.error:.2g}', metric.unit)}"


def measured_text(metric: Metric, is_omission: bool, unscored: NoScore | None = None) -> str:
    """The figure, or why there is none and whose doing that was."""
    if unscored:
        return f"{NOT_ASSESSED}{unscored.reason}"
    if metric.value is not None:
        return format_value(metric.value, metric.unit)
    if is_omission and not metric.lost:
        return f"not achieved: {metric.note}{NO_POINTS}"
    return f"{NOT_ASSESSED}{metric.note}"
