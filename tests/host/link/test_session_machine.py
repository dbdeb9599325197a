"""A quick look at the session machine; `make soak-session` looks for longer."""

from hypothesis import settings

from tests.host.link.session_machine import SessionMachine


class Quick(SessionMachine):
    """A class of its own: hypothesis makes one test case a machine."""


TestSessionMachine = Quick.TestCase
TestSessionMachine.settings = settings(max_examples=25, stateful_step_count=20)


def attempt_with(outage_s: float) -> SessionMachine:
    """Noise and one outage in an attempt of some seconds, checked to its end."""
    machine = SessionMachine()
    machine.power_on(ticks_us=0)
    machine.read(duration=2.0)
    machine.noise(to_board=False, at=200, kind="flip", value=3)
    machine.the_port_goes(duration=outage_s)
    machine.read(duration=2.0)
    machine.stop()
    machine.nothing_is_invented_or_changed()
    machine.what_is_settled_is_here_or_reported()
    return machine


def test_an_outage_that_the_ring_covers_costs_nothing():
    machine = attempt_with(outage_s=2.0)
    assert machine.came.keys() == set(range(len(machine.run.samples)))


def test_a_longer_outage_costs_what_was_overwritten_and_no_more():
    machine = attempt_with(outage_s=6.5)
    (first, *_), missing = machine.notes.holes, len(machine.run.samples) - len(machine.came)
    assert missing == sum(hole.count for hole in machine.notes.holes)
    assert 100 < missing < 400
    assert first.first_sample in range(150, 260)
