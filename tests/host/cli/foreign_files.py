"""CSV files as other people's instruments write them."""

from pathlib import Path

import numpy as np

from popsense.model import FloatArray

REST_SAMPLES, REST_S = 80, 0.08  # at least as long as any tare
VOLTS_PER_N, VOLTS_AT_REST = 0.0131, 2.47


def push_and_pop(rate_hz: float) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """(time in s, force in N, depth in mm, time of the exit in s): 45 N, then 5 N with the tip 3 mm out.

    A little noise: what an instrument of 1 kHz has, whatever the rate.
    """
    rest_s = max(REST_SAMPLES / rate_hz, REST_S)
    exit_s = rest_s + 2.0
    time_s = np.arange(0.0, exit_s + 1.5, 1.0 / rate_hz)
    corners_s = [0.0, rest_s, rest_s + 1.0, exit_s, exit_s + 0.05]
    noise_n = 0.06 * np.random.default_rng(5).standard_normal(len(time_s))
    force_n = np.interp(time_s, corners_s, [0.0, 0.0, 45.0, 45.0, 5.0]) + noise_n
    return time_s, force_n, np.interp(time_s, [0.0, exit_s, exit_s + 0.2], [0.0, 0.0, 3.0]), exit_s


def write_csv(path: Path, rate_hz: float = 1000.0, separator: str = ",", **extra: FloatArray) -> Path:
    """Columns t, f, d, v (the force in volts) and those of `extra`."""
    time_s, force_n, depth_mm, _ = push_and_pop(rate_hz)
    columns = {"t": time_s, "f": force_n, "d": depth_mm, "v": VOLTS_AT_REST + VOLTS_PER_N * force_n, **extra}
    rows = [separator.join(columns)]
    rows += [separator.join(f"{value:.8g}" for value in row) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def edit_line(path: Path, line: int, text: str | None) -> Path:
    """Replaces that line (from 1), or takes it out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line - 1 : line] = [] if text is None else [text]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
