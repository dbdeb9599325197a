"""The attempt's life cycle: the table, and walks over it."""

from itertools import pairwise, product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.attempts.life_cycle import ENDED, INPUT_OF_EVENT, TRANSITIONS, Input, LifeCycle, State
from popsense.model import EventKind

STATES: tuple[State, ...] = get_args(State)
INPUTS: tuple[Input, ...] = get_args(Input)

# One way to each state; and by that every exit is reachable.
WAYS: dict[State, tuple[Input, ...]] = {
    "idle": (),
    "armed": ("start",),
    "running": ("start", "contact"),
    "confirming": ("start", "contact", "breakthrough"),
    "removed": ("start", "contact", "breakthrough", "withdrawal"),
    "timed_out": ("start", "contact", "released", "time_out"),
    "cancelled": ("start", "cancel"),
    "link_lost": ("start", "contact", "breakthrough", "lose_link"),
    "refused": ("refuse",),
    "failed": ("start", "contact", "fail"),
    "scored": ("start", "contact", "breakthrough", "withdrawal", "score"),
}


def at(state: State) -> LifeCycle:
    cycle = LifeCycle()
    for what in WAYS[state]:
        assert cycle.feed(what)
    return cycle


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_reached(state: State):
    assert at(state).state == state


@pytest.mark.parametrize(("state", "what"), [*product(STATES, INPUTS)])
def test_an_input_is_in_the_table_or_refused(state: State, what: Input):
    cycle = at(state)
    accepted = cycle.feed(what)
    assert accepted == ((state, what) in TRANSITIONS)
    assert cycle.state == TRANSITIONS.get((state, what), state)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_attempt_can_only_be_scored(state: State):
    ways_out = {what for (here, what), there in TRANSITIONS.items() if here == state and there != state}
    unscored = {"scored", "refused", "failed"}  # the latter two end with an error
    assert ways_out == (set() if state in unscored else {"score"})


def test_a_needle_that_touches_again_was_not_out_for_good():
    cycle = at("removed")
    assert cycle.feed("contact")
    assert cycle.state == "running"


@pytest.mark.parametrize("state", ["idle", "armed", "running", "confirming"])
@pytest.mark.parametrize(
    ("what", "end"), [("cancel", "cancelled"), ("lose_link", "link_lost"), ("fail", "failed")]
)
def test_the_user_the_cable_and_the_disk_may_end_it_at_any_time(state: State, what: Input, end: State):
    cycle = at(state)
    cycle.feed(what)
    assert cycle.state == end


@pytest.mark.parametrize("state", ["armed", "running", "confirming"])
def test_silence_ends_what_has_begun(state: State):
    cycle = at(state)
    cycle.feed("time_out")
    assert cycle.state == "timed_out"


def test_letting_go_before_the_pop_ends_nothing():
    cycle = at("running")
    assert [cycle.feed(what) for what in ("released", "contact", "released", "breakthrough")] == [True] * 4
    assert cycle.state == "confirming"


@pytest.mark.parametrize("kind", ["pop", "loss_of_resistance", "uncertain_pop", "used_hole"])
@pytest.mark.parametrize("state", ["armed", "running"])  # through a used hole nobody feels the bone
def test_a_tip_that_is_out_is_a_breakthrough_whatever_the_force_did(state: State, kind: str):
    cycle = at(state)
    assert cycle.feed(INPUT_OF_EVENT[kind])
    assert cycle.state == "confirming"


def test_every_input_is_from_an_event_of_the_board_or_from_the_host():
    assert set(INPUT_OF_EVENT) <= set(get_args(EventKind))
    assert set(INPUT_OF_EVENT.values()) <= set(INPUTS)


# Mostly what a board reports, or most walks would be over after two steps.
LIKELY = [*INPUT_OF_EVENT.values()] * 4


@given(st.lists(st.sampled_from([*LIKELY, *INPUTS]), min_size=4, max_size=40))
def test_a_walk_stays_in_the_table_and_tells_every_change(inputs: list[Input]):
    told: list[State] = []
    cycle = LifeCycle(told.append)
    for what in ["start", *inputs]:
        cycle.feed(what)
    way = ["idle", *told]
    assert cycle.state == way[-1]
    moves = {(here, there) for (here, _), there in TRANSITIONS.items()}
    assert all(here != there and (here, there) in moves for here, there in pairwise(way))
    again = [*pairwise(way)].count(("removed", "running"))  # the one way round: out, and touching again
    assert len(way) <= 6 + 3 * again
