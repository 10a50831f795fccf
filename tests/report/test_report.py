"""The report: executed and rendered on small made-up results, and what it says about them."""

import html
import json
import math
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
from convnets.architectures.variant import Variant
from convnets.config.experiments import Table
from convnets.config.settings import parse
from convnets.core.errors import UserError
from convnets.core.files import write_json, write_text
from convnets.core.formats import number
from convnets.exhibits.tables import make_table
from convnets.judging.claims import load_claims
from convnets.judging.comparison import compare
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import judge_readings, load_readings
from convnets.judging.table import judge_all
from convnets.report import exhibits as report_exhibits
from convnets.report import results as report
from convnets.report.claims import Axis, sentence
from convnets.report.page import Sections, about, environment, execute
from convnets.report.sections import ReportPage
from convnets.report.studies import fidelity
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
SECTIONS = (
    "summary",
    "discussion",
    "claims",
    "witnesses",
    "exhibits",
    "numbers",
    "analyses",
    "readings",
)
SECTIONS += ("provenance",)
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
PLAN = {
    "epochs": 3,
    "command": "snakemake --cores 2 --configfile a&b.yaml",
    "tables": {"table_2": CONFIG["tables"]["table_2"]},
    "figures": {},
    "figure_names": ["figure_08"],
}


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
    config = parse(Table, CONFIG["tables"]["table_2"], "it")
    make_table(config, metrics, provenance, folder / "tables/table_2")
    write_text(folder / "figures/figure_08.svg", FIGURE)
    write_text(folder / "figures/figure_08.csv", "epoch,mean\n1,0.5\n")
    compare(PUBLISHED, metrics, provenance, PRIOR).to_csv(folder / "comparison.csv", index=False)
    claims = judge_all(CLAIMS, pd.DataFrame(), {}, PUBLISHED, PRIOR, MECHANISM, provenance)
    claims.to_csv(folder / "claims.csv", index=False)
    planned = [
        {"variant": variant, "seed": seed, "multiply_adds": 1}
        for variant in ACCURACY
        for seed in (0, 1)
    ]
    write_json(folder / "plan.json", {**PLAN, "runs": planned})
    judged = judge_readings(load_readings(), PUBLISHED, metrics, provenance)
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
    variant = parse(Variant, known, "it")
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


def render(results: Path, output: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/render_page.py", "report", "--results", str(results)]
    command += ["--output", str(output or results / "report.html")]
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
    assert "stride_2 with a test accuracy of 0.813" in text  # 0.8123 and 0.8133
    assert "8 trainings of 4 networks (2 seeds) on 100,000 training images" in text
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
        "0 of 81 published numbers reproduced not comparable 14 not run 67 "
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


def test_no_notice_for_the_papers_experiment(tmp_path: Path) -> None:
    folder = make_results(tmp_path, source="nist", epochs=100)
    plan = json.loads((folder / "plan.json").read_text())
    tables = {name: CONFIG["tables"][name] for name in CONFIG["tables"] if name < "table_6"}
    figures = [f"figure_{number:02}" for number in range(1, 11)]
    write_json(folder / "plan.json", plan | {"tables": tables, "figure_names": figures})
    assert 'role="note"' not in section(folder, "summary")
    write_json(folder / "plan.json", plan | {"tables": tables, "figure_names": figures[:-1]})
    assert "Not run: Figure 10" in section(folder, "summary")


def section(folder: Path, name: str) -> str:
    return str(ReportPage(folder).show(name).data)


def test_single_run_gives_a_report(tmp_path: Path) -> None:
    folder = make_results(tmp_path)
    metrics = pd.read_csv(folder / "metrics.csv")
    only = metrics[(metrics["variant"] == "stride_2") & (metrics["seed"] == 1)]
    only.to_csv(folder / "metrics.csv", index=False)
    text = section(folder, "summary")
    assert "1 (1 variant, 1 seed)" in text
    assert "the spread between seeds is assumed" in text
    runs = BeautifulSoup(section(folder, "provenance"), "html.parser")
    assert len(runs.find(attrs={"aria-label": "Runs"}).find_all("tr")) == 2


def test_no_runs_is_an_error(tmp_path: Path) -> None:
    folder = make_results(tmp_path)
    pd.read_csv(folder / "metrics.csv").head(0).to_csv(folder / "metrics.csv", index=False)
    with pytest.raises(UserError, match="has no runs"):
        report.Results(folder)


def test_differing_settings_are_listed_run_by_run(tmp_path: Path) -> None:
    folder = make_results(tmp_path)
    path = folder / "runs/stride_3/seed_1/run.json"
    write_json(path, json.loads(path.read_text()) | {"device_name": "Analytical Engine"})
    text = section(folder, "provenance")
    assert '<th scope="col" class="text">Device</th>' in text
    assert text.count("Analytical Engine") == 2  # beside the paper's device, and in its run


def keys_of_readings() -> list[str]:
    paper = yaml.safe_load((ROOT / "config/readings.yaml").read_text())
    stated = [item["used"] for item in paper["stated"]]
    return stated + [key for item in paper["readings"] for key in item["uses"]]


@pytest.mark.parametrize("key", keys_of_readings())
def test_readings_name_keys_that_runs_record(key: str, results: Path) -> None:
    if key.startswith("variant."):  # pooling and dilation are not in this test's variants
        assert key.removeprefix("variant.") in Variant.__dataclass_fields__
    else:
        assert report.Results(results).used(key)


def test_every_part_of_a_claim_has_a_sentence() -> None:
    for claim in CLAIMS:
        assert all("{" in part.says for part in claim.parts), claim.id


def test_a_claim_is_told_in_a_sentence_of_its_values() -> None:
    part = {"says": "CNNs are {} the baseline", "unit": "fraction", "evidence": "no runs"}
    values = {"effect": 0.061, "theirs_effect": float("nan"), "paper_effect": 0.067}
    first, second = part | values, part | values | {"effect": 0.122, "paper_effect": 0.061}
    assert sentence([first, second]) == (
        "CNNs are 6.1 to 12.2 points above the baseline; the paper's numbers give 6.1 to 6.7 "
        "points above."
    )
    assert sentence([first, second | {"effect": -0.03}]).startswith(
        "CNNs are 3.0 points below to 6.1 points above the baseline"
    )
    assert sentence([first | {"effect": float("nan")}]) == (
        "Our runs do not show it (no runs). By the paper's numbers: CNNs are 6.7 points above the "
        "baseline."
    )
    ratio = values | {"unit": "ratio", "effect": 0.4567, "says": "It takes {} as long"}
    assert sentence([part | ratio]).startswith("It takes 0.46 times as long; ")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8765, "fraction", "0.876"),
        (1234.5, "s", "1,234"),
        (12.0, "epoch", "12"),
        (4.67, "epoch", "4.7"),
        (0.00674, "ratio", "0.00674"),
        (-0.0541, "points", "\N{MINUS SIGN}5.41"),
        ("Max 2->3", "", "Max 2→3"),
        (float("nan"), "s", "–"),
    ],
)
def test_one_format_of_numbers(value: Any, unit: str, text: str) -> None:
    assert number(value, unit) == text


