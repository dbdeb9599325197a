"""Draws the pictures of README.md: `make pictures`. Simulated attempts of seed 3, through the whole chain."""

import tempfile
from pathlib import Path

from popsense.attempts.evaluate import geometry_of
from popsense.attempts.simulated import run_simulated
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.reports.trace_svg import trace_svg
from popsense.settings import Settings

FOLDER = Path(__file__).parents[1] / "host" / "pictures"

with tempfile.TemporaryDirectory() as scratch:
    for operator in ("expert", "plunger"):
        attempt = run_simulated(ADULT_PROXIMAL_TIBIA, operator, 3, Path(scratch), Settings())
        result = attempt.evaluation
        picture = trace_svg(result.trace, result.analysis, geometry_of(result.site))
        (FOLDER / f"{operator}.svg").write_text(picture, encoding="utf-8")
        print(FOLDER.name, f"{operator}.svg")
