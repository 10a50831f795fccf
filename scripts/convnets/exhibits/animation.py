"""Drawings that show how windows slide, frame by frame: SVG that moves by itself.

A drawing stands still in print, and for readers whose system asks for reduced motion.
"""

from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

CELL = 40
"""Width of a cell, in units of the drawing."""
SECONDS = 1.2
"""For which a frame stands."""
Place = tuple[int, int]
"""Row and column of a cell."""


class Mark(NamedTuple):
    """A cell that is shaded for the time of a frame."""

    place: Place
    colour: str
    note: str = ""
    """Small, in its corner."""
    framed: bool = False


class Panel(NamedTuple):
    """A grid of numbers, some of them shaded in each frame."""

    title: str
    values: np.ndarray
    """(rows, columns), drawn as numbers; NaN is not."""
    colour: str
    frames: list[list[Mark]]
    padding: int = 0
    """Rows and columns at each edge that are white."""


class Animation(NamedTuple):
    """Panels side by side, and a text of one or more lines for each frame."""

    title: str
    description: str
    panels: list[Panel]
    remarks: list[str]
    still: int
    """The frame that is shown where nothing moves."""
    text_size: int = 15
    """Of titles and remarks, in units of the drawing: more for a wide one."""


def animated_svg(name: str, animation: Animation) -> str:
    """The animation as a file, or as part of a page, where `name` tells it from others.

    Each frame is a group that is seen for its share of the time. Only on a screen, and only if
    reduced motion is not asked for; otherwise the frame of the class `still` is seen.
    """
    size, panels, number = animation.text_size, animation.panels, len(animation.remarks)
    top, line = 2 * size, 1.5 * size
    widths = [CELL * (panel.values.shape[1] + 1) for panel in panels]
    places = [(CELL / 2 + sum(widths[:index]), top) for index in range(len(panels))]
    bottom = top + CELL * max(len(panel.values) for panel in panels)
    lines = len(animation.remarks[0].splitlines())
    frames = []
    for index, remark in enumerate(animation.remarks):
        content = [_moved(_marks(p, index), at) for p, at in zip(panels, places, strict=True)]
        content.append(_moved(_lines(remark, line), (sum(widths) / 2, bottom)))
        classes = "frame still" if index == animation.still else "frame"
        # A negative delay: as if it had begun before the page was opened.
        delay = SECONDS * (index - number)
        frames.append(
            f'<g class="{classes}" style="animation-delay:{delay:.1f}s">{"".join(content)}</g>'
        )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="slide" id="{name}-animated" role="img" '
        f'viewBox="0 0 {sum(widths)} {bottom + line * (lines + 1):g}">',
        f"<title>{escape(animation.title)}</title>",
        f"<desc>{escape(animation.description)}</desc>",
        f"<style>{_style(f'{name}-animated', size, number)}</style>",
        *(_moved(_grid(panel, size), at) for panel, at in zip(panels, places, strict=True)),
        *frames,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _moved(content: str, place: tuple[float, float]) -> str:
    return f'<g transform="translate({place[0]:g} {place[1]:g})">{content}</g>'


def _grid(panel: Panel, text_size: int) -> str:
    """What stays: title, cells and numbers."""
    rows, columns = panel.values.shape
    p = panel.padding
    parts = [_text(columns * CELL / 2, -0.7 * text_size, panel.title, "title")]
    for row, column in np.ndindex(rows, columns):
        inside = p <= row < rows - p and p <= column < columns - p
        parts.append(_cell((row, column), panel.colour if inside else "white"))
        parts.append(_number(panel, (row, column)))
    return "".join(parts)


def _marks(panel: Panel, index: int) -> str:
    """What one frame shades, with its numbers again, which the shade would hide."""
    parts = []
    for mark in panel.frames[index]:
        row, column = mark.place
        parts += [_cell(mark.place, mark.colour), _number(panel, mark.place)]
        parts.append(_text((column + 0.93) * CELL, (row + 0.92) * CELL, mark.note, "note"))
    framed = [_cell(mark.place, "none", "framed") for mark in panel.frames[index] if mark.framed]
    return "".join([*parts, *framed])


def _cell(place: Place, colour: str, style: str = "cell") -> str:
    row, column = place
    return (
        f'<rect class="{style}" x="{column * CELL}" y="{row * CELL}" width="{CELL}" '
        f'height="{CELL}" fill="{colour}"/>'
    )


def _number(panel: Panel, place: Place) -> str:
    value = panel.values[place]
    row, column = place
    number = "" if np.isnan(value) else f"{value:.0f}"
    return _text((column + 0.5) * CELL, (row + 0.62) * CELL, number, "number")


def _lines(text: str, height: float) -> str:
    lines = enumerate(text.splitlines(), start=1)
    return "".join(_text(0, height * number, line, "remark") for number, line in lines)


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>' if text else ""


def _style(name: str, text_size: int, number: int) -> str:
    """The look; rules name the drawing, so that several fit on a page."""
    rules = {
        "text": "font-family:'DejaVu Sans',Verdana,sans-serif;text-anchor:middle;fill:#1c1e21;"
        f"font-size:{text_size}px",
        ".note": "font-size:10px;text-anchor:end",
        ".cell": "stroke:#666;stroke-width:1",
        ".framed": "stroke:#d55e00;stroke-width:4",
        ".frame": "visibility:hidden",
        ".still": "visibility:visible",
    }
    move = f"animation:{name} {SECONDS * number:.1f}s step-end infinite"
    return (
        "".join(f"#{name} {selector}{{{rule}}}" for selector, rule in rules.items())
        + f"@media screen and (prefers-reduced-motion:no-preference){{#{name} .frame{{{move}}}}}"
        + f"@keyframes {name}{{0%{{visibility:visible}}{100 / number:.4g}%,100%"
        "{visibility:hidden}}"
    )