@pytest.mark.parametrize(("values", "log"), [((-0.02, 0.11), False), ((0.02, 5, 40), True)])
def test_a_scale_has_room_for_its_values_and_round_ticks(values: Any, log: bool) -> None:
    axis = Axis.over([*values, math.inf, math.nan, None], log)
    places = [axis.at(value) for value in values]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] < 100
    assert (axis.at(1e9), axis.at(-1e9)) == (100, 0)
    assert 2 <= len(axis.ticks()) <= 9
    assert all(0 <= axis.at(tick) <= 100 for tick in axis.ticks())


@pytest.mark.parametrize("content", [b"", b"<svg>", b"<html/>", b"\x89PNG", b"<svg></svg>"])
def test_what_is_no_drawing_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.svg is no drawing .*: "):
        about(file)


EVIL = "<script>alert(1)</script>"


def test_foreign_results_cannot_inject_scripts(tmp_path: Path) -> None:
    folder = make_results(tmp_path / "trial")
    drawing = FIGURE.replace("Runtime &amp; co", html.escape(EVIL)).replace("<path", f"{EVIL}<path")
    for name in ("figure_08", "figure_08_animated"):
        write_text(folder / f"figures/{name}.svg", drawing)
    plan = json.loads((folder / "plan.json").read_text())
    plan["command"] = plan["tables"]["table_2"]["title"] = EVIL
    plan["tables"]["table_2"]["rows"][0]["label"] = [EVIL]
    write_json(folder / "plan.json", plan)
    provenance = make_provenance("glyphs") | {"display_name": EVIL}
    write_json(folder / "data/provenance.json", provenance)
    for name in ("comparison", "claims", "readings"):
        table = pd.read_csv(folder / f"{name}.csv")
        checked = [column for column in table if re.search("verdict|judged", column)]
        checked += ["metric", "variant", "unit", "row"]
        words = table.select_dtypes("str").columns.difference(checked)
        table[words] = table[words].where(table[words].isna(), EVIL)
        table.to_csv(folder / f"{name}.csv", index=False)
    run = folder / "runs/stride_2/seed_0/run.json"
    write_json(run, json.loads(run.read_text()) | {"device_name": EVIL, "git_commit": EVIL})
    page = ReportPage(folder)
    for name in SECTIONS:
        text = str(page.show(name).data)
        assert "<script" not in text, name
        assert not BeautifulSoup(text, "html.parser").find_all(
            lambda tag: any(key.startswith("on") for key in tag.attrs)
        )
