"""Board against computer: what differs is told, what only one could know is not."""

from dataclasses import replace
from typing import cast

import pytest

from popsense.analysis.agreement import agreement_text, compare
from popsense.analysis.detection import Detection, HostExit
from popsense.model import Event, EventKind

EXIT = HostExit(
    start_s=4.0, half_s=4.03, end_s=4.05, tip_half_s=4.02, peak_n=50.0, after_n=5.0, used_hole=False,
    basis="force and depth",
)  # fmt: skip
SECOND = replace(EXIT, start_s=8.0, half_s=8.03, end_s=8.05, tip_half_s=8.02)
HOST = Detection("force and depth", (EXIT,), (6.0,), (), 4.0, (), (0.0, 12.0))
NOTHING_SEEN = Detection("force and depth", (), (), (), 0.0, (), (0.0, 12.0))


def told(*events: tuple[str, float]) -> list[Event]:
    """Events of the board: (kind, s), kinds of a newer board included."""
    return [Event(cast(EventKind, kind), int(1000 * time_s), time_s) for kind, time_s in events]


AGREEING = told(("contact", 1.0), ("pop", 4.04), ("loss_of_resistance", 4.2), ("withdrawal", 6.5))


def kinds(host: Detection, events: list[Event]) -> list[str]:
    return [point.kind for point in compare(host, events)]


def test_agreement_is_an_empty_list():
    assert compare(HOST, AGREEING) == ()
    assert compare(NOTHING_SEEN, told(("contact", 1.0), ("released", 3.0))) == ()
    assert agreement_text(HOST, ()) == "Board and computer agree: one exit of the tip from the bone."


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("pop", 2.0), *[("pop", 4.04)]], ["pop_not_in_trace"]),
        ([("pop", 4.04), ("pop", 4.3)], ["pop_not_in_trace"]),
        ([("pop", 4.5)], ["dates_differ"]),
        ([("pop", 3.96)], ["dates_differ"]),
        ([], ["exit_missed"]),
        ([("released", 4.2)], ["exit_missed"]),
        ([("uncertain_pop", 4.04)], ["uncertain_pop"]),
        ([("uncertain_pop", 4.03), ("pop", 4.05)], []),
        ([("uncertain_pop", 2.5), ("pop", 4.04)], ["uncertain_pop"]),
        ([("loss_of_resistance", 4.2)], ["exit_without_pop"]),
        ([("used_hole", 4.1)], ["exit_taken_for_used_hole"]),
        ([("pop", 4.04), ("far_cortex_contact", 4.2)], ["far_cortex_by_device_only"]),
        ([("pop", 4.04), ("overload", 4.2), ("a kind of next year", 4.3)], []),
    ],
)
def test_points(events: list[tuple[str, float]], expected: list[str]):
    assert kinds(HOST, told(*events, ("withdrawal", 6.5))) == expected


def test_a_point_has_both_dates_and_a_sentence():
    (point,) = compare(HOST, told(("pop", 4.13), ("withdrawal", 6.5)))
    assert (point.time_s, point.device_s, point.host_s) == (4.03, 4.13, 4.03)
    assert point.sentence == (
        "The computer sees the tip come out at 4.030 s, the force falling by 90 %; "
        "the board's pop is 100 ms later."
    )


def test_a_loss_without_a_pop_is_right_where_the_force_hardly_fell():
    gentle = replace(HOST, exits=(replace(EXIT, after_n=30.0),))
    assert kinds(gentle, told(("loss_of_resistance", 4.2), ("withdrawal", 6.5))) == []


def test_each_exit_has_its_own_pop():
    twice = replace(HOST, exits=(EXIT, SECOND), withdrawals_s=(6.0, 10.0))
    both = [*AGREEING, *told(("pop", 8.05), ("withdrawal", 10.5))]
    assert kinds(twice, both) == []
    assert kinds(twice, [*AGREEING, *told(("withdrawal", 10.5))]) == ["exit_missed"]
    assert agreement_text(twice, ()) == "Board and computer agree: 2 exits of the tip from the bone."


def test_a_used_hole_needs_no_word_of_the_board():
    again = replace(HOST, exits=(EXIT, replace(SECOND, used_hole=True)), withdrawals_s=(6.0, 10.0))
    for word in ([], told(("re_puncture", 8.1)), told(("used_hole", 8.1))):
        assert kinds(again, [*AGREEING, *word, *told(("withdrawal", 10.5))]) == []


def test_the_far_cortex_by_the_computer_only():
    touched = replace(HOST, far_cortex_s=(4.3,))
    assert kinds(touched, AGREEING) == ["far_cortex_by_host_only"]
    assert kinds(touched, [*AGREEING, *told(("far_cortex_contact", 4.7))]) == []


def test_withdrawals():
    still_in = replace(HOST, withdrawals_s=())
    assert kinds(still_in, AGREEING) == ["withdrawal_by_device_only"]
    assert kinds(HOST, AGREEING[:-1]) == ["withdrawal_by_host_only"]
    shortly = replace(HOST, withdrawals_s=(11.5,))
    assert kinds(shortly, AGREEING[:-1]) == []  # the board waits before it is sure


def test_what_was_not_recorded_is_no_disagreement():
    assert kinds(replace(HOST, unseen=((3.9, 4.2),)), told(("withdrawal", 6.5))) == []
    assert kinds(replace(NOTHING_SEEN, unseen=((3.9, 4.2),)), told(("pop", 4.1))) == []
    assert kinds(replace(HOST, seen=(0.0, 4.2), withdrawals_s=()), []) == []
    assert kinds(NOTHING_SEEN, told(("pop", 12.5))) == []


def test_a_host_that_cannot_judge_says_so():
    blind = Detection("nothing")
    assert compare(blind, AGREEING) == ()
    assert agreement_text(blind, ()).startswith("The computer cannot check")


def test_force_alone_is_named_and_does_not_judge_withdrawals():
    unsure = replace(HOST, basis="force only: less sure", withdrawals_s=())
    assert kinds(unsure, AGREEING) == []
    assert agreement_text(unsure, ()).endswith("The computer judged by force only: less sure.")


def test_disagreement_is_counted_for_people():
    points = compare(HOST, told(("pop", 2.0)))
    assert len(points) == 3
    assert agreement_text(HOST, points) == (
        "Board and computer disagree in 3 points; the score follows the computer."
    )
