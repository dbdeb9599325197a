"""`make soak-session`: the session against the real firmware, as long as the profile says."""

import pytest
from hypothesis import settings

from tests.host.link.session_machine import SessionMachine


class Soak(SessionMachine):
    """A class of its own: hypothesis makes one test case a machine."""


TestSoak = pytest.mark.soak(Soak.TestCase)
TestSoak.settings = settings(stateful_step_count=60)
