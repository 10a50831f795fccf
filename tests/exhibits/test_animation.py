"""The sliding windows: what they show, frame by frame, and how they move and stand still."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from convnets.exhibits.animation import CELL, SECONDS
from convnets.exhibits.layer_figures import ANIMATIONS, BLUE, GREEN, IMAGE, KERNEL, ORANGE, animated

SVG = "{http://www.w3.org/2000/svg}"
PLACES = dict.fromkeys(ANIMATIONS, 9) | {"figure_02": 25}


def drawing(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(animated(name))


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
    assert re.findall(r"animation:(\w+)", style) == [f"{name}", "none"]
    assert f"{SECONDS * PLACES[name]:.1f}s" in style
    assert f"0%{{visibility:visible}}{100 / PLACES[name]:.4g}%" in style


@pytest.mark.parametrize("name", ANIMATIONS)
def test_it_is_described_and_its_rules_are_its_own(name: str) -> None:
    root = drawing(name)
    assert root.findtext(f"{SVG}title")
    assert len(root.findtext(f"{SVG}desc", "")) > 40
    rules = re.findall(r"(?:^|[}{])([^{}@%]+)\{", root.findtext(f"{SVG}style", ""))
    own = (f"#{root.get('id')} ", f"#{root.get('id')}:has(")
    assert all(rule.startswith(own) for rule in rules if rule.strip())


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
    assert ORANGE.lower() in animated("figure_03")


def test_dilated_kernels_slide_over_all_of_their_inputs() -> None:
    for panel, dilation in enumerate((1, 2, 4)):
        met = [shaded(frame, panel, BLUE) for frame in frames("figure_07")]
        assert all(len(cells) == 9 for cells in met)
        first, last = min(met[0]), max(met[-1])
        assert (first, last) == ((0, 0), (2 * dilation + 2, 2 * dilation + 2))
        rows = sorted({row for row, _ in met[0]})
        assert np.diff(rows).tolist() == [dilation, dilation]


def shown(frame: ElementTree.Element, panel: int) -> np.ndarray:
    """The numbers of the marked cells of a panel, NaN elsewhere."""
    group = frame.findall(f"{SVG}g")[panel]
    found = np.full((9, 9), np.nan)
    for text in group.iter(f"{SVG}text"):
        x, y = float(text.get("x", "")), float(text.get("y", ""))
        found[int(y) // CELL, int(x) // CELL] = float(text.text or "nan")
    return found


def test_im2col_fills_a_column_from_each_window() -> None:
    for index, frame in enumerate(frames("figure_04")):
        row, column = divmod(index, 3)
        window = IMAGE[0, 0, row : row + 3, column : column + 3]
        assert shown(frame, 1)[:, index].tolist() == window.ravel().tolist()
        assert not np.isnan(shown(frame, 1)[:, : index + 1]).any()
        assert np.isnan(shown(frame, 1)[:, index + 1 :]).all()
        assert shaded(frame, 0, BLUE) == {(row + u, column + v) for u in range(3) for v in range(3)}
        assert shaded(frame, 1, BLUE) == {(element, index) for element in range(9)}


def test_col2im_adds_up_what_im2col_copied() -> None:
    sums = np.zeros((5, 5))
    for index, frame in enumerate(frames("columns_back")):
        row, column = divmod(index, 3)
        window = np.s_[row : row + 3, column : column + 3]
        sums[window] += IMAGE[0, 0][window]
        np.testing.assert_array_equal(np.nan_to_num(shown(frame, 1)[:5, :5]), sums)
        assert shaded(frame, 0, BLUE) == {(element, index) for element in range(9)}
    np.testing.assert_array_equal(sums, IMAGE[0, 0] * np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]))


STEPS = """<pre></pre><script>
const own = (name, part) => document.querySelector(`#${name}-animated ${part}`);
const visible = () => [...document.querySelectorAll("#figure_04-animated .frame")].flatMap(
    (e, i) => getComputedStyle(e).visibility == "visible" ? [i] : []);
const seen = [];
const step = part => { own("figure_04", part).click(); seen.push(visible()); };
step("#figure_04-step-2");
step(".f2 [title='Next step']");
step(".f3 [title='Previous step']");
const names = document.getAnimations().map(a => a.animationName);
const play = getComputedStyle(own("figure_04", ".f2 .play")).visibility;
const box = own("figure_04", ".f2 [title='Next step']").getBoundingClientRect();
const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).title;
document.querySelector("pre").textContent = JSON.stringify(
    [seen, names.includes("figure_01-animated"), names.includes("figure_04-animated"), play, hit]);
</script>"""


@pytest.mark.browser
def test_a_step_can_be_chosen_while_other_drawings_play(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("chromium is not installed")
    slides = [animated(name) for name in ("figure_04", "figure_01")]
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html>{''.join(slides)}{STEPS}", encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    result = re.findall(r"<pre>(.*?)</pre>", done.stdout)[0]
    assert json.loads(result) == [[[2], [3], [2]], True, False, "visible", "Next step"]


@pytest.mark.parametrize("name", ANIMATIONS)
def test_a_published_animation_is_the_one_that_pages_draw(name: str) -> None:
    file = Path(f"results/published/reference/figures/{name}_animated.svg")
    texts = (file.read_text(encoding="utf-8"), animated(name))
    published, drawn = ([line for line in text.splitlines() if line] for text in texts)
    assert published == drawn
