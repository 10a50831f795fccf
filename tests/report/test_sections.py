"""Sections of the report on other results, and the parts that they are made of."""

import html
import json
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup
from made_results import CLAIMS, CONFIG, FIGURE, ROOT, SECTIONS, make_provenance, make_results

from convnets.architectures.variant import Variant
from convnets.core.errors import UserError
from convnets.core.files import write_json, write_text
from convnets.core.formats import number
from convnets.report import results as report
from convnets.report.claims import Axis, sentence
from convnets.report.page import about
from convnets.report.sections import ReportPage


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
