"""The attempts that the campaign disturbs: a few hands, one in two with conversions that nobody reads."""

from dataclasses import replace
from functools import cache

from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.twin.insertion import Setup, simulate
from popsense.twin.script import REFERENCE_SENSORS, SensorScript, draw_period_ns
from popsense.twin.sensors import digitise
from popsense.twin.sim_board import TwinAddress

OPERATORS = ("expert", "novice")
MISSED_PER_S = 1.0


def address(number: int) -> TwinAddress:
    return TwinAddress(ADULT_PROXIMAL_TIBIA, OPERATORS[number % 2], "powered", number)


@cache
def script(number: int) -> SensorScript:
    """Attempt `number` as the chips give it."""
    where = address(number)
    sensors = replace(REFERENCE_SENSORS, missed_per_s=MISSED_PER_S if number // 2 % 2 else 0.0)
    setup = Setup(where.site, where.operator, where.device, where.seed)
    return digitise(simulate(setup), where.seed, sensors, draw_period_ns(where.seed))
