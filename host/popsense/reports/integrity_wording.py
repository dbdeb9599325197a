"""The integrity verdict in words, for the page, the overview and the terminal."""

from popsense.analysis.integrity import missing_words
from popsense.model import IntegrityVerdict, Stretch, Trace

MOST_LISTED = 10
IN_MS_BELOW_S = 0.1


def integrity_text(verdict: IntegrityVerdict, trace: Trace) -> str:
    """As in "repaired (57 samples came when asked for again)".

    Which samples are missing is told by `missing_lines`.
    """
    reasons = [*_reasons(verdict, trace)]
    return f"{verdict} ({'; '.join(reasons)})" if reasons else verdict


def _reasons(verdict: IntegrityVerdict, trace: Trace) -> list[str]:
    missing, repaired = (sum(stretch.count for stretch in found) for found in (trace.holes, trace.repaired))
    reasons = [_behind_the_end(trace)] if verdict == "cut off" else []
    if missing:
        reasons.append(f"{_counted(missing)} {'is' if missing == 1 else 'are'} missing")
    elif verdict == "holes":
        reasons.append("events of the board are missing")
    if repaired:
        reasons.append(f"{_counted(repaired)} came when asked for again")
    elif verdict == "repaired":
        reasons.append("events of the board came when asked for again")
    return reasons


def _counted(samples: int) -> str:
    return "1 sample" if samples == 1 else f"{samples} samples"


def _behind_the_end(trace: Trace) -> str:
    """The last index that is known of is that of a sample, or of a hole behind it."""
    ends = [*(hole.end for hole in trace.holes), *(int(index) + 1 for index in trace.sample_index[-1:])]
    return f"what came behind sample {max(ends) - 1} is not known" if ends else "no sample came"


def missing_lines(trace: Trace, most: int = MOST_LISTED) -> list[str]:
    """A line for each hole, as in "samples 1200 to 1719 are missing, 0.53 s"; the last counts the rest."""
    lines = [_missing_line(hole, trace.sample_rate_hz) for hole in trace.holes[:most]]
    more = trace.holes[most:]
    if not more:
        return lines
    holes = "1 more hole" if len(more) == 1 else f"{len(more)} more holes"
    return [*lines, f"and {holes}, {_counted(sum(hole.count for hole in more))}"]


def _missing_line(hole: Stretch, rate_hz: float) -> str:
    """With its length, where there are samples to tell the rate from."""
    return f"{missing_words(hole)}, {_length(hole.count / rate_hz)}" if rate_hz > 0 else missing_words(hole)


def _length(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < IN_MS_BELOW_S else f"{seconds:.2f} s"
