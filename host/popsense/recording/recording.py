"""One recording as it was read, from either of its two forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from popsense.recording.stored import StoredAttempt

Form = Literal["journal", "parquet"]
Notes = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Recording:
    """outcome is None where the journal ends without an exit record (crash, or cut off).

    notes: in order, each with its host time as "at_s". truncated_bytes: what stands in the journal behind its
    last intact record. damaged_bytes: what had to be stepped over before it.
    """

    path: Path
    header: Mapping[str, Any]
    outcome: Mapping[str, Any] | None
    notes: Notes
    stored: StoredAttempt
    truncated_bytes: int
    damaged_bytes: int
    form: Form
