"""What the host's detector says of one trace."""

from dataclasses import dataclass
from typing import Literal

from popsense.analysis.signals import Span

Basis = Literal["force and depth", "force only: less sure", "depth only: less sure", "nothing"]


@dataclass(frozen=True)
class HostExit:
    """One way of the tip out of the inner cortex, times in s.

    start_s: the tip leaves the inner face. half_s: the pop: force and resistance to the bevel are both half
    lost. end_s: the whole bevel is out, None where part of it stayed inside. tip_half_s: so much of the bevel
    is out that the bone can resist by half; None without depth. used_hole: nothing had resisted.
    """

    start_s: float
    half_s: float
    end_s: float | None
    tip_half_s: float | None
    peak_n: float
    after_n: float
    used_hole: bool
    basis: Basis

    @property
    def drop_percent(self) -> float:
        """Fall of the force from the peak before to the level after, never negative."""
        return max(0.0, 100.0 * (self.peak_n - self.after_n) / self.peak_n) if self.peak_n > 0 else 0.0

    @property
    def last_s(self) -> float:
        """The end, or the latest of the dates where there is none."""
        return max(self.half_s, self.end_s or self.half_s)


@dataclass(frozen=True)
class Detection:
    """All that happened in one trace, in order of time. deepest_protrusion_mm: None without depth.

    unseen: spans of time in s without samples, where nothing can be said; seen: first and last sample.
    """

    basis: Basis
    exits: tuple[HostExit, ...] = ()
    withdrawals_s: tuple[float, ...] = ()
    far_cortex_s: tuple[float, ...] = ()
    deepest_protrusion_mm: float | None = None
    unseen: tuple[Span, ...] = ()
    seen: Span = (0.0, 0.0)
