"""Report and lesson in headless Chromium, without a network, narrow and wide, light and dark."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_results
import pytest
import test_lesson
from made_results import ROOT

from convnets.core.files import write_json, write_text

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CSS = (ROOT / "report/report_template/report.css").read_text()
WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")
# What sticks out of the window without lying in a box that scrolls.
CLIPPED = """() => [...document.querySelectorAll("main *, nav.fold *")].filter(e => {
    const box = e.getBoundingClientRect();
    const apart = e.closest(".scroll, .code, .equation, pre, .skip") || !e.getClientRects().length;
    return !apart && (box.right > innerWidth + 1 || box.left < -1);
}).map(e => e.outerHTML.slice(0, 80))"""
LOST_LINKS = """() => [...document.querySelectorAll('a[href^="#"]')].map(a => a.hash.slice(1))
    .filter(id => !document.getElementById(decodeURIComponent(id)))"""
REPEATED_IDS = """() => [...document.querySelectorAll("[id]")].map(e => e.id)
    .filter((id, i, ids) => ids.indexOf(id) !== i)"""
HIDDEN_CELLS = """() => [...document.querySelectorAll("main details td")]
    .filter(e => !e.checkVisibility({contentVisibilityAuto: true})).length"""
UNNAMED = """() => [...document.querySelectorAll(
    "img:not([alt]), img[alt=''], svg:not([aria-label]):not(:has(> title)),"
    + ".scroll:not([aria-label]), .exhibit:not([aria-labelledby])"
)].map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module", params=["report", "lesson"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page."""
    results = test_lesson.make_results(tmp_path_factory.mktemp("browser") / "trial")
    if request.param == "lesson":
        test_lesson.render(results)
    else:
        made_results.make_results(results)
        figures = [f"figure_0{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8)]
        for name in figures:
            write_text(results / "figures" / f"{name}.svg", made_results.FIGURE)
        plan = json.loads((results / "plan.json").read_text())
        write_json(results / "plan.json", plan | {"figure_names": figures})
        ended = made_results.render(results)
        assert ended.returncode == 0, ended.stderr
    return results / f"{request.param}.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=list(zip(WIDTHS, SCHEMES, strict=True)), ids=str)
def page(request: pytest.FixtureRequest, browser: Any, file: Path) -> Iterator[Any]:
    """The report, opened; what its console says and what it asks for are gathered."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda asked: page.said.append(asked.url) if is_remote(asked.url) else None)
    page.goto(file.as_uri())
    yield page
    context.close()


def is_remote(address: str) -> bool:
    return not address.startswith(("file:", "data:"))


def test_nothing_fails_and_nothing_is_fetched(page: Any) -> None:
    assert page.said == []


def test_nothing_is_clipped(page: Any) -> None:
    for details in page.query_selector_all("main details"):
        details.evaluate("element => element.open = true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CLIPPED) == []


def test_every_link_lands_and_every_picture_has_a_name(page: Any) -> None:
    assert page.evaluate(LOST_LINKS) == []
    assert page.evaluate(REPEATED_IDS) == []
    assert page.evaluate(UNNAMED) == []


def test_the_contents_are_reached_with_the_keyboard(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('nav') !== null"):
            break
    else:
        pytest.fail("no tab stop in the contents")
    if page.evaluate("document.activeElement.tagName") == "SUMMARY":
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    target = page.evaluate("document.activeElement.hash")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == target


def test_one_list_of_contents_is_seen(page: Any) -> None:
    seen = [nav.is_visible() for nav in page.query_selector_all("nav")]
    wide = page.viewport_size["width"] == WIDTHS[1]
    assert seen == [wide, not wide]


def test_print_hides_the_contents_and_shows_what_is_folded(page: Any) -> None:
    assert page.evaluate(HIDDEN_CELLS) > 0
    page.emulate_media(media="print")
    assert not any(nav.is_visible() for nav in page.query_selector_all("nav"))
    assert page.evaluate(HIDDEN_CELLS) == 0


def test_a_reader_can_step_through_an_animation(page: Any) -> None:
    steps = page.locator("details.steps").first
    steps.evaluate("box => { box.open = true }")
    frames = steps.locator(".frame")
    for number in (2, 0):
        steps.locator("input[type=radio]").nth(1 + number).focus()  # the first one plays
        page.keyboard.press("Space")
        shown = frames.evaluate_all("all => all.map(f => getComputedStyle(f).visibility)")
        assert [place for place, look in enumerate(shown) if look == "visible"] == [number]
    steps.locator(".f0 label[title='Next step']").click()
    assert frames.nth(1).evaluate("f => getComputedStyle(f).visibility") == "visible"


def test_the_page_is_small(file: Path) -> None:
    assert file.stat().st_size <= 10_000_000


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme; the dark one overrides the light one."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, flags=re.DOTALL)[:2]
    text = light if scheme == "light" else light + dark
    return dict(re.findall(r"--([\w-]+): (#\w+);", text))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1) of `#rgb` or `#rrggbb`."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["page", "shade", "notice"])
@pytest.mark.parametrize("ink", ["text", "quiet", "accent", "good", "bad", "open"])
def test_words_stand_out_from_their_ground(scheme: str, ground: str, ink: str) -> None:
    used = colours(scheme)
    dark, light = sorted(luminance(used[name]) for name in (ground, ink))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
