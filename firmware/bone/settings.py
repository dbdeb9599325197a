"""Figures of this build: nominal sensor scales (a calibration replaces them) and the detector's parameters.

All thresholds are uncalibrated defaults (N where no source stands); none is validated. Physical units here,
counts in `detector`.
"""

from micropython import const

FIRMWARE_VERSION = (0, 2, 0)
DETECTOR_VERSION = const(2)

# 500 N cell, 2 mV/V, gain 128, ratiometric: 500 N = 2e-3 * 128 * 2^23 counts; 232.831 uN a count.
FORCE_ZERO_COUNTS = const(0)
FORCE_NANO_N_PER_COUNT = const(232831)
# The same cell on an HX711, whose full scale is +-0.5 AVDD / gain with AVDD as excitation (Avia, data sheet):
# 500 N = 2e-3 * 2 * 128 * 2^23 counts.
HX711_FORCE_NANO_N_PER_COUNT = const(116415)
# 30 mm of follower stroke over 10 % .. 90 % of 4 * 4095 counts.
DEPTH_ZERO_COUNTS = const(1638)
DEPTH_NANO_MM_PER_COUNT = const(2289377)
# -50 .. +100 kPa over 10 % .. 90 %.
PRESSURE_ZERO_COUNTS = const(6006)
PRESSURE_NANO_KPA_PER_COUNT = const(11446886)

# What the detector goes by until the host sends the profile of site and device (PROFILE): the adult proximal
# tibia. The names are those of the packet's fields.
PROFILE = {
    "depth_fitted": 1,
    "contact_mn": 8000,  # bone contact: this force for CONTACT_MS
    "release_mn": 2000,  # below it for RELEASE_MS the hand has let go
    "arm_mn": 9600,  # no pop is looked for under a peak below this
    "used_mn": 12000,  # who comes out under a lower peak came by a used hole
    "overload_mn": 450000,  # the cell ends at 500 N; ceiling of a pushing hand 400 to 600 N (A, IEEE 8579919)
    # Fall from the running peak; epidural analogue: true 730, false 330 (A, CompuFlo). With the tip seen to
    # come out less will do.
    "drop_permille": 250,
    "drop_out_permille": 120,  # and still less once the whole bevel is out
    "advance_um": 400,  # tip beyond the inner face, plug flex taken off: no bulge and no burst goes so far
    "out_um": 2400,
    "far_advance_um": 15000,  # a second rise nearer than this is the needle's own shaft
    "far_rise_mn": 1700,
    "far_stays_mn": 15200,
    "flex_nm_per_n": 800,  # nothing published found (N); estimate for a printed plug
    "cue": 1,  # stop at the pop (T)
    "go_on_um": 0,
}

# Their order in the packet, behind depth_fitted and request; a dict of MicroPython keeps none.
PROFILE_FIELDS = (
    "contact_mn",
    "release_mn",
    "arm_mn",
    "used_mn",
    "overload_mn",
    "drop_permille",
    "drop_out_permille",
    "advance_um",
    "out_um",
    "far_advance_um",
    "far_rise_mn",
    "far_stays_mn",
    "flex_nm_per_n",
    "cue",
    "go_on_um",
)

BASELINE_MS = const(450)  # at most; a hand needs longer to come near
SMOOTH_US = const(3000)  # time constant of both low-passes
DECAY_US = const(130000)  # with which the running peak follows a hand that tapers its force
CONTACT_MS = const(20)
RELEASE_MS = const(150)
POP_PERSIST_MS = const(5)
POP_LEAST_SAMPLES = const(2)  # one sample may be a burst
OUT_MS = const(60)  # a bevel so long out without a fall: an uncertain pop
FAR_STAYS_MS = const(30)
FAR_LEAST_MN = const(600)  # and this much above twice the range of the force at rest
STILL_MS = const(100)  # a far cortex is met by a tip that has gone deeper within this time
LOSS_PERMILLE = const(500)  # resistance stays this far under the peak for LOSS_MS
LOSS_MS = const(100)
WITHDRAWN_MS = const(500)  # tip back and no force for so long: the needle is out
# Without a depth channel: a sudden fall (nearly half, against a peak that follows it) that stays. Less sure.
FORCE_ONLY_DROP_PERMILLE = const(450)
FORCE_ONLY_DECAY_US = const(40000)
FORCE_ONLY_PERSIST_MS = const(40)

# Health. Uncalibrated where no source stands.
# Burn-out currents of 10 uA (TI SBAS501C, "Sensor Detection") through a bridge of 350 ohm give 3.5 mV: 13.6 %
# of the full scale of 3.3 V / 128, 1,139,000 counts. Bridges of 175 to 1,400 ohm lie between the two limits.
BRIDGE_SHORTED_COUNTS = const(400000)  # rises by less
BRIDGE_OPEN_COUNTS = const(6300000)  # rises by more, or ends at full scale
NOISY_MN = const(500)  # standard deviation; 60 mN is normal
TARE_NOISY_MN = const(300)  # the same while the cell is tared
LOADED_MN = const(20000)  # distance from the calibrated zero; makers allow 1 % of the range, 5 N, new
SUSTAINED_MS = const(50)  # force at its end, depth or pressure outside of their zone, for so long
STUCK_SAMPLES = const(64)  # the same 24-bit code; noise of 60 mN is 260 counts
STUCK_ANALOG_MS = const(2000)  # the same sum of four reads
JUMP_MN = const(400000)  # from one sample to the next: most of the cell's range
GARBAGE_JUMPS = const(4)  # in JUMP_MEMORY samples
JUMP_MEMORY = const(40)
OVERLOAD_MS = const(3)
ANALOG_LEAST_COUNTS = const(655)  # live zone 10 % to 90 % (as above), with 6 % of margin
ANALOG_MOST_COUNTS = const(15725)
READY_PERIODS = const(50)  # without a data-ready edge
SUPPLY_LEAST_MV = const(4000)  # 4.4 V at a port (USB 2.0 7.2.2) less the Pico's Schottky diode, 0.4 V
SUPPLY_READINGS = const(5)  # in a row, each 0.1 s
HOST_SILENT_MS = const(120000)  # a host asks for the clock every second
BAD_FRAMES = const(3)  # in a second; one may be the stump of an earlier program
SLOW_LOOP_MS = const(100)  # the ring bears 8 s
LOW_HEAP_BYTES = const(8192)
