"""Animated drawings of sliding windows: SVG that plays by itself and has buttons to step.

`report/texts/animation.svg` draws them. Radio buttons and arrows choose the frame that its style
sheet shows, so a page needs no script. Nothing plays in print, or if reduced motion is asked for.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from convnets.core.templates import text_environment

CELL = 40
"""Width of a cell, in units of the drawing."""
SECONDS = 1.2
"""Duration of a frame."""
Place = tuple[int, int]
"""Row and column of a cell."""


class Mark(NamedTuple):
    """A cell that is shaded during a frame."""

    place: Place
    colour: str
    note: str = ""
    """Small text in the corner."""
    framed: bool = False
    value: float | None = None
    """Number to show in place of the panel's."""


class Panel(NamedTuple):
    """A grid of numbers, some of which each frame shades."""

    title: str
    values: np.ndarray
    """(rows, columns), drawn as numbers; NaN leaves a cell empty."""
    colour: str
    frames: Sequence[list[Mark]] = ()
    """The shaded cells of each frame; empty if no frame shades any."""
    padding: int = 0
    """Rows and columns at each edge that are white."""

    def cells(self) -> Iterator[tuple[Place, float, str]]:
        """Each place with its number, and the colour that it has while it is not shaded."""
        for place, value in np.ndenumerate(self.values):
            sides = zip(place, self.values.shape, strict=True)
            inside = all(self.padding <= at < size - self.padding for at, size in sides)
            yield place, value, self.colour if inside else "white"


class Animation(NamedTuple):
    """Panels side by side, and a caption of one or more lines for each frame."""

    panels: list[Panel]
    captions: list[str]
    still: int
    """The frame that is shown where nothing moves."""
    size: int = 15
    """Size of titles and captions in units of the drawing, larger for wide drawings."""


def animated_svg(name: str, animation: Animation, title: str, description: str) -> str:
    """The animation as an SVG file, or as part of a page in which `name` is unique."""
    words = {"name": name, "title": title, "description": description}
    template = text_environment().get_template("animation.svg")
    return template.render(animation._asdict() | words, cell=CELL, seconds=SECONDS)
