"""Insertion sites as the instrument knows them: each figure with its unit, status and source.

Status letters are those of the clinical content page: D given for the project, E published evidence,
T manufacturer's or training text, A analogue, N nothing published was found (a default, never a threshold).
A figure that rests on a published direction ("lower at the humerus") but not on a published size is N.
"""

from dataclasses import dataclass
from typing import Literal

AgeGroup = Literal["adult", "child", "newborn"]

KEHRL = "Am J Emerg Med 2016;34:1831 (Kehrl), obese adults"
AL_SHIBLI = "children under 40 kg, pretibial, 6.8 +/- 2 mm (Al-Shibli)"
NEONATES = "Surg Radiol Anat 2022;44:239, 15 newborn cadavers"
MANUBRIUM = "Spine 2012;37:E935"
TIMES = "SpringerPlus 2015 s40064-015-0982-y"
EASIER_HUMERUS = "Br J Hosp Med 2024, doi 10.12968/hmed.2024.0253"

ADULT_CORTEX_MM = 3.0  # N, design of our plug: the one that plug compliance is quoted for
ADULT_COMPLIANCE_MM_PER_N = 0.0008  # N, estimate for a printed plug; uncalibrated
FLEX_EXPONENT = 1.5  # compliance ~ 1 / thickness ** this; uncalibrated, see _plug_compliance
CORTEX_CV = 0.10  # A, as stand-in: force in urethane, Heiner 2001
CAVITY_CV = 0.05  # N, of chambers that are our own design; uncalibrated
QUARTILES_PER_SD = 1.35  # distance of the quartiles of a normal distribution


@dataclass(frozen=True)
class Figure:
    """A number that knows where it comes from."""

    value: float
    unit: str
    status: str
    source: str


@dataclass(frozen=True)
class SiteProfile:
    """What a cartridge of this site and age stands for. Lengths along the needle's axis.

    *_sd: spread between specimens of the site, one standard deviation; the plain figure is their mean.
    relative_hardness: resistance to cutting at the same feed, adult proximal tibia plug = 1, whatever the
    cortex's thickness. outflow_tau: time constant with which the chamber empties.
    stops_at_pop False: the needle goes on after the pop, by 2 cm or until the hub is near the skin (T).
    """

    name: str
    title: str
    age_group: AgeGroup
    soft_tissue: Figure
    soft_tissue_sd: Figure
    cortex: Figure
    cortex_sd: Figure
    cavity: Figure
    cavity_sd: Figure
    bevel: Figure
    relative_hardness: Figure
    plug_compliance: Figure
    outflow_tau: Figure
    stops_at_pop: bool


def _mm(value: float, status: str, source: str) -> Figure:
    return Figure(value, "mm", status, source)


def _hardness(value: float, source: str) -> Figure:
    return Figure(value, "1", "N", source)


def _outflow(value: float, source: str) -> Figure:
    return Figure(value, "s", "N", source)


def _cortex_sd(cortex_mm: float) -> Figure:
    return _mm(cortex_mm * CORTEX_CV, "A", "none found; 10 % as the force in urethane, Heiner 2001")


def _cavity_sd(cavity_mm: float) -> Figure:
    return _mm(cavity_mm * CAVITY_CV, "N", "none found; 5 % assumed for chambers of our design")


def _kehrl_sd(low_mm: float, high_mm: float) -> Figure:
    """N, since the abstract does not say whether its interval holds people (as read here) or the mean."""
    source = f"{low_mm} to {high_mm} mm, {KEHRL}, read as quartiles (assumption; kind of interval not seen)"
    return _mm((high_mm - low_mm) / QUARTILES_PER_SD, "N", source)


def _plug_compliance(cortex_mm: float) -> Figure:
    """Flex of a printed plug, mm/N, scaled from the adult's by its thickness alone.

    A thin solid plate would give 1 / thickness^3. A printed plug is two skins on an infill, held in a rim:
    its bending goes with ^2 (the skins' thickness does not change), shear of the infill with ^1, the dent
    under the tip not at all. A softer infill flexes more and a child's narrower rim less (with the span
    squared): the two are taken to cancel. Uncalibrated.
    """
    scaled = ADULT_COMPLIANCE_MM_PER_N * (ADULT_CORTEX_MM / cortex_mm) ** FLEX_EXPONENT
    source = "nothing published found; estimate for a printed plug"
    if cortex_mm != ADULT_CORTEX_MM:
        source += f", scaled with thickness^-{FLEX_EXPONENT}"
    return Figure(round(scaled, 5), "mm/N", "N", source)


