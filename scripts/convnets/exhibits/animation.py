"""Animated drawings of sliding windows: SVG that plays by itself and has buttons to step.

Each frame has a radio button, for the keyboard, and arrows that choose the frames before and
after it. The drawing's own style sheet shows the chosen frame, so a page needs no script. Nothing
plays in print, nor if the reader's system asks for reduced motion.
"""

from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

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
    """A grid of numbers, some of them shaded in each frame."""

    title: str
    values: np.ndarray
    """(rows, columns), drawn as numbers, without NaN."""
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
    """Size of titles and remarks in units of the drawing, larger for wide drawings."""


def animated_svg(name: str, animation: Animation) -> str:
    """The animation as an SVG file, or as part of a page in which `name` is unique.

    Each frame is a group that is visible for its share of the time, or while it is chosen. If
    nothing plays and no frame is chosen, the frame of the class `still` is visible.
    """
    size, panels, number = animation.text_size, animation.panels, len(animation.remarks)
    top, line = 2 * size, 1.5 * size
    widths = [CELL * (panel.values.shape[1] + 1) for panel in panels]
    places = [(CELL / 2 + sum(widths[:index]), top) for index in range(len(panels))]
    bottom = top + CELL * max(len(panel.values) for panel in panels)
    foot = bottom + line * (len(animation.remarks[0].splitlines()) + 1)
    play = f'<input type="radio" name="{name}-step" id="{name}-play" checked="" aria-label="Play"/>'
    frames, steps = [], [play]
    for index, remark in enumerate(animation.remarks):
        content = [_moved(_marks(p, index), at) for p, at in zip(panels, places, strict=True)]
        content.append(_moved(_lines(remark, line), (sum(widths) / 2, bottom)))
        content.append(_arrows(name, index, number, (sum(widths), foot, line)))
        classes = f"frame f{index}" + " still" * (index == animation.still)
        # A negative delay: as if it had begun before the page was opened.
        delay = SECONDS * (index - number)
        frames.append(
            f'<g class="{classes}" style="animation-delay:{delay:.1f}s">{"".join(content)}</g>'
        )
        steps.append(
            f'<input type="radio" name="{name}-step" id="{name}-step-{index}" '
            f'aria-label="Step {index + 1} of {number}"/>'
        )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="slide" id="{name}-animated" role="group" '
        f'viewBox="0 0 {sum(widths)} {foot + 2 * line:g}">',
        f"<title>{escape(animation.title)}</title>",
        f"<desc>{escape(animation.description)}</desc>",
        f"<style>{_style(f'{name}-animated', size, number)}{_choices(name, number)}</style>",
        *(_moved(_grid(panel, size), at) for panel, at in zip(panels, places, strict=True)),
        _html("".join(steps), (0, foot, 1, 1), "steps"),
        *frames,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _arrows(name: str, index: int, number: int, place: tuple[float, float, float]) -> str:
    """Buttons to the frames before and after one, at the `place` (width, top, line height)."""
    width, top, line = place
    labels = [
        f'<label for="{name}-step-{(index + step) % number}" title="{title}">{arrow}</label>'
        for step, title, arrow in ((-1, "Previous step", "‹"), (1, "Next step", "›"))
    ]
    play = f'<label class="play" for="{name}-play">play</label>'
    content = f"{labels[0]} step {index + 1} of {number} {labels[1]} {play}"
    return _html(content, (0, top, width, 2 * line), "arrows")


def _html(content: str, box: tuple[float, float, float, float], style: str) -> str:
    """HTML at a box (x, y, width, height) of the drawing."""
    x, y, width, height = (f"{number:g}" for number in box)
    return (
        f'<foreignObject x="{x}" y="{y}" width="{width}" height="{height}"><div '
        f'xmlns="http://www.w3.org/1999/xhtml" class="{style}">{content}</div></foreignObject>'
    )


def _moved(content: str, place: tuple[float, float]) -> str:
    return f'<g transform="translate({place[0]:g} {place[1]:g})">{content}</g>'


def _grid(panel: Panel, text_size: int) -> str:
    """The part that is the same in all frames: title, cells and numbers."""
    rows, columns = panel.values.shape
    p = panel.padding
    parts = [_text(columns * CELL / 2, -0.7 * text_size, panel.title, "title")]
    for row, column in np.ndindex(rows, columns):
        inside = p <= row < rows - p and p <= column < columns - p
        parts.append(_cell((row, column), panel.colour if inside else "white"))
        parts.append(_number(panel, (row, column)))
    return "".join(parts)


def _marks(panel: Panel, index: int) -> str:
    """The shaded cells of one frame, with their numbers, which the shade would hide."""
    parts = []
    for mark in panel.frames[index]:
        row, column = mark.place
        number = _number(panel, mark.place, mark.value)
        parts += [_cell(mark.place, mark.colour), number]
        parts.append(_text((column + 0.93) * CELL, (row + 0.92) * CELL, mark.note, "note"))
    framed = [_cell(mark.place, "none", "framed") for mark in panel.frames[index] if mark.framed]
    return "".join([*parts, *framed])


def _cell(place: Place, colour: str, style: str = "cell") -> str:
    row, column = place
    return (
        f'<rect class="{style}" x="{column * CELL}" y="{row * CELL}" width="{CELL}" '
        f'height="{CELL}" fill="{colour}"/>'
    )


def _number(panel: Panel, place: Place, value: float | None = None) -> str:
    value = panel.values[place] if value is None else value
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
        ".steps input": "position:absolute;opacity:0",
        ".arrows": f"font:{text_size}px/1.8 'DejaVu Sans',Verdana,sans-serif;color:#1c1e21;"
        "text-align:center;white-space:nowrap",
        ".arrows label": "cursor:pointer;padding:.1em .7em;border:1px solid #888;"
        "border-radius:.3em",
        ".play": "visibility:hidden",
    }
    move = f"animation:{name} {SECONDS * number:.1f}s step-end infinite"
    return (
        "".join(f"#{name} {selector}{{{rule}}}" for selector, rule in rules.items())
        + f"@media screen and (prefers-reduced-motion:no-preference){{#{name} .frame{{{move}}}}}"
        + f"@keyframes {name}{{0%{{visibility:visible}}{100 / number:.4g}%,100%"
        "{visibility:hidden}}"
    )


def _choices(name: str, number: int) -> str:
    """The rules that hold the drawing at the chosen frame and show which part has the focus."""
    chosen = f"#{name}-animated:has([id^={name}-step]:checked)"
    shown = (
        f"#{name}-animated:has(#{name}-step-{index}:checked) .f{index}{{visibility:visible}}"
        for index in range(number)
    )
    return (
        f"{chosen} .frame{{animation:none;visibility:hidden}}{''.join(shown)}"
        f"@media (prefers-reduced-motion:no-preference){{{chosen} .play{{visibility:inherit}}}}"
        f"#{name}-animated:has(:focus-visible){{outline:2px solid #0b5cad}}"
    )
