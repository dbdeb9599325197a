"""What a whole run leaves: readings of ours by rate, the host's by rate, the tally of the published rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .host import HostReading
from .readings import Reading
from .run import Measured
from .summary import GROUPS, Summary, grouped, summarise
from .trade_off import Tally


@dataclass
class Results:
    """Filled case by case. The first rate that comes is the one with the sharp bars."""

    ours: dict[float, list[Reading]] = field(default_factory=dict[float, list[Reading]])
    blind: dict[float, list[Reading]] = field(default_factory=dict[float, list[Reading]])
    host: dict[float, list[HostReading]] = field(default_factory=dict[float, list[HostReading]])
    rules: Tally = field(default_factory=Tally)

    def add(self, measured: Iterable[Measured]) -> None:
        """Of a whole run."""
        for one in measured:
            rate_hz = one.ours.rate_hz
            self.ours.setdefault(rate_hz, []).append(one.ours)
            self.blind.setdefault(rate_hz, []).append(one.blind)
            self.host.setdefault(rate_hz, []).append(one.host)
            if one.rules is not None:
                self.rules.add(one.rules, one.ours.kind == "attempt")

    @property
    def sharp_hz(self) -> float:
        """The first rate."""
        return next(iter(self.ours))

    def all_rates(self) -> Summary:
        """Ours, each case once for each rate."""
        return summarise([reading for own in self.ours.values() for reading in own])

    def groups(self) -> dict[str, dict[str, Summary]]:
        """Title -> group -> summary: all rates, then each key of GROUPS at each rate."""
        found = {"rate": by_rate(self.ours), "rate, without depth": by_rate(self.blind)}
        for by in GROUPS:
            for rate_hz, own in self.ours.items():
                found[f"{by}, {rate_hz:.0f}/s"] = grouped(own, by)
        return found


def by_rate(readings: dict[float, list[Reading]]) -> dict[str, Summary]:
    """Rate as it is printed -> summary."""
    return {f"{rate_hz:.0f}/s": summarise(own) for rate_hz, own in readings.items()}