TRAINING_BEVEL = _mm(2.0, "N", "nothing published found; bevel of the training needle")

ADULT_PROXIMAL_TIBIA = SiteProfile(
    name="adult-proximal-tibia",
    title="Adult proximal tibia",
    age_group="adult",
    soft_tissue=_mm(11.0, "E", "obese adult proximal tibia, Kehrl 2016"),
    soft_tissue_sd=_kehrl_sd(8.9, 13.0),
    cortex=_mm(ADULT_CORTEX_MM, "N", "adult values not readable; design of our plug"),
    cortex_sd=_cortex_sd(ADULT_CORTEX_MM),
    cavity=_mm(20.0, "N", "adult tibia not found; depth of our chamber"),
    cavity_sd=_cavity_sd(20.0),
    bevel=TRAINING_BEVEL,
    relative_hardness=_hardness(1.0, "by definition: the plug that the others are compared with"),
    plug_compliance=_plug_compliance(ADULT_CORTEX_MM),
    outflow_tau=_outflow(0.5, "design of our outflow restrictor"),
    stops_at_pop=True,
)

ADULT_DISTAL_TIBIA = SiteProfile(
    name="adult-distal-tibia",
    title="Adult distal tibia",
    age_group="adult",
    soft_tissue=_mm(10.7, "E", KEHRL),
    soft_tissue_sd=_kehrl_sd(9.4, 12.1),
    cortex=_mm(ADULT_CORTEX_MM, "N", "nothing found; the proximal tibia's plug"),
    cortex_sd=_cortex_sd(ADULT_CORTEX_MM),
    cavity=_mm(15.0, "N", "nothing found; our chamber, shallower as the bone is slimmer there"),
    cavity_sd=_cavity_sd(15.0),
    bevel=TRAINING_BEVEL,
    relative_hardness=_hardness(1.0, "nothing found, force at the distal tibia included; as proximal"),
    plug_compliance=_plug_compliance(ADULT_CORTEX_MM),
    outflow_tau=_outflow(0.5, "nothing found; the proximal tibia's restrictor"),
    stops_at_pop=True,
)

ADULT_HUMERUS = SiteProfile(
    name="adult-humerus",
    title="Adult proximal humerus",
    age_group="adult",
    soft_tissue=_mm(29.6, "E", KEHRL),
    soft_tissue_sd=_kehrl_sd(27.5, 31.7),
    cortex=_mm(2.0, "N", f"thinner than the tibia's (E, {EASIER_HUMERUS}), mm not seen; design of our plug"),
    cortex_sd=_cortex_sd(2.0),
    # Room for 2 cm behind the pop, and for the far plate within the follower's 30 mm.
    cavity=_mm(25.0, "N", "nothing found; our chamber, deeper than the 2 cm that the needle goes on (T)"),
    cavity_sd=_mm(1.0, "N", "none found; 4 % assumed, so that the deepest chamber fits the follower"),
    bevel=TRAINING_BEVEL,
    relative_hardness=_hardness(
        0.7,
        f"lower CT value, easier by hand than the tibia (E, {EASIER_HUMERUS}); size not seen, 0.7 assumed",
    ),
    plug_compliance=_plug_compliance(2.0),
    outflow_tau=_outflow(0.3, "highest flow of the sites (D); size not given, design of our restrictor"),
    stops_at_pop=False,
)

STERNUM = SiteProfile(
    name="sternum",
    title="Adult sternum (manubrium)",
    age_group="adult",
    soft_tissue=_mm(8.0, "N", "nothing found; pad of our cartridge"),
    soft_tissue_sd=_mm(2.0, "N", "none found; the children's spread over the tibia assumed"),
    cortex=_mm(1.5, "N", "nothing found; design of our plug, half the adult tibia's"),
    cortex_sd=_cortex_sd(1.5),
    cavity=_mm(
        8.1, "E", f"mean of 10.4, 9.4, 6.8, 5.8 mm: thickest and thinnest, men and women, {MANUBRIUM}"
    ),
    cavity_sd=_mm(1.1, "E", f"mean of 1.1, 1.4, 1.1, 0.9 mm within sex and place, {MANUBRIUM}"),
    bevel=TRAINING_BEVEL,
    relative_hardness=_hardness(
        0.7,
        "FAST1 took 83 N (23 to 192 N), 'similar to that of other IO devices' (E, Mil Med 2005;170:251): "
        "not far from the tibia; less assumed, since it was pushed in without drilling or twisting",
    ),
    plug_compliance=_plug_compliance(1.5),
    outflow_tau=_outflow(0.4, "nothing found; between humerus and tibia assumed"),
    stops_at_pop=True,
)

