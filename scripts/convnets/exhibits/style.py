"""How figures look and how they are written: one style for all of them."""

import io
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape

import matplotlib
import seaborn as sns
from matplotlib.figure import Figure

from convnets.core.files import atomic_write, write_text

WIDTH = 5.2
"""Width of a figure in inches. With `FONT_SIZE` it is legible in a column and on a phone."""
FONT_SIZE = 10
SMALL = 8
"""Size of the remarks below a figure, in points."""


class Look(NamedTuple):
    """How the curves of one method look in every figure."""

    colour: str
    marker: str


LOOKS = {
    "fully_connected": Look("#000000", "X"),
    "no_pooling": Look("#E69F00", "P"),
    "stride": Look("#56B4E9", "v"),
    "dilation": Look("#009E73", "D"),
    "max_pool": Look("#0072B2", "^"),
    "avg_pool": Look("#D55E00", "o"),
    "max_avg_pool": Look("#CC79A7", "s"),
    "mix_pool": Look("#999999", "*"),
}
"""Colours of Okabe and Ito, which the colour-blind can tell apart; markers for greyscale."""


class CurveStyle(NamedTuple):
    """What tells curves of the same method apart within a figure."""

    line: Any
    fill: Literal["full", "none", "left", "top", "bottom"]


CURVES = (
    CurveStyle("-", "full"),
    CurveStyle((0, (5, 1.5)), "none"),
    CurveStyle((0, (1, 1)), "left"),
    CurveStyle((0, (5, 1, 1, 1)), "top"),
    CurveStyle((0, (8, 3)), "bottom"),
)
"""Line and filling of the marks of the first, second, ... curve of a method."""


def use_style() -> None:
    """Set the style for the figures that this process makes from now on."""
    sns.set_theme(style="whitegrid", font="DejaVu Sans")
    matplotlib.rcParams.update(
        {
            "font.size": FONT_SIZE,
            "axes.labelsize": FONT_SIZE,
            "axes.titlesize": FONT_SIZE,
            "legend.fontsize": FONT_SIZE - 1,
            "xtick.labelsize": FONT_SIZE - 1,
            "ytick.labelsize": FONT_SIZE - 1,
            "axes.edgecolor": "0.4",
            "grid.color": "0.9",
            "savefig.dpi": 200,
            "svg.hashsalt": "convnets",  # the same figure gives the same file
        }
    )


def save_figure(figure: Figure, prefix: str, title: str, description: str) -> None:
    """Write `PREFIX.svg` and `PREFIX.png`."""
    write_text(f"{prefix}.svg", svg_text(figure, title, description))
    with atomic_write(f"{prefix}.png") as file:
        figure.savefig(file, format="png", bbox_inches="tight")


def svg_text(figure: Figure, title: str, description: str) -> str:
    """The figure as SVG that carries title and description: a screen reader speaks them."""
    svg = io.StringIO()
    figure.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None})
    start, rest = svg.getvalue().split("<metadata>", 1)
    about = f"<title>{escape(title)}</title>\n <desc>{escape(description)}</desc>\n "
    return start.replace("<svg ", '<svg role="img" ', 1) + about + "<metadata>" + rest
