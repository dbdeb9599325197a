"""What the board's detector needs to know of site and device: the fields of PROFILE, from the tables.

Every figure is a default without published ground (N, uncalibrated); what scales it is the site's profile.
The device has defaults of its own for the adult tibia (firmware/bone/settings.py); a test compares them.
"""

from popsense.errors import UsageError
from popsense.procedure.sites import SiteProfile

EFFORT_EXPONENT = 0.7  # softer bone is pushed with less force, though not in proportion; uncalibrated
CONTACT_MN = 8000  # bone contact in the adult tibia: the skin takes less
LEAST_CONTACT_MN = 1800  # above noise and hum of a good cell, whatever the bone
RELEASE_PER_CONTACT = 0.25
ARM_PER_CONTACT = 1.2
# A hole from an earlier needle resists about a fifth of fresh bone, but a hand leans on its needle as before.
USED_PER_CONTACT = 1.5
FAR_STAYS_PER_CONTACT = {"powered": 1.9, "manual": 1.9, "spring_loaded": 5.0}  # a body is pressed on the skin
OVERLOAD_MN = 450_000  # the cell ends at 500 N; ceiling of a pushing hand 400 to 600 N (A, IEEE 8579919)
DROP_PERMILLE = 250
DROP_OUT_PERMILLE = 120
ADVANCE_UM = 400
OUT_PER_BEVEL = 1.2
FAR_RISE_MN = 1700
FAR_SPREAD = 5.0  # standard deviations of the cavity by which the far cortex may lie nearer
LEAST_FAR_PER_CAVITY = 0.4
# Codes of CUE in the protocol. Light and buzzer say what the procedure asks for (T): stop at the pop; where
# the needle goes on, stop 2 cm deeper; a preset depth leaves nothing to stop.
NO_CUE, CUE_STOP, CUE_GO_ON_THEN_STOP = 0, 1, 2
GO_ON_UM = 20_000
PRESET_DEVICES = {"spring_loaded"}


def detector_profile(site: SiteProfile, device: str, depth_fitted: bool = True) -> dict[str, int]:
    """Fields of PROFILE by name, without `request`: mN, um, nm/N and permille. UsageError: unknown device."""
    if device not in FAR_STAYS_PER_CONTACT:
        known = ", ".join(sorted(FAR_STAYS_PER_CONTACT))
        raise UsageError(f"the detector has no profile for the device {device!r}", f"Use one of: {known}.")
    contact_mn = max(LEAST_CONTACT_MN, round(CONTACT_MN * site.relative_hardness.value**EFFORT_EXPONENT))
    return {
        "depth_fitted": int(depth_fitted),
        "contact_mn": contact_mn,
        "release_mn": round(RELEASE_PER_CONTACT * contact_mn),
        "arm_mn": round(ARM_PER_CONTACT * contact_mn),
        "used_mn": round(USED_PER_CONTACT * contact_mn),
        "overload_mn": OVERLOAD_MN,
        "drop_permille": DROP_PERMILLE,
        "drop_out_permille": DROP_OUT_PERMILLE,
        "advance_um": ADVANCE_UM,
        "out_um": round(1000.0 * OUT_PER_BEVEL * site.bevel.value),
        "far_advance_um": round(1000.0 * _nearest_far_mm(site)),
        "far_rise_mn": FAR_RISE_MN,
        "far_stays_mn": round(FAR_STAYS_PER_CONTACT[device] * contact_mn),
        "flex_nm_per_n": round(1e6 * site.plug_compliance.value),
        "cue": _cue(site, device),
        "go_on_um": 0 if site.stops_at_pop else GO_ON_UM,
    }


def _cue(site: SiteProfile, device: str) -> int:
    if device in PRESET_DEVICES:
        return NO_CUE
    return CUE_STOP if site.stops_at_pop else CUE_GO_ON_THEN_STOP


def _nearest_far_mm(site: SiteProfile) -> float:
    """Protrusion at which the far cortex may be met in the narrowest cavity of the site."""
    narrowest_mm = site.cavity.value - FAR_SPREAD * site.cavity_sd.value
    return max(narrowest_mm, LEAST_FAR_PER_CAVITY * site.cavity.value)
