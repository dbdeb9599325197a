"""What a stored trace says: landmarks, metrics, events and phases. Numbers in, numbers out; no I/O."""

from popsense.analysis.analyse import ANALYSIS_VERSION, analyse
from popsense.analysis.catalogue import CATALOGUE, METRIC_NAMES
from popsense.analysis.landmarks import Geometry
from popsense.analysis.signals import gaps

__all__ = ["ANALYSIS_VERSION", "CATALOGUE", "METRIC_NAMES", "Geometry", "analyse", "gaps"]
