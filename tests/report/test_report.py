"""The report: executed and rendered on small made-up results, and what it says about them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup

from analysis_fixture import make_runtimes
from convnets import markup, report, report_details, report_exhibits, report_summary
from convnets.architectures.variant import Variant
from convnets.config.experiments import Table
from convnets.config.settings import from_mapping
from convnets.core.errors import UserError
from convnets.core.files import write_json, write_text
from convnets.exhibits.table_text import markdown
from convnets.exhibits.tables import FilledTable
from convnets.judging.claims import load_claims
from convnets.judging.comparison import compare
from convnets.judging.conditions import conditions
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import judge_readings, load_readings
from convnets.judging.table import judge_all
from convnets.runs.metrics import collect, read_runs

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
PUBLISHED = read_published(ROOT / "config/published_values.csv")
PRIOR = read_prior(ROOT / "config/prior")
CLAIMS = load_claims(ROOT / "config/claims.yaml")
MECHANISM = {
    part.computed: {"value": 1.0, "low": 1.0, "high": 1.0, "how": "made up"}
    for claim in CLAIMS
    for part in claim.parts
    if part.computed
}
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
ACCURACY = {"fully_connected": 0.7512, "stride_2": 0.8123, "stride_3": 0.8034, "stride_4": 0.7945}
"""Made-up test accuracies of the first seed; the second's is 0.001 higher."""
SECONDS = {
    variant: [(1 + place) * (10 + number % 4) for number in range(9)]
    for place, variant in enumerate(ACCURACY)
}
"""Made-up seconds an epoch in each round."""
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1">
<title>Runtime &amp; co</title><desc>Two "curves" climb.</desc><path d="M0 0"/></svg>"""
STUDY = "\n".join(
    [
        "variant,seed,reference_accuracy,plan_accuracy,data,train_images,test_images,epochs,"
        "precision,kernels,device_name",
        "stride_2,0,0.81,0.812,Made-up images,18000,3000,5,bfloat16,fused,A processor",
        "stride_2,1,0.80,0.799,Made-up images,18000,3000,5,bfloat16,fused,A processor",
    ]
)


def make_results(folder: Path, source: str = "glyphs", epochs: int = 3) -> Path:
    """What the workflow leaves behind, for four variants and two seeds."""
    provenance = make_provenance(source)
    write_json(folder / "data" / "provenance.json", provenance)
    runs = [
        make_run(folder / "runs" / variant / f"seed_{seed}", variant, seed, epochs)
        for variant in ACCURACY
        for seed in (0, 1)
    ]
    collect(runs, make_runtimes(SECONDS)).to_csv(folder / "metrics.csv", index=False)
    metrics = read_runs(folder / "metrics.csv")
    config = from_mapping(Table, CONFIG["tables"]["table_2"])
    table = FilledTable(config, metrics, PUBLISHED)
    caption = table.caption(conditions(provenance, table.runs))
    write_text(folder / "tables/table_2.md", markdown(table.grid(), "table_2", caption))
    write_text(folder / "tables/table_2.csv", table.numbers().to_csv(index=False))
    write_text(folder / "figures/figure_08.svg", FIGURE)
    write_text(folder / "figures/figure_08.csv", "epoch,mean\n1,0.5\n")
    compare(PUBLISHED, metrics, provenance, PRIOR).to_csv(folder / "comparison.csv", index=False)
    claims = judge_all(CLAIMS, pd.DataFrame(), {}, PUBLISHED, PRIOR, MECHANISM, provenance)
    claims.to_csv(folder / "claims.csv", index=False)
    write_text(folder / "fidelity.csv", STUDY)
    readings = load_readings(
        yaml.safe_load((ROOT / "config/readings.yaml").read_text())["readings"]
    )
    judged = judge_readings(readings, PUBLISHED, metrics, provenance)
    judged.to_csv(folder / "readings.csv", index=False)
    return folder


def make_provenance(source: str) -> dict[str, Any]:
    split = {"train": 100000, "validation": 15800, "test": 15800}
    return {
        "display_name": "Synthetic glyphs" if source == "glyphs" else "EMNIST Balanced",
        "official": source != "glyphs",
        "source": source,
        "files": [{"name": "a<b.zip", "bytes": 12345, "md5": "d" * 32, "sha256": "c" * 64}],
        "settings": {"source": source, "seed": 0, "split": {"protocol": "leftover"}},
        "counts": {"available": {"train": 112800, "test": 18800}, "split": split},
        "duplicates": {"within": {"train": 7, "test": 0}, "train_test": 3},
    }


def make_run(folder: Path, name: str, seed: int, epochs: int) -> Path:
    keys = {**CONFIG["architecture"], **CONFIG["variants"][name], "id": name}
    known = {key: value for key, value in keys.items() if key in Variant.__dataclass_fields__}
    variant = from_mapping(Variant, known)
    accuracy = ACCURACY[name] + 0.001 * seed
    climb = [accuracy - 0.3 / (epoch + 1) for epoch in range(epochs)]
    write_json(
        folder / "run.json",
        {
            "variant": variant.specification(),
            "sizes": variant.sizes,
            "parameters": variant.parameters,
            "multiply_adds": variant.multiply_adds,
            "receptive_field": variant.receptive_field,
            "seed": seed,
            "epochs": epochs,
            "training": {**CONFIG["training"]},
            "data": {"split": make_provenance("glyphs")["counts"]["split"], "digest": "e" * 64},
            "device": "cpu",
            "device_name": "Difference Engine No. 2",
            "precision": "float32",
            "software": {"python": "3.12", "torch": "2.13.0", "numpy": "2", "platform": "Brass"},
            "git_commit": "0123abc",
            "started": "1849-01-01T00:00:00+00:00",
            "finished": "1849-01-01T01:00:00+00:00",
            "train_seconds": 1800.0,
            "best_epoch": epochs,
            "best_val_accuracy": climb[-1],
        },
    )
    history = pd.DataFrame({"epoch": range(1, epochs + 1), "val_accuracy": climb})
    write_text(folder / "history.csv", history.assign(epoch_seconds=600.0).to_csv(index=False))
    per_class = {label: (0.25 if label == "q" else accuracy) for label in CLASSES}
    result = {"test_images": 15800, "test_accuracy": accuracy, "test_loss": 0.5}
    write_json(folder / "test.json", {**result, "per_class_accuracy": per_class})
    return folder


def render(results: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    arguments = {
        "results": str(results),
        "experiments": "table_2",
        "figures": "figure_08",
        "readings": "config/readings.yaml",
        "fidelity": str(results / "fidelity.csv"),
        "notebook": "report/report.ipynb",
        "template": "report/template",
        "command": "snakemake --cores 2 --configfile a&b.yaml",
        "output": str(results / "report.html"),
    } | changed
    options = [part for key, value in arguments.items() for part in (f"--{key}", value)]
    command = [sys.executable, "scripts/render_report.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_results(tmp_path_factory.mktemp("results") / "trial")


@pytest.fixture(scope="module")
def page(results: Path) -> BeautifulSoup:
    ended = render(results)
    assert ended.returncode == 0, ended.stderr
    return BeautifulSoup((results / "report.html").read_text(), "html.parser")


def text_of(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).split())


def test_synthetic_data_are_announced_before_anything_else(page: BeautifulSoup) -> None:
    first, second, *_ = page.main.find_all(recursive=False)
    assert first.name == "h1"
    assert second["role"] == "note"
    assert "Synthetic data" in second.strong.text


def test_values_stand_in_the_page(page: BeautifulSoup) -> None:
    text = text_of(page)
    assert "Best test accuracy: stride_2 with 0.813." in text  # 0.8123 and 0.8133
    assert "8 (4 variants, 2 seeds)" in text
    assert "Device hours 4.00 (Difference Engine No. 2)" in text  # 8 runs of 1,800 s
    assert "snakemake --cores 2 --configfile a&b.yaml" in text
    assert "28→14→7→4→2" in text
    assert "Hardest: q (0.25)" in text
    assert "train and test 3" in text
    assert "a<b.zip" in text


def test_tables_not_run_are_named(page: BeautifulSoup) -> None:
    figures = ", ".join(f"Figure {number}" for number in range(1, 8))
    missing = "Table 1, Table 3, Table 4, Figure 9, Figure 10, Table 5"
    assert f"not run: {figures}, {missing}" in text_of(page)


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
    assert [link["href"] for link in bar.select("li > ul a")][:2] == ["#figure_08", "#table_2"]
    headings = [heading["id"] for heading in page.main.find_all(["h2", "h3"])]
    assert [link["href"][1:] for link in bar.select("li a")] == headings


def test_verdicts_come_first(page: BeautifulSoup) -> None:
    tallies = page.main.find_all(recursive=False)[2]
    assert " ".join(tallies.text.split()) == (
        "0 of 81 published numbers reproduced not comparable 14 not run 67 "
        "1 of 27 claims hold holds 1 fails 6 not run 20"
    )


def test_the_study_of_the_plan_is_in_the_appendix(page: BeautifulSoup) -> None:
    rows = page.find(attrs={"aria-label": lambda label: label and "Made-up images" in label})
    assert [cell.text for cell in rows.find_all("tr")[1].find_all(["th", "td"])][4:] == [
        "+0.05",
        "\N{MINUS SIGN}1.86 to +1.96",
        "no shift found",
    ]


def test_claims_have_verdict_evidence_and_parts(page: BeautifulSoup) -> None:
    table = page.find(attrs={"aria-label": "Claims of the paper"})
    cells = [cell.text for cell in table.find_all("tr")[22].find_all(["th", "td"])]
    assert cells[0] == "22¶"
    assert cells[1] == "holds"
    assert "1: made up" in cells[4]
    assert page.find("summary", string="Claim 17: 22 parts")


def test_runtimes_stand_as_multiples_of_an_epoch(page: BeautifulSoup) -> None:
    table = page.find(attrs={"aria-label": "Every published number"})
    measures = {row.find_all("td")[1].text for row in table.find_all("tr")[1:]}
    assert "Average Epoch Runtime (ratio)" in measures
    assert not any("(s)" in measure for measure in measures)


def test_runtimes_say_how_they_were_measured(page: BeautifulSoup) -> None:
    table = page.find(attrs={"aria-label": "Runtimes"})
    cells = [[cell.text for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    assert cells[2] == ["stride_2", "22", "20 to 26", "–", "600"]  # no_pooling was not run
    text = text_of(page)
    assert "An epoch takes from 11.00 s (fully_connected) to 44.00 s" in text
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


def test_notebook_without_a_parameter_is_refused(results: Path, tmp_path: Path) -> None:
    ended = render(results, notebook=str(edited(tmp_path, 'command = ""', "")))
    assert ended.returncode == 1
    assert "does not set command; it sets" in ended.stderr


def test_failing_cell_fails_with_its_error(results: Path, tmp_path: Path) -> None:
    failing = edited(tmp_path, "of_paper(shown):", "of_paper([1 / 0]):")
    output = tmp_path / "report.html"
    ended = render(results, notebook=str(failing), output=str(output))
    assert ended.returncode == 1
    assert "failed with ZeroDivisionError" in ended.stderr
    assert "of_paper([1 / 0]):" in ended.stderr
    assert not output.exists()


def edited(folder: Path, old: str, new: str) -> Path:
    """A copy of the notebook with `old` replaced in one cell."""
    notebook = nbformat.read(ROOT / "report/report.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if old in cell.source]
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, folder / "edited.ipynb")
    return folder / "edited.ipynb"


def test_what_was_not_made_is_shown_as_missing(results: Path) -> None:
    note = report_exhibits.exhibit("figure_09", report.load_results(results))
    assert text_of(BeautifulSoup(note, "html.parser")) == (
        "Figure 9 ¶ Missing: not made yet, as runs that it shows are not finished."
    )


def test_no_notice_for_the_papers_experiment(tmp_path: Path) -> None:
    done = report.load_results(make_results(tmp_path, source="nist", epochs=100))
    assert report_summary.warnings(done, report.PAPER_ORDER) == ""
    assert "not run: Table 5" in report_summary.warnings(done, report.PAPER_ORDER[:-1])


def test_single_run_gives_a_report(tmp_path: Path) -> None:
    folder = make_results(tmp_path)
    metrics = pd.read_csv(folder / "metrics.csv")
    only = metrics[(metrics["variant"] == "stride_2") & (metrics["seed"] == 1)]
    only.to_csv(folder / "metrics.csv", index=False)
    done = report.load_results(folder)
    assert "1 (1 variant, 1 seed)" in report_summary.summary(done, "")
    assert "fully-connected" not in report_summary.headlines(done)
    assert "the spread between seeds is assumed" in report_summary.scope(done)
    assert report_details.runs(done).count("<tr>") == 2


def test_no_runs_is_an_error(tmp_path: Path) -> None:
    folder = make_results(tmp_path)
    pd.read_csv(folder / "metrics.csv").head(0).to_csv(folder / "metrics.csv", index=False)
    with pytest.raises(UserError, match="has no runs"):
        report.load_results(folder)


def test_differing_settings_are_listed_run_by_run(tmp_path: Path) -> None:
    folder = make_results(tmp_path)
    path = folder / "runs/stride_3/seed_1/run.json"
    write_json(path, json.loads(path.read_text()) | {"device_name": "Analytical Engine"})
    done = report.load_results(folder)
    assert '<th scope="col" class="text">Device</th>' in report_details.runs(done)
    assert report_details.runs(done).count("Analytical Engine") == 1
    assert "Engine" not in report_details.environment(done)


def keys_of_readings() -> list[str]:
    paper = yaml.safe_load((ROOT / "config/readings.yaml").read_text())
    stated = [item["used"] for item in paper["stated"]]
    return stated + [key for item in paper["readings"] for key in item["uses"]]


@pytest.mark.parametrize("key", keys_of_readings())
def test_readings_name_keys_that_runs_record(key: str, results: Path) -> None:
    if key.startswith("variant."):  # pooling and dilation are not in this test's variants
        assert key.removeprefix("variant.") in Variant.__dataclass_fields__
    else:
        assert report.values_used(key, report.load_results(results))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "0.2 s"), (59.9, "59.9 s"), (61, "1 min 1 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert report.shown_seconds(seconds) == text


def test_table_of_a_user_without_published_values(tmp_path: Path) -> None:
    lines = ["| Method | Accuracy |", "| :-- | --: |", r"| a\|b | 0.5 |", "", "**Table 6.** Mine."]
    write_text(tmp_path / "table_6.md", "\n".join(lines))
    write_text(tmp_path / "table_6.csv", "method,accuracy\n")
    content, caption = markup.markdown_table(tmp_path / "table_6.md")
    table = BeautifulSoup(content, "html.parser")
    assert table.find("th", scope="row").text == "a|b"
    assert text_of(table) == "Method Accuracy a|b 0.5"
    assert caption == "Mine."
