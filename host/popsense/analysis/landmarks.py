"""Where things happen in one attempt, found once from the whole trace; every metric reads these."""

from collections.abc import Sequence
from dataclasses import dataclass

from popsense.analysis.breakthrough import STAYS_S, Exit, find_exit, find_far_cortex, find_stop
from popsense.analysis.contact import find_contact, find_loaded, find_release
from popsense.analysis.signals import Signals
from popsense.analysis.withdrawal import find_out, find_removal
from popsense.model import Event


@dataclass(frozen=True)
class Geometry:
    """Lengths along the needle's axis in mm: the bevel, and inner cortex to far cortex.

    plug_compliance_mm_per_n: what the calibration took off the depth for each newton; 0 = nothing.
    """

    bevel_mm: float
    cavity_mm: float
    plug_compliance_mm_per_n: float = 0.0


@dataclass(frozen=True)
class Landmarks:
    """Sample indices; None = it did not happen, or was not recorded.

    loaded: the working load is built up; stayed: what the stop was judged by ends here; release: eased off
    without a breakthrough; removal: the pull begins; out: the tip is back behind the inner cortex.
    """

    contact: int | None = None
    loaded: int | None = None
    exit: Exit | None = None
    stop: int | None = None
    stayed: int | None = None
    far_cortex: int | None = None
    release: int | None = None
    removal: int | None = None
    out: int | None = None

    @property
    def pop(self) -> int | None:
        """The breakthrough's date."""
        return None if self.exit is None else self.exit.pop

    @property
    def exit_start(self) -> int | None:
        """The tip leaves the inner face."""
        return None if self.exit is None else self.exit.start

    @property
    def penetration_end(self) -> int | None:
        """End of the work on the cortex: the exit, or the release of an early stop."""
        return self.release if self.exit is None else self.exit.start


@dataclass(frozen=True)
class Findings:
    """All that a metric may read."""

    signals: Signals
    marks: Landmarks
    geometry: Geometry
    device_events: Sequence[Event] = ()


def find_landmarks(signals: Signals, geometry: Geometry) -> Landmarks:
    """All landmarks of a trace. The exit comes first: it ends the search for a contact."""
    found = find_exit(signals, geometry.bevel_mm)
    loading_end = signals.time_s.size if found is None else max(found.start, 1)
    contact = find_contact(signals, loading_end)
    loaded = None if contact is None else find_loaded(signals, contact, loading_end)
    if found is None:
        release = None if contact is None else find_release(signals, contact)
        return Landmarks(contact=contact, loaded=loaded, release=release)
    stop = find_stop(signals, found.pop)
    far_cortex = find_far_cortex(signals, found.pop, geometry.cavity_mm)
    stayed = None if stop is None else signals.first_after(float(signals.time_s[stop]) + STAYS_S)
    settled = found.tip_in if stop is None else max(stop, found.tip_in)
    out = find_out(signals, settled)
    removal = None if out is None else find_removal(signals, settled, out)
    return Landmarks(contact, loaded, found, stop, stayed, far_cortex, None, removal, out)
