"""The verdict in words: which samples, how many, and never a silent rest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.model import IntegrityVerdict, Stretch, Trace
from popsense.reports.integrity_wording import MOST_LISTED, integrity_text, missing_lines
from tests.host.traces import build_trace, only

TRACE = build_trace(rate_hz=1000.0)
HOLE, LATE = (Stretch(1200, 520),), (Stretch(3000, 57),)
NOTHING = only(TRACE, slice(0, 0))


@pytest.mark.parametrize(
    ("verdict", "trace", "words"),
    [
        ("complete", TRACE, "complete"),
        ("repaired", replace(TRACE, repaired=LATE), "repaired (57 samples came when asked for again)"),
        ("repaired", TRACE, "repaired (events of the board came when asked for again)"),
        ("holes", replace(TRACE, holes=HOLE), "holes (520 samples are missing)"),
        ("holes", replace(TRACE, holes=(Stretch(7, 1),)), "holes (1 sample is missing)"),
        ("holes", TRACE, "holes (events of the board are missing)"),
        ("cut off", TRACE, "cut off (what came behind sample 10499 is not known)"),
        ("cut off", NOTHING, "cut off (no sample came)"),
        (
            "cut off",
            replace(TRACE, holes=(Stretch(10_500, 20),), repaired=LATE),
            "cut off (what came behind sample 10519 is not known; 20 samples are missing; "
            "57 samples came when asked for again)",
        ),
    ],
)
def test_the_verdict_is_told_with_its_reason(verdict: IntegrityVerdict, trace: Trace, words: str):
    assert integrity_text(verdict, trace) == words


def test_a_hole_is_listed_with_its_limits_and_its_length():
    assert missing_lines(replace(TRACE, holes=HOLE)) == ["samples 1200 to 1719 are missing, 0.52 s"]
    assert missing_lines(replace(TRACE, holes=(Stretch(7, 1),))) == ["sample 7 is missing, 1 ms"]
    assert missing_lines(replace(NOTHING, holes=HOLE)) == ["samples 1200 to 1719 are missing"]
    assert missing_lines(TRACE) == []


@given(st.lists(st.integers(1, 50), max_size=40))
def test_a_long_list_ends_with_what_it_leaves_out(counts: list[int]):
    holes = tuple(Stretch(100 * number, count) for number, count in enumerate(counts))
    lines = missing_lines(replace(TRACE, holes=holes))
    left_out = counts[MOST_LISTED:]
    assert len(lines) == min(len(counts), MOST_LISTED) + bool(left_out)
    if left_out:
        holes_text = "1 more hole" if len(left_out) == 1 else f"{len(left_out)} more holes"
        samples = "1 sample" if sum(left_out) == 1 else f"{sum(left_out)} samples"
        assert lines[-1] == f"and {holes_text}, {samples}"
