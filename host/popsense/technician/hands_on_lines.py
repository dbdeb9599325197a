"""The two checks for which a technician must lend a hand: leak-down of the chamber, a known weight. Pure."""

import numpy as np

from popsense.calibration.uncertainty import STANDARD_GRAVITY
from popsense.model import FloatArray
from popsense.technician.check_line import CheckLine, Limit, failed, judged
from popsense.technician.rest_lines import line_through

PRESSURISED_KPA = Limit(20.0, 60.0, "asked of the technician; the sensor ends at 100 kPa")
# % of the first pressure in a second: a leak takes the same share of any pressure.
LEAK = Limit(-0.25, 1.0, "uncalibrated: a flush of 2 s loses 2 %; 0.5 kPa in 10 s may be the sensor's drift")
REMEDY_RISES = "Close the syringe's line too, let the chamber come to rest, and check again."
REMEDY_LEAK = "Look for the leak with soapy water: plug, follower's wall, tubes; then check again."
REMEDY_PRESSURE = "Close the outlet, bring the chamber to 20 to 60 kPa with a syringe, and check again."

LEAST_MASS_KG = 1.0  # below it what is allowed is as large as the zero's drift; uncalibrated
MOST_MASS_KG = 40.0  # the cell ends at 500 N
WEIGHT_MOST_N = 1.0  # uncalibrated
WEIGHT_PART = 0.05  # uncalibrated; the place's gravity takes 0.0043 of it (GRAVITY_OFF)
STEADY_N = 2.0  # peak to peak without noise; uncalibrated
REMEDY_WEIGHT = "Check the mass and that it stands free on the needle's axis; then: popsense calibrate force."
REMEDY_SWINGS = "Let the mass stand still without a hand on it, and check again."
SETTLE_PART = 0.25  # of the recording: a hand lets go, a mass swings


def leak_line(time_s: FloatArray, pressure_kpa: FloatArray) -> CheckLine:
    """Pressure, shape (n,), kPa gauge over time_s, of a chamber that was pressurised and closed before."""
    name = "leak-down of the chamber"
    time_s, pressure_kpa = _settled(time_s, pressure_kpa)
    if time_s.size < 2:
        return failed(name, "no samples came", REMEDY_PRESSURE)
    slope, _ = line_through(time_s, pressure_kpa)
    start_kpa = float(pressure_kpa.mean() - slope * (time_s.mean() - time_s[0]))
    if not PRESSURISED_KPA.holds(start_kpa):
        return CheckLine(
            name, "fail", f"the chamber held {_plain(start_kpa, 1)} kPa", start_kpa, "kPa", PRESSURISED_KPA,
            REMEDY_PRESSURE,
        )  # fmt: skip
    loss = -100.0 * slope / start_kpa
    seen = f"{_plain(loss, 2)} %/s from {start_kpa:.1f} kPa, {_time_constant(time_s, pressure_kpa)}"
    return judged(name, loss, "%/s", LEAK, REMEDY_LEAK if loss > 0 else REMEDY_RISES, seen)


def _plain(figure: float, decimals: int) -> str:
    """Never "-0.0"."""
    return f"{round(figure, decimals) + 0.0:.{decimals}f}"


def weight_line(rest_n: FloatArray, loaded_n: FloatArray, mass_kg: float) -> CheckLine:
    """Force without and with the mass, shape (n,) and (m,), N by the calibration, not tared."""
    name = f"known weight of {mass_kg:g} kg"
    expected = mass_kg * STANDARD_GRAVITY
    around = round(min(WEIGHT_MOST_N, WEIGHT_PART * expected), 2)
    source = f"uncalibrated: {WEIGHT_MOST_N:g} N, or {100 * WEIGHT_PART:g} % if that is less"
    limit = Limit(-around, around, source)
    loaded_n = loaded_n[int(SETTLE_PART * loaded_n.size) :]
    if not loaded_n.size or not rest_n.size:
        return failed(name, "no samples came", REMEDY_WEIGHT)
    error = float(np.median(loaded_n) - np.median(rest_n)) - expected
    swings = float(np.subtract(*np.percentile(loaded_n, (95, 5))))
    if swings > STEADY_N:
        return CheckLine(
            name, "fail", f"the force swung by {swings:.1f} N", swings, "N",
            Limit(None, STEADY_N, "uncalibrated"), REMEDY_SWINGS,
        )  # fmt: skip
    seen = f"{error:+.2f} N, {100 * error / expected:+.1f} % of {expected:.1f} N"
    return judged(name, error, "N", limit, REMEDY_WEIGHT, seen)


def _settled(time_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Without the beginning: after the syringe the gas cools, which is no leak."""
    first = int(SETTLE_PART * time_s.size)
    return time_s[first:], values[first:]


def _time_constant(time_s: FloatArray, pressure_kpa: FloatArray) -> str:
    """Of an exponential through the logarithm, s."""
    above = pressure_kpa > 0
    if above.sum() < 2:
        return "down to nothing"
    rate = -line_through(time_s[above], np.log(pressure_kpa[above]))[0]
    if rate < -1e-4:
        return "rising"
    return f"time constant {1 / rate:,.0f} s" if rate > 1e-4 else "time constant over 10,000 s"
