"""One line of `popsense check`: a figure against its limit, and what to do where it is outside."""

import re
from dataclasses import asdict, dataclass, replace
from math import floor, log10
from typing import Any, Literal

Outcome = Literal["pass", "fail", "skipped"]
_OF_A_BOARD = re.compile(r"popsense (?:calibrate (?:force|depth|pressure)|flash|check)\b")


@dataclass(frozen=True)
class Limit:
    """Bounds in the figure's unit, either may be missing. source: where they come from, or "uncalibrated"."""

    low: float | None
    high: float | None
    source: str

    def holds(self, figure: float) -> bool:
        """False for NaN."""
        above = self.low is None or figure >= self.low
        return above and (self.high is None or figure <= self.high) and figure == figure

    def text(self) -> str:
        """Such as "at most 0.2" or "-5 to 5", in the figure's unit."""
        if self.low is None:
            return f"at most {self.high:,g}" if self.high is not None else ""
        if self.high is None:
            return f"at least {self.low:,g}"
        return f"{self.low:,g} to {self.high:,g}" if self.low < self.high else f"must be {self.low:,g}"

    def figure_text(self, figure: float) -> str:
        """With as many decimals as tell a hundredth of the limit."""
        widest = max(abs(bound) for bound in (self.low, self.high, 0.0) if bound is not None)
        decimals = max(0, 2 - floor(log10(widest))) if widest else 0
        return f"{round(figure, decimals) + 0.0:,.{decimals}f}"  # no "-0.0"


@dataclass(frozen=True)
class CheckLine:
    """`seen` is the figure in words; remedy: empty where it passed."""

    name: str
    outcome: Outcome
    seen: str
    figure: float | None = None
    unit: str = ""
    limit: Limit | None = None
    remedy: str = ""

    @property
    def limit_text(self) -> str:
        """As in "at most 0.2, uncalibrated"; another source than that is told with a failure only."""
        if self.limit is None:
            return ""
        is_set_by_us = self.limit.source.startswith("uncalibrated")
        return f"{self.limit.text()}{', uncalibrated' * is_set_by_us}"

    def as_json(self) -> dict[str, Any]:
        """Layout in the help of `popsense check`. A figure that is no number is null."""
        figure = self.figure if self.figure is not None and self.figure == self.figure else None
        return asdict(self) | {"figure": figure}


def judged(name: str, figure: float, unit: str, limit: Limit, remedy: str, seen: str = "") -> CheckLine:
    """Pass or fail by the limit. seen: in place of the figure with its unit."""
    holds = limit.holds(figure)
    text = seen or f"{limit.figure_text(figure)} {unit}".strip()
    return CheckLine(name, "pass" if holds else "fail", text, figure, unit, limit, "" if holds else remedy)


def passed(name: str, seen: str) -> CheckLine:
    return CheckLine(name, "pass", seen)


def failed(name: str, seen: str, remedy: str) -> CheckLine:
    return CheckLine(name, "fail", seen, remedy=remedy)


def skipped(name: str, why: str) -> CheckLine:
    return CheckLine(name, "skipped", why)


def by_nominal_scale(line: CheckLine) -> CheckLine:
    """The line, whose figure rests on the scale of the design and not on a calibration of this sensor."""
    return replace(line, seen=f"{line.seen} (nominal scale)") if line.unit else line


def for_port(line: CheckLine, port: str) -> CheckLine:
    """The line, with the port named in every command of its remedy. port: as it is typed."""
    return replace(line, remedy=_OF_A_BOARD.sub(lambda found: f"{found[0]} --port {port}", line.remedy))
