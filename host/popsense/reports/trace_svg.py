"""The drawn attempt: the whole of it, and the moment of the breakthrough larger, as SVG of our own."""

from collections.abc import Sequence
from html import escape

from popsense.analysis import Geometry
from popsense.model import Analysis, Phase, Trace
from popsense.reports.chart import WIDTH, Channel, Chart, Level, draw_chart
from popsense.reports.integrity_wording import missing_lines
from popsense.reports.marks import DEFINITIONS, text

CLOSE_UP_MARGIN_S = 0.3
LEAST_SAMPLES = 2
MOST_DESCRIBED = 3  # holes, in words: a listener wants to come to the end


def trace_svg(trace: Trace, analysis: Analysis, geometry: Geometry | None = None) -> str:
    """All charts as one <svg> element; geometry adds the bevel and the far cortex as levels."""
    return _together(_charts(trace, analysis, geometry), analysis)


def trace_svgs(trace: Trace, analysis: Analysis, geometry: Geometry | None = None) -> list[str]:
    """Each chart as an <svg> of its own, so that a printed page can end between them."""
    charts = _charts(trace, analysis, geometry)
    if not charts:
        return [_together(charts, analysis)]
    return [_together([chart], analysis, number) for number, chart in enumerate(charts, 1)]


def _together(charts: Sequence[Chart], analysis: Analysis, number: int = 1) -> str:
    """The charts one under the other; a line of words where there is none."""
    if not charts:
        return _wrap(text(20, 30, "No samples to draw."), 60, "Trace of the attempt", "There is no trace.", 1)
    body, bottom = "", 0.0
    for chart in charts:
        drawn, bottom = draw_chart(chart, bottom)
        body += drawn
    title = f"Trace of the attempt: {' and '.join(chart.title.lower() for chart in charts)}"
    return _wrap(body, bottom, title, _description(charts[0].trace, analysis), number)


def _charts(trace: Trace, analysis: Analysis, geometry: Geometry | None) -> list[Chart]:
    if trace.time_s.size < LEAST_SAMPLES:
        return []
    levels = (
        ()
        if geometry is None
        else (Level("bevel", geometry.bevel_mm), Level("far cortex", geometry.cavity_mm))
    )
    force = Channel("force", "N", trace.force_n, 10.0)
    depth = Channel("protrusion", "mm", trace.protrusion_mm, 4.0, levels)
    pressure = Channel("pressure", "kPa", trace.pressure_kpa, 10.0)
    start_s, end_s = float(trace.time_s[0]), float(trace.time_s[-1])
    whole = Chart("Whole attempt", trace, analysis, (force, depth, pressure), start_s, end_s)
    moment = _breakthrough(analysis.phases)
    if moment is None:
        return [whole]
    near = (max(start_s, moment.start_s - CLOSE_UP_MARGIN_S), min(end_s, moment.end_s + CLOSE_UP_MARGIN_S))
    return [
        whole,
        Chart(
            "The breakthrough and what came after the pop, enlarged", trace, analysis, (force, depth), *near
        ),
    ]


def _breakthrough(phases: tuple[Phase, ...]) -> Phase | None:
    """Breakthrough and stop as one stretch; None where there was none."""
    parts = [phase for phase in phases if phase.name in ("breakthrough", "after the pop")]
    return Phase("breakthrough", parts[0].start_s, parts[-1].end_s) if parts else None


def _description(trace: Trace, analysis: Analysis) -> str:
    """The chart in words, for those who do not see it."""
    phases = ", ".join(
        f"{phase.name} from {phase.start_s:.2f} to {phase.end_s:.2f} s" for phase in analysis.phases
    )
    missing = f" {'; '.join(missing_lines(trace, MOST_DESCRIBED)).capitalize()}." if trace.holes else ""
    cut = f" Unknown from {trace.time_s[-1]:.2f} s on." if trace.cut_off and trace.time_s.size else ""
    return f"Force, protrusion and pressure against time. Phases: {phases or 'none found'}.{missing}{cut}"


def _wrap(body: str, height: float, title: str, description: str, number: int) -> str:
    """The element with its title and description; hatching is defined in the first of a page only."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-labelledby="trace-title-{number} trace-description-{number}" '
        f'font-family="system-ui, sans-serif"><title id="trace-title-{number}">{escape(title)}</title>'
        f'<desc id="trace-description-{number}">{escape(description)}</desc>'
        f"{DEFINITIONS if number == 1 else ''}{body}</svg>"
    )
