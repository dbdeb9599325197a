"""Figures of this build: nominal sensor scales (a calibration replaces them) and the detector's parameters.

All thresholds are uncalibrated defaults; none is validated. Physical units here, counts in `detector`.
"""

from micropython import const

FIRMWARE_VERSION = (0, 1, 0)
DETECTOR_VERSION = const(1)

# 500 N cell, 2 mV/V, gain 128, ratiometric: 500 N = 2e-3 * 128 * 2^23 counts; 232.831 uN a count.
FORCE_ZERO_COUNTS = const(0)
FORCE_NANO_N_PER_COUNT = const(232831)
# 30 mm of follower stroke over 10 % .. 90 % of 4 * 4095 counts.
DEPTH_ZERO_COUNTS = const(1638)
DEPTH_NANO_MM_PER_COUNT = const(2289377)
# -50 .. +100 kPa over 10 % .. 90 %.
PRESSURE_ZERO_COUNTS = const(6006)
PRESSURE_NANO_KPA_PER_COUNT = const(11446886)

PLUG_COMPLIANCE_NM_PER_N = const(800)  # nothing published found (N); estimate for a printed plug

CONTACT_MN = const(10000)  # bone contact: this force for CONTACT_MS; the skin takes less (uncalibrated)
CONTACT_MS = const(20)
RELEASE_MN = const(2000)  # below it for RELEASE_MS the hand has let go (uncalibrated)
RELEASE_MS = const(150)
ARM_MN = const(12000)  # no pop is looked for under a peak below this (uncalibrated)
POP_DROP_PERMILLE = const(
    300
)  # fall from the running peak (uncalibrated; epidural analogue: true 730, false 330)
POP_ADVANCE_UM = const(300)  # tip beyond the inner face, plug flex taken off (uncalibrated)
POP_PERSIST_MS = const(3)
LOSS_PERMILLE = const(500)  # resistance stays this far under the peak for LOSS_MS (uncalibrated)
LOSS_MS = const(100)
FAR_ADVANCE_UM = const(6000)  # a second rise nearer than this is the needle's own shaft (uncalibrated)
FAR_RISE_MN = const(8000)
WITHDRAWN_MS = const(500)  # tip back and no force for so long: the needle is out (uncalibrated)
