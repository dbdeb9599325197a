"""What the board told of itself, as stretches of time with sentences."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from popsense.attempts.faults import SENSOR_OF, faulty_sensors, told_faults
from popsense.link.fault_wording import FAULTS
from popsense.model import RawTrace
from popsense.recording.attempt import DecodedAttempt, DeviceFault
from popsense_protocol.packets import Fault

N = 1000  # samples, one a millisecond


def attempt(faults: list[tuple[str, int, int, int]], seen: tuple[str, ...] = ()) -> DecodedAttempt:
    """faults: code, raised, next_sample, value."""
    zeros = np.zeros(N, np.int64)
    raw = RawTrace(np.arange(N), np.arange(N) / 1000, zeros, zeros, zeros, zeros)
    told = tuple(
        DeviceFault(code, raised, number, sample, 0, value)
        for number, (code, raised, sample, value) in enumerate(faults)
    )
    rest: dict[str, Any] = {"start_ticks_us": 0, "stopped": True, "bad_frames": 0}
    return DecodedAttempt(raw, (), **rest, missing_events=0, resent_events=0, faults=told, faults_seen=seen)


def test_a_fault_that_is_over_has_a_beginning_and_an_end():
    (fault,) = told_faults(attempt([("depth_open", 1, 200, 0), ("depth_open", 0, 450, 1640)]))
    assert (fault.code, fault.began_s, fault.ended_s, fault.value) == ("depth_open", 0.2, 0.45, 0)
    assert fault.sentence.endswith("(0 counts), from 0.20 s to 0.45 s.")
    assert fault.remedy == FAULTS["depth_open"].remedy


def test_a_fault_that_stays_goes_on_to_the_end():
    (fault,) = told_faults(attempt([("undervoltage", 1, 200, 3600)]))
    assert fault.sentence == "The supply voltage of the board is too low (3,600 mV), from 0.20 s on."


def test_a_fault_known_from_health_alone_is_told_without_a_time():
    (fault, other) = told_faults(attempt([("overload", 1, 5, 0)], seen=("overload", "low_heap")))
    assert (fault.code, fault.began_s, other.code) == ("low_heap", None, "overload")
    assert fault.sentence == "The board has little memory left, at some time of the attempt."


def test_what_comes_twice_is_two_stretches():
    twice = [("overload", 1, 5, 0), ("overload", 0, 9, 0), ("overload", 1, 50, 0)]
    assert [(fault.began_s, fault.ended_s) for fault in told_faults(attempt(twice))] == [
        (0.005, 0.009),
        (0.05, None),
    ]


def test_a_sensor_names_the_first_fault_of_its_own_and_overload_is_none():
    told = [("overload", 1, 1, 0), ("force_stuck", 1, 5, 7), ("force_garbage", 1, 9, 0)]
    reasons = faulty_sensors(attempt(told))
    assert list(reasons) == ["force"]
    assert reasons["force"].startswith("sensor suspect (force): the force reading does not change")


def test_every_code_that_names_a_sensor_is_a_fault_of_the_protocol():
    assert SENSOR_OF.keys() <= set(Fault.encmapping)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(0, 1), st.integers(0, N - 1), st.just(1)))
)
def test_no_order_of_faults_breaks_the_telling(told: list[tuple[str, int, int, int]]):
    found = told_faults(attempt(sorted(told, key=lambda one: one[2])))
    assert {fault.code for fault in found} == {code for code, raised, *_ in told if raised}
    assert all(fault.ended_s is None or fault.ended_s >= (fault.began_s or 0) for fault in found)
