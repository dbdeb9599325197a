"""A cohort as ordinary recordings: each case through twin, firmware, link and journal, and one truth file.

truth.json (schema 1) tells of each recording what was set up and what really happened, times in s since the
recording's sample 0. Same arguments, same bytes, but for the journals' `created`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from popsense.attempts.record import AttemptPlan, record_attempt
from popsense.attempts.simulated import truth_on_recording
from popsense.attempts.summary import rounded
from popsense.attempts.workers import in_order
from popsense.errors import UsageError
from popsense.recording.attempt import decoded
from popsense.recording.closing import close_recording
from popsense.recording.reader import read_recording
from popsense.settings import Settings
from popsense.twin.cohort import Case, CohortPlan, Kind, draw_case
from popsense.twin.insertion import CONTROL_HZ, Insertion, simulate
from popsense.twin.script import draw_period_ns
from popsense.twin.sensors import digitise
from popsense.twin.sim_board import TwinAddress
from popsense.twin.transport import SimTransport

TRUTH_SCHEMA = 1
TRUTH_FILE = "truth.json"
# Looser than the board's own thresholds (10 N for 20 ms; half of 0.3 mm), which may change a little.
NO_NEEDLE_N, NO_NEEDLE_MM = 10.0, 0.3  # with no more than this a board may take the needle for withdrawn
CONTACT_N, CONTACT_S = 12.0, 0.05  # for so long so much: a new contact for any board
SPARE_S = 1.0  # the recording outlasts the script by at most so long where the board saw no needle leave

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class CohortRun:
    """What is to be recorded. plan: with the seed that is to be used; plan_sha256: of its file."""

    plan: CohortPlan
    plan_sha256: str
    attempts: int
    negatives: int
    rate_hz: float
    folder: Path

    @property
    def cases(self) -> list[tuple[Kind, int]]:
        """(kind, number) of each recording, attempts first."""
        attempts: list[tuple[Kind, int]] = [("attempt", number) for number in range(self.attempts)]
        return attempts + [("negative", number) for number in range(self.negatives)]


def plan_digest(path: Path) -> str:
    """SHA-256 of a plan file with lines ended by \\n, as in a checkout on any system."""
    return sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def record_cohort(run: CohortRun, jobs: int, told: Callable[[Entry], None]) -> list[Entry]:
    """Records every case, `jobs` at a time, then writes truth.json; `told` hears of each that is complete.

    UsageError where the folder is not empty or cannot be written. However it ends, what is complete is
    listed in truth.json; a recording that Ctrl-C cut short stays and is not listed.
    """
    prepare_folder(run.folder)
    entries: list[Entry] = []

    def keep(entry: Entry) -> None:
        entries.append(entry)
        told(entry)

    try:
        with closing(in_order(partial(record_case, run), run.cases, jobs, late=entries.append)) as finished:
            for entry in finished:
                keep(entry)
    except BaseException:
        if entries:
            with suppress(UsageError):  # the disk may be what failed, and that is told already
                write_truth(run, entries)
        raise
    write_truth(run, entries)
    return entries


def record_case(run: CohortRun, chosen: tuple[Kind, int]) -> Entry:
    """One case into its journal; its entry of the truth file. Ctrl-C ends it, and is passed on."""
    kind, number = chosen
    case = draw_case(run.plan, kind, number)
    insertion, setup = simulate(case.setup), case.setup
    script = digitise(insertion, setup.seed, case.sensors, draw_period_ns(setup.seed, run.rate_hz))
    address = TwinAddress(setup.site, setup.operator, setup.device, setup.seed)
    path = run.folder / f"{kind}-{number:05d}.journal"
    with closing(SimTransport(address, script)) as transport:
        plan = AttemptPlan(setup.site, "assessment", setup.device, setup.operator, uncalibrated=True)
        recorded = record_attempt(transport, plan, path, _patience(insertion))
        if recorded.interrupted:
            raise KeyboardInterrupt
        return _entry(case, transport, close_recording(recorded.path), run.rate_hz)


def _patience(insertion: Insertion) -> Settings:
    """Time-outs with which a recording reaches the script's end; nothing is read from the environment.

    A needle that was drawn out and comes again must not end it.
    """
    script_s = float(insertion.time_s[-1]) + SPARE_S
    return Settings.model_construct(
        contact_timeout_s=script_s,
        release_timeout_s=script_s,
        attempt_timeout_s=script_s,
        settle_s=_longest_absence_s(insertion),
    )


def _longest_absence_s(insertion: Insertion) -> float:
    """Longest time from what may pass for a withdrawal to the next sure contact, or to the script's end."""
    first = round((insertion.truth.contact_s or 0.0) * CONTROL_HZ)
    force_n, protrusion_mm = insertion.force_n[first:], insertion.protrusion_mm[first:]
    steady_n = np.lib.stride_tricks.sliding_window_view(force_n, round(CONTACT_S * CONTROL_HZ)).min(axis=1)
    contacts = np.append(np.flatnonzero(steady_n > CONTACT_N), len(force_n))
    gone = np.flatnonzero((force_n <= NO_NEEDLE_N) & (protrusion_mm <= NO_NEEDLE_MM))
    ends = contacts[np.searchsorted(contacts, gone)]
    return float(np.max(ends - gone, initial=0)) / CONTROL_HZ


