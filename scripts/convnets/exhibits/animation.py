"""Animated drawings of sliding windows: SVG that plays by itself and has buttons to step.

Each frame has a radio button, for the keyboard, and arrows that choose the frames before and
after it. The drawing's own style sheet shows the chosen frame, so a page needs no script. Nothing
plays in print, nor if the reader's system asks for reduced motion. `report/texts/animation.svg`
draws it.
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
    """The animation as an SVG file, or as part of a page in which `name` is unique.

    Each frame is a group that is visible for its share of the time, or while it is chosen. If
    nothing plays and no frame is chosen, the frame of the class `still` is visible.
    """
    words = {"name": name, "title": title, "description": description}
    template = text_environment().get_template("animation.svg")
    return template.render(animation._asdict() | words, cell=CELL, seconds=SECONDS)
