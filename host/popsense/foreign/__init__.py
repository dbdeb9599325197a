"""Other people's force traces through the device's detector: a CSV file goes in, events come out."""

from popsense.foreign.detect import Detection, FoundEvent, Profile, detect_events
from popsense.foreign.trace import ForeignTrace, read_trace

__all__ = ["Detection", "ForeignTrace", "FoundEvent", "Profile", "detect_events", "read_trace"]
