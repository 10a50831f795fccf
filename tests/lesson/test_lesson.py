"""The lesson: executed on a few made-up measurements and rendered."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_results import make_results as make_report

from analysis_fixture import GLYPHS
from convnets.config.settings import MACHINE_FOLDER
from convnets.core.files import write_json, write_text
from convnets.exhibits.layer_figures import ANIMATIONS
from convnets.lesson.cases import CASES, LARGE, PASSES, SMALL
from convnets.lesson.efficiency import measure_duplication
from convnets.lesson.from_scratch import COLUMNS
from convnets.lesson.measurements import LABELS, for_templates, load_measured
from convnets.report.page import Sections
from convnets.report.sections import ReportPage

ROOT = Path(__file__).parents[2]
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1">
<title>A figure</title><desc>Something drawn.</desc><path d="M0 0"/></svg>"""
SPEED = {
    "loops": 2000.0,
    "im2col": 2.0,
    "views": 3.0,
    "fourier": 5.0,
    "pytorch": 0.5,
    "matrix_product": 1.0,
}
"""Made-up seconds of each implementation, for a million multiplications."""


def make_results(folder: Path) -> Path:
    """What the workflow measures for the lesson, made up but for the duplication."""
    measured = folder.with_name(MACHINE_FOLDER)
    measured.mkdir(parents=True)
    rows = [
        {
            "implementation": name,
            **case._asdict(),
            "pass": pass_name,
            "seconds": seconds * case.multiply_adds / 1e6,
            "peak_bytes": np.nan if name == "pytorch" else 1e6,
            "multiply_adds": case.multiply_adds,
            "rate": 2e6 / seconds,
            "machine_rate": 8e6,
        }
        for case in CASES
        for name, seconds in SPEED.items()
        for pass_name in PASSES
        if name != "loops" or case.channels < LARGE.channels
    ]
    pd.DataFrame(rows).to_csv(measured / "convolutions.csv", index=False)
    agreement = [
        {"implementation": name, "dtype": dtype, "difference": difference}
        for name in ("loops", "im2col", "views", "fourier")
        for dtype, difference in (("float32", 3e-6), ("float64", 4e-15))
    ]
    pd.DataFrame(agreement).to_csv(measured / "agreement.csv", index=False)
    pd.DataFrame(measure_duplication(CASES)).to_csv(measured / "duplication.csv", index=False)
    times = [
        {"variant": name, "pass": way, "kind": kind, "seconds": share, "share": share}
        for name, other in (("no_pooling", 0.3), ("dilation_plus2", 0.1))
        for way in ("forward", "backward")
        for kind, share in (
            ("convolution", 0.99 - other), ("fully_connected", 0.01), ("other", other),
        )
    ]  # fmt: skip
    pd.DataFrame(times).to_csv(measured / "layer_times.csv", index=False)
    records = [
        (name, 1, step, "train_loss", 4 / step + 0.001 * (name == "by_hand"))
        for step in range(1, 31)
        for name in ("by_hand", "pytorch")
    ]
    records += [("by_hand", 1, 30, "test_accuracy", 0.7123)]
    records += [("pytorch", 1, 30, "test_accuracy", 0.7132)]
    table = pd.DataFrame(records, columns=COLUMNS)
    write_text(folder / "lesson/from_scratch.csv", table.to_csv(index=False))
    machine = {"device_name": "Difference Engine No. 2", "threads": 1, "precision": "float32"}
    machine |= {"other_cpu_share": 0.341}
    write_json(measured / "machine.json", machine)
    write_json(folder / "data/provenance.json", GLYPHS | {"display_name": "Made-up <images>"})
    for number in range(1, 8):
        write_text(folder / f"figures/figure_0{number}.svg", FIGURE)
    draw = [sys.executable, "scripts/draw_layers.py", "--output", str(folder / "figures")]
    subprocess.run(draw, cwd=ROOT, check=True)
    return folder


