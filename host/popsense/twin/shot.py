"""The one shot of a spring-loaded device: its spring drives the needle to a preset depth."""

from dataclasses import dataclass

from popsense.twin.device import Spring


@dataclass
class Shot:
    """A cocked spring between `from_mm` and `to_mm` (hub positions); falls to half its force over them."""

    spring: Spring
    from_mm: float
    to_mm: float

    def push(self, hub_mm: float, hub_mm_per_s: float) -> float:
        """Force on the needle in N; nothing behind the end stop."""
        gone = (hub_mm - self.from_mm) / (self.to_mm - self.from_mm)
        if gone >= 1.0:
            return 0.0
        return self.spring.force_n * (1.0 - 0.5 * gone) - self.spring.drag_n_s_per_mm * hub_mm_per_s
