"""Insertion sites as the instrument knows them: each figure with its unit, status and source.

Status letters are those of the clinical content page: D given for the project, E published evidence,
T manufacturer's or training text, A analogue, N nothing published was found (a default, never a threshold).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number that knows where it comes from."""

    value: float
    unit: str
    status: str
    source: str


@dataclass(frozen=True)
class SiteProfile:
    """What a cartridge of this site and age stands for. Lengths along the needle's axis."""

    name: str
    title: str
    soft_tissue: Figure
    cortex: Figure
    cavity: Figure
    bevel: Figure
    plug_compliance: Figure
    stops_at_pop: bool


ADULT_PROXIMAL_TIBIA = SiteProfile(
    name="adult-proximal-tibia",
    title="Adult proximal tibia",
    soft_tissue=Figure(11.0, "mm", "E", "obese adult proximal tibia, Kehrl 2016"),
    cortex=Figure(3.0, "mm", "N", "adult values not readable; design of our plug"),
    cavity=Figure(20.0, "mm", "N", "adult tibia not found; depth of our chamber"),
    bevel=Figure(2.0, "mm", "N", "nothing published found; bevel of the training needle"),
    plug_compliance=Figure(0.0008, "mm/N", "N", "nothing published found; estimate for a printed plug"),
    stops_at_pop=True,
)

SITES = {ADULT_PROXIMAL_TIBIA.name: ADULT_PROXIMAL_TIBIA}
