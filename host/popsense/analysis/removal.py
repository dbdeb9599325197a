"""The needle comes out: how long it takes, and whether the same bone is punctured again."""

from popsense.analysis.landmarks import Findings
from popsense.analysis.reading import NO_BREAKTHROUGH, NOT_REMOVED, Reading
from popsense.analysis.withdrawal import count_punctures


def removal_time_s(found: Findings) -> Reading:
    """Seconds from the beginning of the pull until the tip is back behind the inner cortex."""
    marks = found.marks
    if marks.exit is None:
        return NO_BREAKTHROUGH
    if marks.removal is None or marks.out is None:
        return NOT_REMOVED
    return found.signals.seconds(marks.removal, marks.out)


def puncture_count(found: Findings) -> Reading:
    """How often the tip went through the inner cortex, with a full withdrawal in between."""
    return float(count_punctures(found.signals, found.geometry.bevel_mm))