def render(results: Path) -> None:
    command = [sys.executable, "scripts/render_page.py", "lesson", "--results", str(results)]
    command += ["--output", str(results / "lesson.html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def section(results: Path, name: str, **values: Any) -> BeautifulSoup:
    shown = Sections(**for_templates(results)).show(name, **values)
    return BeautifulSoup(shown.data, "html.parser")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_results(tmp_path_factory.mktemp("results") / "trial")
    render(folder)
    return folder


@pytest.fixture(scope="module")
def page(results: Path) -> BeautifulSoup:
    return BeautifulSoup((results / "lesson.html").read_text(), "html.parser")


def text_of(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).split())


def test_code_is_shown_but_not_what_only_lays_out(page: BeautifulSoup) -> None:
    code = [cell.text for cell in page.find_all(class_="code")]
    assert any("def im2col(features, size):" in text for text in code)
    assert any("class Convolution:" in text for text in code)
    assert not any("display(" in text or "results =" in text for text in code)
    assert max(len(line) for text in code for line in text.splitlines()) <= 86


def test_the_code_prints_what_the_text_says(page: BeautifulSoup) -> None:
    printed = "\n".join(block.text for block in page.main.find_all("pre", recursive=False))
    assert "sum: 12" in printed
    assert "[28, 14, 7, 4, 2]" in printed
    assert "row (1, 9) times columns (9, 4) = (1, 4)" in printed
    assert printed.count("agree: True") == 4
    assert printed.count("True") == 8
    assert "False" not in printed
    assert "error 0.0" in printed


def test_measured_numbers_stand_in_the_page(page: BeautifulSoup) -> None:
    text = text_of(page)
    assert "Difference Engine No. 2, 1 thread, float32" in text
    assert "Made-up <images>" in text
    assert "Loops take 1,000 times as long as im2col" in text
    assert "im2col takes 2.00 times as long as its matrix products alone" in text
    assert "im2col takes 4.0 times as long as PyTorch" in text
    assert "from 70 % (no pooling) to 90 % (dilation i+2)" in text
    assert "Other processes used 34 % of its processors meanwhile, so times may be too long" in text
    assert "In the first 30 steps the two losses differ by at most 0.001," in text
    table = page.find(attrs={"aria-label": "Test accuracy after each epoch"})
    cells = [cell.text for cell in table.find_all("tr")[1].find_all(["th", "td"])]
    assert cells == ["1", "0.7123", "0.7132", "\N{MINUS SIGN}0.0009"]


def test_the_cost_of_a_convolution_is_counted_right(results: Path) -> None:
    table = section(results, "lesson/costs", case=SMALL)
    rows = {
        row.th.text: [cell.text for cell in row.find_all("td")] for row in table.find_all("tr")[1:]
    }
    assert list(rows) == list(LABELS.values())
    seconds = 2 * SMALL.multiply_adds / 1e6
    assert rows["im2col"][0] == f"{1000 * seconds:.3g}"
    assert rows["im2col"][3:] == ["1.00", "0.001", "12 %"]
    assert rows["PyTorch"][3] == "\N{EN DASH}"


def test_the_machine_is_as_fast_as_the_fastest_that_was_measured(results: Path) -> None:
    measured = load_measured(results)
    assert measured.machine_rate == 8e6
    faster = measured.convolutions.assign(rate=9e6)
    assert measured._replace(convolutions=faster).machine_rate == 9e6


def test_the_load_of_the_measurement_is_told(results: Path) -> None:
    measured = load_measured(results)
    assert measured is not None
    machine = {key: measured.machine[key] for key in ("device_name", "threads", "precision")}
    loads: tuple[dict[str, float], ...] = ({}, {"other_cpu_share": 0.01})
    unknown, idle = (
        section(results, "lesson/machine", measured=measured._replace(machine=machine | load)).text
        for load in loads
    )
    assert "other processes was not recorded, so times may be too long;" in unknown
    assert "Other processes used 1 % of its processors meanwhile;" in idle


def test_theory_and_measurement_stand_side_by_side(page: BeautifulSoup) -> None:
    table = page.find(attrs={"aria-label": "Duplication by im2col"})
    rows = [[cell.text for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")[1:]]
    by_window = {(row[0], row[1], row[2]): row[-2:] for row in rows}
    assert by_window["3", "1", "28×28"] == ["9.00", "9.00"]
    assert by_window["3", "2", "28×28"] == ["2.25", "2.25"]
    assert by_window["3", "3", "28×28"] == ["1.15", "1.00"]


def test_pictures_have_a_text_and_ids_are_unique(page: BeautifulSoup) -> None:
    assert all(image.get("alt") for image in page.find_all("img"))
    slides = page.select("details.steps svg.slide")
    assert len(slides) == len(ANIMATIONS)
    assert all(slide.select("input[type=radio]") for slide in slides)
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_links_land_and_nothing_comes_from_outside(page: BeautifulSoup) -> None:
    assert not page.find_all(["script", "iframe", "object", "embed"])
    assert not re.search(r"@import|url\(", " ".join(style.text for style in page.find_all("style")))
    addresses = [tag[key] for key in ("src", "href") for tag in page.find_all(attrs={key: True})]
    assert {address[0] for address in addresses} == {"#", "d"}  # within the page, or data:
    for target in (address[1:] for address in addresses if address.startswith("#")):
        assert page.find(id=target), target


def test_the_notebook_is_valid_and_committed_without_outputs(results: Path) -> None:
    executed = nbformat.read(results / "lesson.ipynb", as_version=4)
    nbformat.validate(executed)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    committed = json.loads((ROOT / "report/lesson.ipynb").read_text())
    assert not any(cell.get("outputs") for cell in committed["cells"])


def test_same_results_give_the_same_bytes_without_traces(results: Path) -> None:
    files = [results / "lesson.html", results / "lesson.ipynb"]
    before = [file.read_bytes() for file in files]
    render(results)
    assert [file.read_bytes() for file in files] == before
    text = b"".join(before).decode().replace(str(results), "")
    for trace in (str(ROOT), sys.prefix, f"{Path.home()}/", "start_time"):
        assert trace not in text


def test_the_report_has_what_layers_cost(results: Path, tmp_path: Path) -> None:
    folder = make_report(tmp_path / "trial")
    assert "<code>make lesson</code> measures" in str(ReportPage(folder).show("analyses").data)
    shutil.copytree(results.with_name(MACHINE_FOLDER), tmp_path / MACHINE_FOLDER)
    section = BeautifulSoup(ReportPage(folder).show("analyses").data, "html.parser")
    shown = section.find(attrs={"aria-label": re.compile("Cost of a convolution, 20 images")})
    assert shown.find("th", scope="row", string="matrix product alone")
    assert section.find(attrs={"aria-label": "Duplication by im2col"})
    assert len(section.find_all("img")) == 2


def test_every_exercise_of_the_lesson_has_a_check(page: BeautifulSoup) -> None:
    exercises = page.find("h2", id="Exercises").find_next("ol").find_all("li", recursive=False)
    checks = (ROOT / "exercises/test_my_layers.py").read_text()
    numbers = sorted({int(number) for number in re.findall(r"^@exercise\((\d+)\)", checks, re.M)})
    assert numbers == list(range(1, len(exercises) + 1))
