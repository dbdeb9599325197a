"""Why an attempt ended without our STOP: the error says who did it, and what to do."""

import pytest

from popsense.errors import BoardTaken, LinkLost
from popsense.link import endings
from popsense_protocol.packets import ResetCause
from tests.host.link.scripted import block, fault
from tests.host.link.test_session_recovery import Model, drained


def test_a_board_that_heard_nothing_for_two_minutes_blames_nobody_else():
    model = Model(samples=60)
    session = model.session()
    model.sampling = False
    model.send(block(0, 20), fault("host_silent"))
    with pytest.raises(LinkLost, match="heard nothing of this program for two minutes") as caught:
        drained(session)
    assert not isinstance(caught.value, BoardTaken)
    assert session.settled_below == 60


def test_another_program_is_blamed_where_the_board_did_not_stop_by_itself():
    assert isinstance(endings.stopped(60, by_itself=False), BoardTaken)


@pytest.mark.parametrize("cause", ResetCause.encmapping)
def test_every_cause_of_a_restart_has_words_and_a_remedy(cause: str):
    error = endings.restarted(cause, 0)
    assert str(error).endswith("before the first sample")
    assert error.remedy
    assert str(endings.restarted(cause, 12)).endswith("after sample 11")
