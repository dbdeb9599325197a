"""One evaluated attempt as a page: picks what the report shows."""

from datetime import datetime

from popsense.attempts.evaluate import Evaluation, geometry_of
from popsense.reports import AttemptReport, attempt_report

OUTCOMES = {
    "removed": "ended with the needle's removal",
    "timed_out": "ended by time-out: no removal was seen",
    "cancelled": "ended by the user",
    "link_lost": "ended because the link to the board was lost",
    "failed": "ended because the disk or the simulated board failed",
}


def report_page(evaluation: Evaluation) -> str:
    """Self-contained HTML."""
    header = evaluation.recording.header
    return attempt_report(
        AttemptReport(
            title=f"{evaluation.site.title}, {header['operator']}",
            created=_when(header["created"]),
            operator=header["operator"],
            site_title=evaluation.site.title,
            mode=evaluation.mode,
            trace=evaluation.trace,
            analysis=evaluation.analysis,
            score=evaluation.score,
            integrity=evaluation.decoded.integrity,
            versions=evaluation.versions,
            notes=notes(evaluation),
            geometry=geometry_of(evaluation.site),
        )
    )


def _when(created: str) -> str:
    return f"{datetime.fromisoformat(created):%Y-%m-%d %H:%M %Z}"


def notes(evaluation: Evaluation) -> list[str]:
    """What a reader must know beside the score."""
    outcome = (evaluation.recording.outcome or {}).get("outcome")
    found = [f"The attempt {OUTCOMES[outcome]}." if outcome in OUTCOMES else "The recording was cut off."]
    board = evaluation.recording.header["board"]
    found.append(f"Firmware ran on {board['interpreter']}, {board['sample_rate_hz']:.1f} samples/s.")
    found.append(f"Sensors: {evaluation.calibration.label}.")
    if evaluation.recording.truncated_bytes:
        found.append(
            f"{evaluation.recording.truncated_bytes} bytes at the end of the file could not be read."
        )
    if evaluation.decoded.raw.missed_conversions:
        found.append(f"{evaluation.decoded.raw.missed_conversions} conversions were missed by the board.")
    return found
