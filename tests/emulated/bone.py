"""A board with the bone's sensors on it: what its chips give is one simulated attempt."""

from collections.abc import Mapping
from dataclasses import dataclass

from popsense.twin.script import SensorScript
from tests.emulated.ads1220_chip import Ads1220Chip
from tests.emulated.analog_inputs import DEPTH_CHANNEL, AnalogInputs
from tests.emulated.gauges import InterruptGauge, ProcessorGauge
from tests.emulated.pico import Pico


class ScriptedHand:
    """Which sample of a script the chips show: the rest, again and again, until the operator begins.

    Behind its end the script's own rest comes again.
    """

    def __init__(self, script: SensorScript) -> None:
        self.script = script
        self._force = script.force_counts.tolist()
        self._codes = (script.depth_codes.tolist(), script.pressure_codes.tolist())
        self._may_begin = False
        self.restart()

    def restart(self) -> None:
        """The needle is at rest again."""
        self._sample, self._began_at, self._reads = 0, None, [0, 0]
        self._may_begin = False

    def begin(self) -> None:
        """The operator takes the needle with the next sample."""
        self._may_begin = True

    def force(self, conversion: int) -> int:
        """Force counts; the other channels are read at the same instant."""
        if self._may_begin and self._began_at is None:
            self._began_at = conversion
        self._sample = self._index(conversion)
        self._reads = [0, 0]
        return self._force[self._sample]

    def code(self, channel: int) -> int:
        """The next of the sample's reads of depth or pressure."""
        which = 0 if channel == DEPTH_CHANNEL else 1
        codes = self._codes[which][self._sample]
        self._reads[which] += 1
        return codes[(self._reads[which] - 1) % len(codes)]

    def _index(self, conversion: int) -> int:
        if self._began_at is None:
            return conversion % self.script.rest_samples
        played = conversion - self._began_at
        return played if played < len(self._force) else played % self.script.rest_samples


@dataclass(frozen=True)
class EmulatedBone:
    """The board, and what is on its pins. `interrupts` and `processor` only look on."""

    pico: Pico
    chip: Ads1220Chip
    inputs: AnalogInputs
    hand: ScriptedHand
    interrupts: InterruptGauge
    processor: ProcessorGauge


def emulated_bone(files: Mapping[str, bytes], script: SensorScript) -> EmulatedBone:
    """Not powered yet."""
    hand = ScriptedHand(script)
    chip = Ads1220Chip(hand.force, script.sample_period_ns)
    inputs = AnalogInputs(hand.code)
    interrupts, processor = InterruptGauge(chip), ProcessorGauge()
    pico = Pico(files, (chip, inputs, interrupts, processor))
    return EmulatedBone(pico, chip, inputs, hand, interrupts, processor)