def _entry(case: Case, transport: SimTransport, path: Path, rate_hz: float) -> Entry:
    recording = read_recording(path)
    header, setup = recording.header, case.setup
    attempt = decoded(recording.stored, header["board"]["sample_rate_hz"])
    truth = truth_on_recording(transport, attempt.start_ticks_us)
    time_s = attempt.raw.time_s
    return {
        "file": path.name,
        "kind": case.kind,
        "number": case.number,
        "seed": setup.seed,
        "site": setup.site.name,
        "device": setup.device,
        "operator": setup.operator,
        "condition": asdict(setup.condition),
        "chamber": asdict(setup.chamber) if setup.chamber else None,
        "outside": rounded(setup.outside),
        "sensors": asdict(case.sensors),
        "rate_hz": rate_hz,
        "sample_period_ns": transport.script.sample_period_ns,
        "recording": {
            "outcome": (recording.outcome or {}).get("outcome", "cut_off"),
            "integrity": attempt.integrity,
            "samples": int(time_s.size),
            "missed_conversions": attempt.raw.missed_conversions,
            "duration_s": rounded(float(time_s[-1])) if time_s.size else None,
            "detector": header["versions"]["detector"],
        },
        "truth": {
            name: value if isinstance(value, bool) else rounded(value) for name, value in truth.items()
        },
    }


def prepare_folder(folder: Path) -> None:
    """Makes the folder; UsageError where something is in it, or where it cannot be made."""
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file", "Choose a new folder with --out.")
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty",
                "Choose a new folder with --out: recordings are never overwritten.",
            )
    except OSError as error:
        raise UsageError(
            f"cannot write into {folder}: {error.strerror}", "Choose another folder with --out."
        ) from error


def write_truth(run: CohortRun, entries: Sequence[Entry]) -> Path:
    """The truth file; UsageError where it cannot be written."""
    path = run.folder / TRUTH_FILE
    detectors = sorted({entry["recording"]["detector"] for entry in entries})
    content = {
        "schema": TRUTH_SCHEMA,
        "plan": {"name": run.plan.name, "sha256": run.plan_sha256},
        "seed": run.plan.seed,
        "versions": {"popsense": version("popsense"), "detector": detectors[0] if detectors else None},
        "asked": {"attempts": run.attempts, "negatives": run.negatives, "rate_hz": run.rate_hz},
        "complete": len(entries) == run.attempts + run.negatives,
        "attempts": list(entries),
    }
    try:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", "Free some space, or choose another folder with --out."
        ) from error
    return path
