"""When the phases of an attempt begin and end, as the wire, the script and the host's own steps tell it."""

from popsense.twin.insertion import Truth
from tests.campaign.plan import Phase

CONNECTING_S = 0.3
POP_S = 0.3  # on either side of the moment
LET_GO_S = 1.0  # the hand's last second in the script, and the host's wait behind the withdrawal


def script_span_s(phase: Phase, truth: Truth) -> tuple[float, float]:
    """First and last moment of a phase, in s from the script's first sample."""
    contact, out = _known(truth.contact_s), _known(truth.exit_half_s)
    inside, removal = _known(truth.exit_end_s), _known(truth.removal_s)
    spans = {
        "armed": (-0.1, contact),
        "cortex": (contact, out - POP_S),
        "pop": (out - POP_S, out + POP_S),
        "inside": (inside + POP_S, removal),
        "removed": (removal, removal + LET_GO_S),
    }
    return spans[phase]


def _known(moment_s: float | None) -> float:
    if moment_s is None:
        raise ValueError("the campaign needs attempts that go to their end")
    return moment_s
