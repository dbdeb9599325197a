"""One attempt as the integers that came, in order, each once: what the wire holds and Parquet keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from popsense.model import IntArray

NO_STAMP = -1


@dataclass(frozen=True)
class StoredAttempt:
    """Everything that is known of one run of the device. Arrays have shape (n,), ascending in sample_index.

    samples: SAMPLE_DTYPE. sample_index: from 0 at START, without the wrap at 2^32. stamp_us: the device's
    clock (modulo 2^30) at a sample with which a block began, else NO_STAMP. resent: came only when it was
    asked for again. taken: samples by the device's own count, None where it never told; at_least: how many
    it is known to have taken. events: fields of EVENT, each number once, ascending. events_found: by the
    device's own count. resent_events: of them, those that had to be asked for. missed_conversions: as the
    device counted them. faults: fields of FAULT, each number once, in their order. faults_seen: codes that
    HEALTH told of the run, bit 1 << code, also of a FAULT that never came.
    """

    samples: npt.NDArray[Any]
    sample_index: IntArray
    stamp_us: IntArray
    resent: npt.NDArray[np.bool_]
    taken: int | None
    at_least: int
    events: tuple[Mapping[str, int | str], ...]
    events_found: int | None
    resent_events: int
    missed_conversions: int
    bad_frames: int
    faults: tuple[Mapping[str, int | str], ...] = ()
    faults_seen: int = 0

    @property
    def known_samples(self) -> int:
        """So many the device took, or where it never told, is known to have taken."""
        return self.at_least if self.taken is None else self.taken

    @property
    def known_events(self) -> int:
        """So many the device found, or where it never told, is known to have found."""
        if self.events_found is None and self.events:
            return int(self.events[-1]["number"]) + 1
        return self.events_found or 0
