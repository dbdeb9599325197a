"""Five simulated seconds of a hand on each site with each device, and one hand that makes every event."""

from dataclasses import dataclass
from itertools import cycle, islice, product

import numpy as np

from popsense.procedure.sites import SITES, SiteProfile
from popsense.twin.insertion import Setup
from popsense.twin.script import SensorScript, build_script
from tests.emulated.moves import PUNCTURE, script_of
from tests.firmware.hands import Hand

DEVICES = ("powered", "manual", "spring_loaded")
OPERATORS = ("expert", "plunger", "novice")
BEFORE_EXIT_S, AFTER_EXIT_S = 2.2, 2.4


@dataclass(frozen=True)
class BenchHand:
    """What the chips show in one run, and the profile that goes with it."""

    name: str
    site: SiteProfile
    device: str
    script: SensorScript


def bench_hand(number: int) -> BenchHand:
    """Number 0 makes every event; then site after site, device and operator changing with them."""
    sites = list(SITES.values())
    site = sites[number % len(sites)]
    if number == 0:
        return BenchHand("every event", site, DEVICES[0], script_of(Hand(PUNCTURE)))
    device, operator = next(islice(cycle(product(DEVICES, OPERATORS)), 2 * number, None))
    script = around_exit(build_script(Setup(site, operator, device, number)))
    return BenchHand(f"{site.name}, {device}, {operator}", site, device, script)


def around_exit(script: SensorScript) -> SensorScript:
    """Rest, then what lies around the exit. The truth keeps the whole script's times."""
    exit_s = script.truth.exit_half_s
    middle = round((exit_s if exit_s is not None else 4.0) * 1e9 / script.sample_period_ns)
    first = middle - round(BEFORE_EXIT_S * 1e9 / script.sample_period_ns)
    last = middle + round(AFTER_EXIT_S * 1e9 / script.sample_period_ns)
    return part(script, first, last)


def part(script: SensorScript, first: int, last: int) -> SensorScript:
    """The same rest, then the samples from first to last."""
    rest = script.rest_samples
    end = min(last, len(script.force_counts))
    keep = np.r_[0:rest, max(first, rest) : max(end, rest + 1)]
    return SensorScript(
        script.sample_period_ns,
        rest,
        script.force_counts[keep],
        script.depth_codes[keep],
        script.pressure_codes[keep],
        script.truth,
    )
