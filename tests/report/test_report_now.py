"""The report of a sweep that is not finished, from a folder of records alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_results import CONFIG, MECHANISM, ROOT, SECONDS, make_results, text_of

from analysis_fixture import make_runtimes
from convnets.config.settings import MACHINE_FOLDER
from convnets.core.errors import UserError
from convnets.core.files import write_json
from convnets.judging.claims import read_mechanism
from convnets.report.remake import intact_runs
from convnets.report.results import missing_runs, read_plan
from convnets.runs.metrics import collect, read_runs

PUBLISHED = sorted(file.parent for file in ROOT.glob("results/published/*/plan.json"))
MISSING = {"no_pooling": 0, "stride_2": 2}
"""Runs of the plan that are not there, by variant and seed."""
OLDER_PROCESSOR = {
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}
"""With these variables NumPy computes as on a processor without AVX."""


def make_folder(folder: Path) -> Path:
    """Records of finished runs and a plan that asks for more; nothing that is made of them."""
    made = make_results(folder / "made", source="nist")
    for name in ("runs", "data"):
        shutil.copytree(made / name, folder / "trial" / name)
    folder = folder / "trial"
    runs = [path.parent for path in sorted(folder.glob("runs/*/seed_*/run.json"))]
    right = np.random.default_rng(0).random(15800) < 0.8
    for run in runs:
        np.savez(run / "predictions.npz", index=np.arange(15800), label=right, prediction=right**2)
    planned = [(run.parent.name, int(run.name.removeprefix("seed_"))) for run in runs]
    planned += MISSING.items()
    plan = {
        "epochs": 3,
        "runs": [{"variant": v, "seed": s, "multiply_adds": 1} for v, s in planned],
        "command": "snakemake --cores 4",
        "tables": {name: CONFIG["tables"][name] for name in ("table_1", "table_2")},
        "figures": {
            "figure_08": CONFIG["figures"]["figure_08"],
            "strides": {
                "title": "Strides",
                "x": "epoch",
                "curves": [{"label": "2", "variants": ["stride_2"]}],
            },
            "dilations": {
                "title": "Dilations",
                "x": "epoch",
                "curves": [{"label": "i+1", "variants": ["dilation_plus1"]}],
            },
        },
        "figure_names": [
            "figure_08",
            "strides",
            "dilations",
            "analysis_curves",
            "analysis_confusions",
        ],
    }
    write_json(folder / "plan.json", plan)
    write_json(folder / "mechanism.json", MECHANISM)
    return folder


def report_now(
    folder: Path, cwd: Path = ROOT, hash_seed: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts/report_now.py", folder],
        cwd=cwd,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b"{}"),
        ("run.json", b"\xff\x00"),
        ("test.json", b'{"test_accuracy": "<script>"}'),
        ("history.csv", b"epoch,val_accuracy\n2,nan\n"),
        ("history.csv", b"epoch,val_accuracy\n1,0.5\n"),
        ("history.csv", b"epoch,epoch_seconds\n1,0.5\n"),
        ("history.csv", b"epoch,val_accuracy,epoch_seconds\n1,1e308,1e308\n"),
        ("run.json", b"[" * 100_000),
        ("run.json", b'{"seed": ' + b"9" * 5000 + b"}"),
        ("test.json", b'{"test_images": 1, "test_accuracy": 2.0, "test_loss": 1.0}'),
        ("test.json", b'{"test_images": 1, "test_accuracy": 1, "test_loss": 1, "files": []}'),
        ("predictions.npz", b"PK\x03\x04"),
    ],
)
def test_a_damaged_run_is_left_out_and_named(tmp_path: Path, name: str, content: bytes) -> None:
    folder = make_folder(tmp_path)
    damaged = folder / "runs/fully_connected/seed_0" / name
    assert damaged.is_file()
    damaged.write_bytes(content)
    assert damaged.parent not in intact_runs(folder)
    assert len(intact_runs(folder)) == len(list(folder.glob("runs/*/*/run.json"))) - 1
    metrics = collect(intact_runs(folder))
    metrics.to_csv(folder / "metrics.csv", index=False)
    plan = read_plan(folder / "plan.json")
    missing = missing_runs(folder, plan, read_runs(folder / "metrics.csv"))
    (named,) = [line for line in missing if "damaged" in line]
    assert named.startswith(
        f"fully_connected, seed 0 (damaged: runs/fully_connected/seed_0/{name} "
    )


def test_measures_that_are_missing_or_impossible(tmp_path: Path) -> None:
    write_json(tmp_path / "mechanism.json", dict(list(MECHANISM.items())[1:]))
    with pytest.raises(UserError, match=r"mechanism.json is damaged \(it has no "):
        read_mechanism(tmp_path / "mechanism.json")
    metrics = collect(intact_runs(make_folder(tmp_path)))
    metrics.loc[metrics["measure"] == "test_accuracy", "value"] = 1.5
    metrics.to_csv(tmp_path / "metrics.csv", index=False)
    with pytest.raises(
        UserError, match=r"metrics.csv is damaged \(test_accuracy is 1.5\): make it"
    ):
        read_runs(tmp_path / "metrics.csv")


def test_a_run_in_the_folder_of_another_is_damaged(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    shutil.rmtree(folder / "runs/stride_2/seed_0")
    shutil.copytree(folder / "runs/fully_connected/seed_0", folder / "runs/stride_2/seed_0")
    assert folder / "runs/stride_2/seed_0" not in intact_runs(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("partial"))
    ended = report_now(folder)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def page(made: Path) -> BeautifulSoup:
    return BeautifulSoup((made / "report.html").read_text(), "html.parser")


def test_what_is_missing_is_named(page: BeautifulSoup) -> None:
    assert "2 of 10 planned runs are missing" in text_of(page)
    listed = page.find("summary", string="missing: 2 runs").parent
    assert [item.text for item in listed.find_all("li")] == [
        f"{variant}, seed {seed}" for variant, seed in MISSING.items()
    ]
    assert "Not run: No Pooling, Dilation" in text_of(page.find(id="figure_08").parent)
    assert "Missing: not made yet" in text_of(page.find(id="dilations").parent)
    assert page.find(id="strides").parent.img
    assert page.find(id="analysis_curves").parent.img
    assert "Missing: not made yet" in text_of(page.find(id="analysis_confusions").parent)


def test_tables_show_what_is_there_and_what_is_not(page: BeautifulSoup) -> None:
    table = page.find(id="table_1").parent
    cells = {row.th.text: list(row.td.find_next("td").stripped_strings) for row in rows_of(table)}
    assert cells["No Pooling"] == ["–", "not run"]
    assert cells["Stride"][0] == "0.813"


def rows_of(table: Any) -> list[Any]:
    return list(table.tbody.find_all("tr"))


def test_runtimes_are_those_of_training_until_they_are_measured(
    made: Path, page: BeautifulSoup, tmp_path: Path
) -> None:
    assert "what the runs took while they trained" in text_of(page)
    folder = shutil.copytree(made, tmp_path / "measured")
    make_runtimes(SECONDS).to_csv(folder / "runtimes.csv")
    assert report_now(folder).returncode == 0
    assert "measured side by side on Tesla K80" in (folder / "report.html").read_text()
    assert "what the runs took while they trained" not in (folder / "report.html").read_text()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_again_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    before = contents(made)
    for name in before:
        if name.endswith((".html", ".svg", ".png", ".csv", ".md")) and "runs/" not in name:
            (made / name).unlink()
    assert report_now(made, cwd=tmp_path, hash_seed=1).returncode == 0
    assert [name for name, content in contents(made).items() if content != before[name]] == []
    assert contents(made).keys() == before.keys()


def test_the_rest_of_the_runs_completes_it(made: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(made, tmp_path / "more")
    for variant, seed in MISSING.items():
        run = folder / "runs" / variant / f"seed_{seed}"
        shutil.copytree(folder / "runs/stride_3/seed_0", run)
        record = json.loads((run / "run.json").read_text())
        record["variant"]["id"], record["seed"] = variant, seed
        write_json(run / "run.json", record)
    assert report_now(folder).returncode == 0
    assert "planned runs" not in (folder / "report.html").read_text()
    comparison = pd.read_csv(folder / "comparison.csv")
    assert "not run" not in comparison[comparison["variant"] == "no_pooling"]["verdict"].tolist()


def test_a_variant_without_a_measured_runtime_keeps_the_others(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PUBLISHED[0], tmp_path / "reference"))
    runtimes = pd.read_csv(folder / "runtimes.csv")
    runtimes[runtimes["variant"] != "stride_2"].to_csv(folder / "runtimes.csv", index=False)
    ended = report_now(folder)
    assert ended.returncode == 0, ended.stderr
    rows = pd.read_csv(folder / "comparison.csv").query("metric == 'epoch_seconds'")
    rows = rows.drop_duplicates("variant").set_index("variant")
    assert "not measured with the others" in rows.loc["stride_2", "reason"]
    before = pd.read_csv(PUBLISHED[0] / "comparison.csv").query("metric == 'epoch_seconds'")
    before = before.drop_duplicates("variant").set_index("variant")
    assert rows["ours"].drop("stride_2").equals(before["ours"].drop("stride_2"))


def test_a_folder_without_runs_or_plan_is_an_error(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    shutil.rmtree(folder / "runs")
    assert "has no finished run" in report_now(folder).stderr
    (folder / "plan.json").unlink()
    ended = report_now(folder)
    assert ended.returncode == 1
    assert "plan.json is missing, expected a JSON file: start Snakemake once" in ended.stderr


def test_intervals_tell_whether_one_network_is_best() -> None:
    rows = pd.read_csv(PUBLISHED[0] / "comparison.csv").query("metric == 'test_accuracy'")
    rows = rows.drop_duplicates("variant").sort_values("ours", ascending=False)
    rivals = (rows["ours_high"] >= rows["ours_low"].iloc[0]).sum() - 1
    page = BeautifulSoup((PUBLISHED[0] / "report.html").read_text(), "html.parser")
    assert rivals > 1
    assert f"The interval of ours overlaps those of {rivals} other networks" in page.text


@pytest.mark.parametrize("committed", PUBLISHED, ids=lambda folder: folder.name)
def test_committed_results_follow_from_their_records(committed: Path, tmp_path: Path) -> None:
    """On another processor, too."""
    folder = Path(shutil.copytree(committed, tmp_path / committed.name))
    shutil.copytree(committed.with_name(MACHINE_FOLDER), tmp_path / MACHINE_FOLDER)
    for name in ("comparison.csv", "claims.csv", "readings.csv", "metrics.csv", "report.html"):
        (folder / name).unlink()
    ended = report_now(folder, cwd=tmp_path, **OLDER_PROCESSOR)
    assert ended.returncode == 0, ended.stderr
    made, expected = contents(folder), contents(committed)
    differing = [name for name, content in expected.items() if made.get(name) != content]
    remedy = f"make report NAME=published/{committed.name}"
    assert [name for name in differing if not name.endswith((".png", ".ipynb"))] == [], remedy
