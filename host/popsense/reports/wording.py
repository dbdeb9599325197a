"""What pages say: sentences that every report carries, and names for what is stored under short ones."""

from collections.abc import Mapping

from popsense.analysis import CATALOGUE
from popsense.analysis.reading import LOST
from popsense.model import Event, EventKind, Metric, Score
from popsense.scoring.wording import format_value

TITLES = {definition.name: definition.title for definition in CATALOGUE}
NOT_SENSED = (
    "angle of the needle",
    "finding of the site (the plug gives the site away)",
    "depth before the inner cortex",
    "side force and rocking",
    "rotation",
    "swelling",
)
NOT_SIGNED = "Content not signed by a clinician."
NO_VALIDITY = (
    "That simulated operators are told apart checks the software; "
    "it is no evidence that the score measures skill."
)
SOURCES = {"device": "board", "host": "computer"}
EVIDENCE = {
    "peak_n": ("highest force before", "N"),
    "level_n": ("force at that time", "N"),
    "force_n": ("force at that time", "N"),
    "drop_percent": ("fall of the force", "%"),
    "advance_mm": ("advance", "mm"),
    "protrusion_mm": ("protrusion", "mm"),
    "duration_ms": ("lasting", "ms"),
}
EVENT_NAMES = {"re_puncture": "re-puncture"}  # of the others the underscore becomes a space
EVENT_MEANINGS: Mapping[EventKind, str] = {
    "loss_of_resistance": "the force gone with the tip out",
    "uncertain_pop": "for the instructor to confirm",
    "re_puncture": "bone met again after the needle had been through",
    "used_hole": "the tip came out under hardly any force: the plug may have been drilled before",
    "overload": "force near the end of the cell's range",
}
SURE_BY_FORCE: frozenset[EventKind] = frozenset({"contact", "released", "overload"})
LEAST_SHOWN = 0.005  # less is printed as 0.00
CAPPED = ("loss_of_resistance_percent", "drop_percent")  # a pull after the pop is no further loss
GLOSSARY = {
    "Bevel": "the slanted opening at the needle's tip; fluid leaves through it.",
    "Flush decay": "how long the pressure takes after the flush to fall to 37 % of its rise.",
    "Loss of resistance": "how far the force falls as the tip comes through the bone, in % of its peak.",
    "Overshoot": "how much deeper the tip went up to the first stop than the bevel needs; "
    "its share of the room is counted from there to the far cortex.",
    "Hole": "samples that the board took and that never came; none of the figures is made up for them.",
    "Protrusion": "how far the tip stands out of the inner face of the cortex.",
    "Released": "the hand took its load off before the tip was through.",
    "Repaired": "every sample is here, some of them only when the computer asked for them again.",
    "Rubric": "the list of items, limits and points by which an attempt is scored.",
    "Steadiness": "how little the force trembles and jerks in the cortex; measured is the unsteadiness.",
    "Stray force": "force on the needle while it should be left alone.",
    "Taper": "easing off towards the exit: force at the exit divided by the peak.",
    "Uncalibrated": "of a limit: set by no study and no clinician; "
    "of sensors: converted with the scales of the design, not of this bone.",
    "Used hole": "an insertion that met hardly any resistance: the plug may have been drilled before.",
    "Score withheld": "no points are given, since samples are missing so near to the pop "
    "that they may hide it.",
}


def metric_title(metric: Metric) -> str:
    """The metric in words, or its bare name where a newer analysis dropped it."""
    return TITLES.get(metric.name, metric.name)


def metric_value(metric: Metric) -> str:
    """The figure with its unit, yes or no, or a dash."""
    return "–" if metric.value is None else format_value(_capped(metric.name, metric.value), metric.unit)


def metric_note(metric: Metric, score: Score) -> str:
    """Why there is no figure; not again for missing samples where these withhold the score."""
    return "" if score.withheld and metric.note == LOST.note else metric.note


def event_name(kind: str) -> str:
    """Short, as in a chart: "far cortex contact"."""
    return EVENT_NAMES.get(kind, kind.replace("_", " "))


def event_text(event: Event) -> str:
    """As in "uncertain pop: for the instructor to confirm"; and whether depth was wanting to be sure."""
    meaning = EVENT_MEANINGS.get(event.kind)
    name = event_name(event.kind) + (f": {meaning}" if meaning else "")
    return name if event.by_depth or event.kind in SURE_BY_FORCE else f"{name} (by force alone: less sure)"


def evidence_text(event: Event) -> str:
    """As in "highest force before 43.6 N, fall of the force 93.1 %"; what prints as zero is no evidence."""
    return ", ".join(
        _evidence(name, value) for name, value in event.evidence.items() if abs(value) >= LEAST_SHOWN
    )


def _evidence(name: str, value: float) -> str:
    label, unit = EVIDENCE.get(name, (name.replace("_", " "), "ratio"))
    return f"{label} {format_value(_capped(name, value), unit)}"


def _capped(name: str, value: float) -> float:
    return min(value, 100.0) if name in CAPPED else value
