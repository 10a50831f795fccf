"""The page of the report, executed and rendered on small made-up results."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from made_results import ROOT, STUDY, render, text_of

from convnets.core.errors import UserError
from convnets.core.files import write_text
from convnets.report import exhibits as report_exhibits
from convnets.report import results as report
from convnets.report.discussion import fidelity
from convnets.report.notebook import execute
from convnets.report.page import Sections, environment


@pytest.fixture(scope="module")
def page(results: Path) -> BeautifulSoup:
    ended = render(results)
    assert ended.returncode == 0, ended.stderr
    return BeautifulSoup((results / "report.html").read_text(), "html.parser")


def test_synthetic_data_are_announced_before_anything_else(page: BeautifulSoup) -> None:
    first, second, *_ = page.main.find_all(recursive=False)
    assert first.name == "h1"
    assert second["role"] == "note"
    assert "Synthetic data" in second.strong.text


def test_values_stand_in_the_page(page: BeautifulSoup) -> None:
    text = text_of(page)
    best = "stride_2 with a test accuracy of 0.813 (95 % interval "  # 0.8123 and 0.8133
    assert best in text
    assert "The interval of ours overlaps that of one other network: these runs" in text
    assert "8 trainings of 4 networks (2 seeds) on 100,000 training images" in text
    assert "8 (4 variants, 2 seeds)" in text
    assert (
        "Hours of training 4.00, the sum over runs, which can share a device (Diff" in text
    )  # 8 runs of 1,800 s
    assert "snakemake --cores 2 --configfile a&b.yaml" in text
    assert "28→14→7→4→2" in text
    assert "Hardest: q (0.25)" in text
    assert "train and test 3" in text
    assert "a<b.zip" in text


def test_tables_not_run_are_named(page: BeautifulSoup) -> None:
    figures = ", ".join(f"Figure {number}" for number in range(1, 8))
    missing = "Table 1, Table 3, Table 4, Figure 9, Figure 10, Table 5"
    assert f"not run: {missing}, {figures}" in text_of(page)


def test_paper_and_ours_stand_side_by_side_with_interval_and_verdict(page: BeautifulSoup) -> None:
    table = page.find(id="table_2").parent
    accuracy, _ = table.find_all("th", scope="colgroup")
    assert (accuracy.text, accuracy["colspan"]) == ("Test Set Accuracy", "2")
    row = table.find("th", scope="row", string="2").parent
    paper, ours, *_ = row.find_all("td")
    assert paper.text == "0.877"
    parts = list(ours.stripped_strings)
    assert parts[:2] == ["0.813", "± 0.001"]
    assert re.fullmatch(r"\[0\.80\d, 0\.8\d\d\]", parts[2])
    assert parts[3] == "not comparable"
    assert page.find("tr", id=ours.a["href"][1:]).th.text.startswith("2")  # Table 2


def test_everything_has_an_anchor_and_the_contents_lead_there(page: BeautifulSoup) -> None:
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {"claim-7", "claim-17-22", "number-2-3-test_accuracy", "figure_08"} <= set(ids)
    assert any(name.startswith("reading-") for name in ids)
    bar = page.find("nav", class_="bar")
    inner = [link["href"] for link in bar.select("li > ul a")]
    assert inner.index("#figure_08") + 1 == inner.index("#table_2")
    headings = [
        heading["id"]
        for heading in page.main.find_all(["h2", "h3"])
        if not heading.find_parent(class_="claim")
    ]
    assert [link["href"][1:] for link in bar.select("li a")] == headings


def test_verdicts_come_first(page: BeautifulSoup) -> None:
    tallies = page.main.find(class_="verdicts")
    assert tallies.find_previous("h2") is None
    assert " ".join(tallies.text.split()) == (
        "0 of 81 published numbers reproduced not comparable 16 not run 65 "
        "1 of 27 claims hold holds 1 fails 6 not run 20"
    )


def test_the_study_of_the_plan_is_in_the_appendix(results: Path, tmp_path: Path) -> None:
    write_text(tmp_path / "fidelity.csv", STUDY)
    values = {"paper_gpu": "K80", "fidelity": fidelity(tmp_path / "fidelity.csv")}
    shown = Sections(results=report.Results(results), **values)
    page = BeautifulSoup(shown.show("provenance").data, "html.parser")
    rows = page.find(attrs={"aria-label": lambda label: label and "Made-up images" in label})
    assert [cell.text for cell in rows.find_all("tr")[1].find_all(["th", "td"])][4:] == [
        "+0.05",
        "\N{MINUS SIGN}1.86 to +1.96",
        "no shift found",
    ]


def test_claims_have_verdict_evidence_and_parts(page: BeautifulSoup) -> None:
    claim = page.find(id="claim-22")
    assert claim.h3.text == ("holds 22. Dilation leaves the number of parameters unchanged.¶")
    assert claim.find_all("p")[1].text == (
        "A dilated convolution has 1 times as many parameters as a plain one."
    )
    assert "1: made up" in claim.details.text
    assert len(page.find(id="claim-17").details.tbody.find_all("tr")) == 22


def test_a_claim_is_drawn_with_its_witnesses(page: BeautifulSoup) -> None:
    forest = page.find(id="claim-2").find(class_="forest")
    row = forest.find(id="claim-2-1")
    assert row.find(class_="claimed")
    assert row.find("circle", class_="paper")
    assert row.find("path", class_="theirs")
    assert not row.find("circle", class_="ours")  # no run in these results
    assert "other people" in row.svg["aria-label"]


def test_runtimes_stand_as_multiples_of_an_epoch(page: BeautifulSoup) -> None:
    table = page.find(attrs={"aria-label": "Every published number"})
    measures = {row.find_all("td")[1].text for row in table.find_all("tr")[1:]}
    assert "Average Epoch Runtime (ratio)" in measures
    assert not any("(s)" in measure for measure in measures)


def test_runtimes_say_how_they_were_measured(page: BeautifulSoup) -> None:
    table = page.find(attrs={"aria-label": "Learning curves and runtimes"})
    cells = [[cell.text for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    assert cells[2][5:] == ["22", "20 to 26", "–", "600"]  # no_pooling was not run
    text = text_of(page)
    assert "medians of 9 rounds, measured side by side" in text
    assert "other processes used 2 % of the processors meanwhile." in text


def test_page_needs_nothing_from_outside(page: BeautifulSoup) -> None:
    assert not page.find_all(["script", "iframe", "object", "embed"])
    assert not re.search(r"@import|url\(", page.style.text)
    addresses = [tag[key] for key in ("src", "href") for tag in page.find_all(attrs={key: True})]
    addresses = [address for address in addresses if address != "lesson.html"]  # beside this one
    assert {address[0] for address in addresses} == {"#", "d"}  # within the page, or data:
    for target in (address[1:] for address in addresses if address.startswith("#")):
        assert page.find(id=target), target


def test_pictures_have_a_text(page: BeautifulSoup) -> None:
    figure = page.find(id="figure_08").parent
    assert figure.img["alt"] == "Figure 8. Runtime & co; described below."
    caption = text_of(figure.figcaption)
    assert caption == 'Two "curves" climb. Made by scripts/make_figure.py . CSV'
    assert all(image.get("alt") for image in page.find_all("img"))
    assert all(sketch.get("aria-label") or sketch.title for sketch in page.find_all("svg"))


@pytest.mark.usefixtures("page")
def test_same_results_give_the_same_bytes(results: Path) -> None:
    files = [results / "report.html", results / "report.ipynb"]
    before = [file.read_bytes() for file in files]
    assert render(results).returncode == 0
    assert [file.read_bytes() for file in files] == before


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("name", ["report.html", "report.ipynb"])
def test_no_trace_of_this_machine(results: Path, name: str) -> None:
    text = (results / name).read_text().replace(str(results), "")
    for trace in (str(ROOT), sys.prefix, f"{Path.home()}/", "start_time", "duration"):
        assert trace not in text


@pytest.mark.usefixtures("page")
def test_executed_notebook_is_valid(results: Path) -> None:
    nbformat.validate(nbformat.read(results / "report.ipynb", as_version=4))


def test_committed_notebook_has_no_outputs() -> None:
    notebook = nbformat.read(ROOT / "report/report.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_failing_cell_fails_with_its_error(results: Path, tmp_path: Path) -> None:
    failing = edited(tmp_path, 'page.show("claims")', "1 / 0")
    with pytest.raises(UserError, match=r"(?s)failed with ZeroDivisionError.*1 / 0"):
        execute(failing, {"results": str(results)})


def edited(folder: Path, old: str, new: str) -> Path:
    """A copy of the notebook with `old` replaced in one cell."""
    notebook = nbformat.read(ROOT / "report/report.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if old in cell.source]
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, folder / "edited.ipynb")
    return folder / "edited.ipynb"


def test_what_was_not_made_is_shown_as_missing(results: Path) -> None:
    item = report_exhibits.exhibit("figure_09", report.Results(results))
    macros = environment().get_template("macros_exhibits.html").module
    assert text_of(BeautifulSoup(macros.exhibit(item), "html.parser")) == (
        "Figure 9 ¶ Missing: not made yet, as runs that it shows are not finished."
    )


def test_the_program_that_made_an_exhibit_exists(results: Path) -> None:
    shown = report.Results(results)
    for name in ("figure_01", "figure_06", "figure_09", "analysis_pareto"):
        program, *_ = report_exhibits.exhibit(name, shown)["script"].split()
        assert (ROOT / "scripts" / program).is_file(), program
