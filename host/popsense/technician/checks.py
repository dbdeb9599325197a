"""One finding of `popsense doctor`."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["ok", "failed", "not applicable"]


@dataclass(frozen=True)
class Check:
    """What was looked at, how it came out, what was seen; `remedy` has a line for each step to take.

    subject: the port or address; empty for the installation and for USB as a whole.
    """

    name: str
    outcome: Outcome
    seen: str
    remedy: tuple[str, ...] = ()
    subject: str = ""

    @property
    def title(self) -> str:
        return f"{self.subject}: {self.name}" if self.subject else self.name

    def as_json(self) -> dict[str, Any]:
        """Layout in the help of `popsense doctor`."""
        return asdict(self)


def ok(name: str, seen: str) -> Check:
    return Check(name, "ok", seen)


def failed(name: str, seen: str, *remedy: str) -> Check:
    return Check(name, "failed", seen, remedy)


def not_applicable(name: str, seen: str) -> Check:
    return Check(name, "not applicable", seen)