CHILD_PROXIMAL_TIBIA = SiteProfile(
    name="child-proximal-tibia",
    title="Child's proximal tibia",
    age_group="child",
    soft_tissue=_mm(6.8, "E", AL_SHIBLI),
    soft_tissue_sd=_mm(2.0, "E", AL_SHIBLI),
    cortex=_mm(2.0, "N", "nothing found; our plug, between newborn 1.3 mm (E) and our adult's 3 mm (N)"),
    cortex_sd=_cortex_sd(2.0),
    cavity=_mm(12.0, "N", "nothing found; our chamber, between infant 10 mm (E) and our adult's 20 mm (N)"),
    cavity_sd=_cavity_sd(12.0),
    bevel=TRAINING_BEVEL,
    relative_hardness=_hardness(
        0.5,
        f"by hand 9.3 s against 54.8 s in an adult model, powered 2.2 s against 3.7 s ({TIMES}): with a "
        "cortex of two thirds, a feed 3.9 and 1.1 times the adult's, so 0.26 to 0.9; 0.5 lies between",
    ),
    plug_compliance=_plug_compliance(2.0),
    outflow_tau=_outflow(0.6, "nothing found; slower than the adult's assumed"),
    stops_at_pop=True,
)

CHILD_HUMERUS = SiteProfile(
    name="child-humerus",
    title="Child's proximal humerus",
    age_group="child",
    soft_tissue=_mm(10.0, "N", "nothing found; more than over the child's tibia, pad of our cartridge"),
    soft_tissue_sd=_mm(2.0, "N", "none found; that of the child's tibia assumed"),
    cortex=_mm(1.5, "N", "nothing found; thinner than the child's tibia as in adults, design of our plug"),
    cortex_sd=_cortex_sd(1.5),
    cavity=_mm(12.0, "N", "nothing found; the chamber of the child's tibia"),
    cavity_sd=_cavity_sd(12.0),
    bevel=TRAINING_BEVEL,
    relative_hardness=_hardness(0.35, "nothing found; child's tibia 0.5 times the adult humerus's 0.7"),
    plug_compliance=_plug_compliance(1.5),
    outflow_tau=_outflow(0.4, "nothing found; faster than the child's tibia as in adults (D), size assumed"),
    stops_at_pop=True,
)

NEWBORN_PROXIMAL_TIBIA = SiteProfile(
    name="newborn-proximal-tibia",
    title="Newborn's proximal tibia",
    age_group="newborn",
    soft_tissue=_mm(5.0, "N", f"nothing found; less than {AL_SHIBLI}, pad of our cartridge"),
    soft_tissue_sd=_mm(1.0, "N", "none found; in proportion to the children's assumed"),
    cortex=_mm(1.32, "E", NEONATES),
    cortex_sd=_cortex_sd(1.32),
    cavity=_mm(4.5, "E", f"{NEONATES}; the narrowest found, others give 7 mm"),
    cavity_sd=_mm(0.45, "N", "not seen; 10 % assumed, less than the distance to the 7 mm of others"),
    # The smallest real tip, about 4 mm, leaves 0.5 mm in 4.5 and 3 mm in 7. This one leaves 3 mm in 4.5 and
    # its own length in the narrowest specimen drawn: an attempt can succeed, yet 3 mm are soon gone.
    bevel=_mm(
        1.5, "N", "nothing published found; a shorter training needle, so that the bevel fits the cavity"
    ),
    relative_hardness=_hardness(
        0.15,
        f"infant model by hand 2.0 s against 54.8 s, powered 1.5 s against 3.7 s ({TIMES}): with our "
        "cortices a feed 12 and 1.1 times the adult's, so 0.08 to 0.9; softer than the child's, 0.15 assumed",
    ),
    plug_compliance=_plug_compliance(1.32),
    outflow_tau=_outflow(0.8, "nothing found; slowest assumed, for the smallest bed"),
    stops_at_pop=True,
)

SITES = {
    site.name: site
    for site in (
        ADULT_PROXIMAL_TIBIA,
        ADULT_DISTAL_TIBIA,
        ADULT_HUMERUS,
        STERNUM,
        CHILD_PROXIMAL_TIBIA,
        CHILD_HUMERUS,
        NEWBORN_PROXIMAL_TIBIA,
    )
}
