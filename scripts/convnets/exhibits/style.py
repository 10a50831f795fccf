"""The style of all figures, and their files."""

import io
import textwrap
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from convnets.core.files import atomic_write, write_text

WIDTH = 5.2
"""Width of a figure in inches. With `FONT_SIZE` it is legible in a column and on a phone."""
FONT_SIZE = 10
SMALL = 8
"""Size of the text below a figure, in points."""
CONTRAST = 4.5
"""Least contrast of text (WCAG 2.2, level AA). Pages show figures on white, in dark mode too."""
CURVES: tuple[tuple[Any, str], ...] = (
    ("-", "full"),
    ((0, (5, 1.5)), "left"),
    ((0, (1, 1)), "top"),
    ((0, (5, 1, 1, 1)), "bottom"),
    ((0, (8, 3)), "right"),
)
"""Line and filling of the marks of the first, second, ... curve of a method in a figure."""


def contrast(one: Any, other: Any) -> float:
    """Contrast ratio of two colours (WCAG 2.2): from 1, the same, to 21, black on white."""
    parts = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    dark, light = sorted(linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    return float(light / dark)


def text_colour(colour: Any) -> str:
    """The colour for text on white: darkened until its contrast is `CONTRAST`."""
    while contrast(colour, "white") < CONTRAST:
        colour = to_hex([0.97 * part for part in to_rgb(colour)])  # type: ignore[arg-type]
    return str(colour)


def ink(background: Any) -> str:
    """Black or white, whichever is easier to read on a background."""
    return max("black", "white", key=lambda text: contrast(text, background))


def spread_apart(places: Any, distance: float, low: float, high: float) -> np.ndarray:
    """The positions nearest to `places`, in their order, that are `distance` apart.

    They are between `low` and `high` if there is room for all.
    """
    order = np.argsort(places, kind="stable")
    steps = distance * np.arange(len(order))
    moved = isotonic_regression(np.asarray(places, float)[order] - steps).x
    apart = np.empty(len(order))
    apart[order] = np.clip(moved, low, max(high - steps[-1], low)) + steps
    return apart


def plain(text: str) -> str:
    """`text` as matplotlib shows it unchanged: a dollar begins no formula."""
    return text.replace("$", r"\$")


def use_style() -> None:
    """Set the style of all further figures of this process."""
    sizes = dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), FONT_SIZE)
    sizes |= dict.fromkeys(("legend.fontsize", "xtick.labelsize", "ytick.labelsize"), FONT_SIZE - 1)
    colours = {"axes.edgecolor": "0.4", "grid.color": "0.9"}
    # with a fixed salt the same figure gives the same file
    files = {"savefig.dpi": 200, "svg.hashsalt": "convnets"}
    sns.set_theme(style="whitegrid", font="DejaVu Sans", rc=sizes | colours | files)


def add_footnote(drawing: Figure, text: str) -> None:
    """Write a footnote below the drawing."""
    lines = "\n".join(textwrap.wrap(text, 88))
    drawing.text(0.01, -0.005, plain(lines), va="top", fontsize=SMALL, color="0.3")


def save_figure(figure: Figure, prefix: str, title: str, description: str) -> None:
    """Write `PREFIX.svg` and `PREFIX.png`."""
    write_text(f"{prefix}.svg", svg_text(figure, title, description))
    figure.set_layout_engine("none")  # keep the layout of the SVG file, which took most of the time
    with atomic_write(f"{prefix}.png") as file:
        figure.savefig(file, format="png", bbox_inches="tight")


def svg_text(figure: Figure, title: str, description: str) -> str:
    """The figure as SVG that carries title and description: a screen reader speaks them."""
    svg = io.StringIO()
    figure.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None})
    start, rest = svg.getvalue().split("<metadata>", 1)
    about = f"<title>{escape(title)}</title>\n <desc>{escape(description)}</desc>\n "
    return start.replace("<svg ", '<svg role="img" ', 1) + about + "<metadata>" + rest
