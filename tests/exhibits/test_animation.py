"""The sliding windows: what they show, frame by frame, and how they move and stand still."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from convnets.exhibits.animation import CELL, SECONDS, animated_svg
from convnets.exhibits.layer_animations import ANIMATIONS
from convnets.exhibits.layer_figures import BLUE, GREEN, IMAGE, KERNEL, ORANGE

SVG = "{http://www.w3.org/2000/svg}"
PLACES = {"figure_01": 9, "figure_02": 25, "figure_03": 9, "figure_07": 9}


def drawing(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(animated_svg(name, ANIMATIONS[name]()))


def frames(name: str) -> list[ElementTree.Element]:
    groups = drawing(name).iter(f"{SVG}g")
    return [group for group in groups if "frame" in group.get("class", "").split()]


def shaded(frame: ElementTree.Element, panel: int, colour: str) -> set[tuple[int, int]]:
    """Row and column of the cells of a colour in one panel."""
    cells = frame.findall(f"{SVG}g")[panel].findall(f"{SVG}rect")
    return {
        (int(cell.get("y", "")) // CELL, int(cell.get("x", "")) // CELL)
        for cell in cells
        if cell.get("fill") == colour
    }


@pytest.mark.parametrize("name", ANIMATIONS)
def test_there_is_a_frame_for_each_place_and_one_stands_still(name: str) -> None:
    found = frames(name)
    assert len(found) == PLACES[name]
    assert len([frame for frame in found if "still" in frame.get("class", "").split()]) == 1
    delays = [
        float(re.findall(r"animation-delay:(-[\d.]+)s", frame.get("style", ""))[0])
        for frame in found
    ]
    np.testing.assert_allclose(np.diff(delays), SECONDS, atol=0.01)
    assert delays[0] == pytest.approx(-SECONDS * len(found))


@pytest.mark.parametrize("name", ANIMATIONS)
def test_it_moves_only_on_a_screen_that_wants_motion(name: str) -> None:
    style = drawing(name).findtext(f"{SVG}style", "")
    (motion,) = re.findall(r"@media ([^{]*)\{[^{]*\{animation:", style)
    assert motion == "screen and (prefers-reduced-motion:no-preference)"
    assert style.count("animation:") == 1
    assert f"{SECONDS * PLACES[name]:.1f}s" in style
    assert f"0%{{visibility:visible}}{100 / PLACES[name]:.4g}%" in style


@pytest.mark.parametrize("name", ANIMATIONS)
def test_it_is_described_and_its_rules_are_its_own(name: str) -> None:
    root = drawing(name)
    assert root.findtext(f"{SVG}title")
    assert len(root.findtext(f"{SVG}desc", "")) > 40
    rules = re.findall(r"(?:^|[}{])([^{}@%]+)\{", root.findtext(f"{SVG}style", ""))
    assert all(rule.startswith(f"#{root.get('id')} ") for rule in rules if rule.strip())


@pytest.mark.parametrize(("name", "padding"), [("figure_01", 0), ("figure_02", 1)])
def test_each_frame_of_a_convolution_is_equation_1(name: str, padding: int) -> None:
    padded = np.pad(IMAGE[0, 0], padding)
    size = len(padded) - 2
    for index, frame in enumerate(frames(name)):
        row, column = divmod(index, size)
        window = {(row + u, column + v) for u in range(3) for v in range(3)}
        assert shaded(frame, 0, BLUE) == window
        assert shaded(frame, 1, GREEN) == {(row, column)}
        total = (padded[row : row + 3, column : column + 3] * KERNEL[0, 0]).sum()
        lines = [text.text or "" for text in frame.findall(f"{SVG}g")[2]]
        assert " ".join(lines).endswith(f"= {total:.0f}")
        products = re.findall(r"(\d+)·(\d+)", " ".join(lines))
        assert sum(int(x) * int(w) for x, w in products) == total


def test_each_frame_of_max_pooling_frames_its_maximum() -> None:
    for frame in frames("figure_03"):
        panel = frame.findall(f"{SVG}g")[0]
        (framed,) = (cell for cell in panel.iter(f"{SVG}rect") if cell.get("class") == "framed")
        maximum = int(framed.get("y", "")) // CELL, int(framed.get("x", "")) // CELL
        window = shaded(frame, 0, BLUE)
        assert maximum in window
        assert IMAGE[0, 0, *maximum] == max(IMAGE[0, 0, *cell] for cell in window)
    assert ORANGE.lower() in animated_svg("figure_03", ANIMATIONS["figure_03"]())


def test_dilated_kernels_slide_over_all_of_their_inputs() -> None:
    for panel, dilation in enumerate((1, 2, 4)):
        met = [shaded(frame, panel, BLUE) for frame in frames("figure_07")]
        assert all(len(cells) == 9 for cells in met)
        first, last = min(met[0]), max(met[-1])
        assert (first, last) == ((0, 0), (2 * dilation + 2, 2 * dilation + 2))
        rows = sorted({row for row, _ in met[0]})
        assert np.diff(rows).tolist() == [dilation, dilation]
