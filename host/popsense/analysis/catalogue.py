"""Every metric, declared once: name with its unit, title, function; the stretch and sensors it rests on."""

from collections.abc import Callable
from dataclasses import dataclass

from popsense.analysis import confirmation, penetration, removal, stopping
from popsense.analysis.landmarks import Findings
from popsense.analysis.reading import LOST, Reading, Unknown
from popsense.model import Metric, SensorName

MARGIN_S = 0.05  # beside a landmark, the samples that its windows used

# Stretches between two attributes of Landmarks; "" or a landmark that was not found = the trace's own end.
Stretch = tuple[str, str]
ALL: Stretch = ("", "")
BEFORE_EXIT: Stretch = ("", "exit_start")
CORTEX: Stretch = ("contact", "penetration_end")
TO_EXIT: Stretch = ("contact", "exit_start")
TO_POP: Stretch = ("contact", "pop")
TO_STOP: Stretch = ("contact", "stayed")
AROUND_POP: Stretch = ("exit_start", "stop")
POP_TO_STOP: Stretch = ("pop", "stayed")
IN_MARROW: Stretch = ("exit_start", "out")
STANDING: Stretch = ("stop", "removal")
REMOVAL: Stretch = ("removal", "out")

FORCE: tuple[SensorName, ...] = ("force",)
DEPTH: tuple[SensorName, ...] = ("depth",)
BOTH: tuple[SensorName, ...] = ("force", "depth")
PRESSURE: tuple[SensorName, ...] = ("depth", "pressure")  # depth tells when the needle stands in the marrow


@dataclass(frozen=True)
class Definition:
    """One metric. Samples missing in its stretch, or one of its sensors at fault, make the figure lost.

    shows_itself: what was seen even so stands (a flag of 1, a drop, a rise); only a 0 or nothing is lost.
    """

    name: str
    unit: str
    title: str
    measure: Callable[[Findings], Reading]
    stretch: Stretch
    sensors: tuple[SensorName, ...]
    shows_itself: bool = False

    def evaluate(self, found: Findings) -> Metric:
        """The figure for one attempt, or the reason why there is none."""
        reading = self.measure(found)
        if self.shows_itself and not isinstance(reading, Unknown) and reading != 0:
            return self.record(reading)
        faults = [found.signals.faults[sensor] for sensor in self.sensors if sensor in found.signals.faults]
        if faults:
            return self.record(Unknown(faults[0], lost=True))
        return self.record(LOST if self._rests_on_a_gap(found) else reading)

    def record(self, reading: Reading) -> Metric:
        """The reading under this metric's name and unit."""
        if isinstance(reading, Unknown):
            return Metric(self.name, None, self.unit, reading.note, reading.lost)
        return Metric(self.name, reading, self.unit)

    def _rests_on_a_gap(self, found: Findings) -> bool:
        time_s = found.signals.time_s
        start, end = (_index(found, name) for name in self.stretch)
        start_s = float(time_s[0 if start is None else start]) - MARGIN_S
        return found.signals.has_gap(start_s, float(time_s[-1 if end is None else end]) + MARGIN_S)


def _index(found: Findings, landmark: str) -> int | None:
    return getattr(found.marks, landmark) if landmark else None


# fmt: off
CATALOGUE = (
    Definition("contact_found", "0/1", "Bone contact found", penetration.contact_found, ALL, FORCE, True),
    Definition("used_hole_suspected", "0/1", "Used hole suspected",
               penetration.used_hole_suspected, BEFORE_EXIT, BOTH),
    Definition("penetration_time_s", "s", "Penetration time", penetration.penetration_time_s, TO_POP, BOTH),
    Definition("peak_force_n", "N", "Peak force before the pop", penetration.peak_force_n, CORTEX, BOTH),
    Definition("steadiness_percent", "%", "Unsteadiness of the force",
               penetration.steadiness_percent, CORTEX, BOTH),
    Definition("taper_ratio", "ratio", "Taper (force at the exit / peak)",
               penetration.taper_ratio, TO_EXIT, BOTH),
    Definition("breakthrough_found", "0/1", "Breakthrough found",
               stopping.breakthrough_found, ALL, BOTH, True),
    Definition("bevel_in_marrow", "0/1", "Whole bevel in the marrow",
               stopping.bevel_in_marrow, IN_MARROW, DEPTH, True),
    Definition("loss_of_resistance_percent", "%", "Loss of resistance",
               stopping.loss_of_resistance_percent, AROUND_POP, BOTH),
    Definition("stopped_by_operator", "0/1", "Stopped by the operator",
               stopping.stopped_by_operator, POP_TO_STOP, BOTH),
    Definition("reaction_time_s", "s", "Reaction time", stopping.reaction_time_s, POP_TO_STOP, BOTH),
    Definition("overshoot_mm", "mm", "Overshoot", stopping.overshoot_mm, POP_TO_STOP, DEPTH),
    Definition("overshoot_percent_of_cavity", "%", "Overshoot, share of the room",
               stopping.overshoot_percent_of_cavity, POP_TO_STOP, DEPTH),
    Definition("readvance_mm", "mm", "Advance after the stop", stopping.readvance_mm, STANDING, DEPTH),
    Definition("deepest_protrusion_mm", "mm", "Deepest protrusion",
               stopping.deepest_protrusion_mm, IN_MARROW, DEPTH),
    Definition("far_cortex_contact", "0/1", "Far cortex touched",
               stopping.far_cortex_contact, IN_MARROW, BOTH, True),
    Definition("insertion_time_s", "s", "Insertion time", stopping.insertion_time_s, TO_STOP, BOTH),
    Definition("confirmation_found", "0/1", "Position confirmed by pressure",
               confirmation.confirmation_found, STANDING, PRESSURE, True),
    Definition("aspiration_drop_kpa", "kPa", "Pressure drop on aspiration",
               confirmation.aspiration_drop_kpa, STANDING, PRESSURE, True),
    Definition("flush_rise_kpa", "kPa", "Pressure rise on flush",
               confirmation.flush_rise_kpa, STANDING, PRESSURE, True),
    Definition("flush_decay_s", "s", "Flush decay to 37 %", confirmation.flush_decay_s, STANDING, PRESSURE),
    Definition("stray_force_n", "N", "Stray force on the standing needle",
               confirmation.stray_force_n, STANDING, BOTH),
    Definition("removal_time_s", "s", "Removal time", removal.removal_time_s, REMOVAL, DEPTH),
    Definition("puncture_count", "count", "Punctures", removal.puncture_count, ALL, DEPTH, True),
    Definition("device_latency_ms", "ms",
               "Pop on the board relative to the computer's analysis (negative: earlier)",
               stopping.device_latency_ms, AROUND_POP, BOTH),
)
# fmt: on

METRIC_NAMES = frozenset(definition.name for definition in CATALOGUE)
