"""SVG elements as text, and the looks of the chart.

Colours after Okabe and Ito, darkened for text: told apart without telling red from green.
"""

from html import escape

import numpy as np

from popsense.model import FloatArray

INK, GRID, PAPER = "#333333", "#dddddd", "#ffffff"
CHANNEL_COLOURS = {"force": "#0072b2", "protrusion": "#b34700", "pressure": "#00704f"}
BOARD_COLOUR, BOARD_DASH = "#8a3b78", "5 3"  # events that the board alone found
UNSURE_DASH = "2 4"  # events found across a hole
HATCH, REPAIRED_COLOUR, GAP_COLOUR = "url(#hatch)", "#5b8a9a", INK  # what is missing, late, or a gap in time
UNKNOWN = "url(#unknown)"  # what came behind a cut end
PHASE_COLOURS = {
    "approach": "#f1f1f1",
    "penetration": "#e2ecf6",
    "breakthrough": "#f9dcc4",
    "after the pop": "#fdf3c4",
    "needle in place": "#e4f2e9",
    "removal": "#efe4f0",
}
HALO = f' stroke="{PAPER}" stroke-width="3" paint-order="stroke" stroke-linejoin="round"'
DEFINITIONS = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="7" height="7" fill="#ffffff"/>'
    '<line x1="0" y1="0" x2="0" y2="7" stroke="#777777" stroke-width="3"/></pattern>'
    '<pattern id="unknown" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" '
    'fill="#ffffff"/><circle cx="2.5" cy="2.5" r="1.2" fill="#555555"/></pattern></defs>'
)


def text(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    colour: str = INK,
    size: int = 11,
    halo: bool = False,
) -> str:
    """Words with their base line at y; a halo keeps lines out of them."""
    looks = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"' + HALO * halo
    return f'<text x="{x:.1f}" y="{y:.1f}" {looks}>{escape(words)}</text>'


def line(
    x1: float, y1: float, x2: float, y2: float, colour: str = GRID, dash: str = "", kind: str = ""
) -> str:
    """A straight line one pixel wide; kind becomes its class."""
    extra = (f' stroke-dasharray="{dash}"' if dash else "") + (f' class="{kind}"' if kind else "")
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{extra}/>'


def box(x: float, y: float, width: float, height: float, fill: str, kind: str) -> str:
    """A filled rectangle, at least a pixel and a half wide so that nothing short vanishes."""
    size = f'width="{max(width, 1.5):.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{fill}" class="{kind}"/>'


def polyline(x: FloatArray, y: FloatArray, colour: str) -> str:
    """A line through the points, shape (k,) each; nothing for no points."""
    if x.size == 0:
        return ""
    points = " ".join(f"{px:.1f},{py:.1f}" for px, py in np.column_stack((x, y)).tolist())
    looks = f'fill="none" stroke="{colour}" stroke-width="1.3" stroke-linejoin="round"'
    return f'<polyline points="{points}" {looks}/>'
