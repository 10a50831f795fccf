"""Publishing finished results: what is copied, what stays, and what is refused."""

import json
import re
import shutil
from pathlib import Path

import pytest
from test_report_now import make_folder

from convnets.core.errors import UserError
from convnets.core.files import write_json
from tools.publish import publish, without_folders


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("source"))
    plan = json.loads((folder / "plan.json").read_text())
    plan["command"] += """ --config 'data={"archive": {"path": "/home/me/a b/emnist.zip"}}'"""
    write_json(folder / "plan.json", plan)
    (folder / "config.yaml").write_text("run_name: trial\narchive: {path: /home/me/emnist.zip}\n")
    for name in ("best.pt", "state.0.pt", "train.log"):
        (folder / "runs/stride_2/seed_0" / name).write_text("left out")
    (folder / "data/images.npy").write_text("left out")
    return folder


@pytest.fixture(scope="module")
def target(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published twice, the second time by a session that has other runs than the first."""
    target = tmp_path_factory.mktemp("published") / "trial"
    first = Path(shutil.copytree(source, source.parent / "first" / "trial"))
    for path in first.glob("runs/*/seed_1"):
        shutil.rmtree(path)
    shutil.rmtree(source / "runs/fully_connected/seed_0")
    publish(first, target)
    publish(source, target)
    return target


def test_records_of_both_sessions_are_there_and_nothing_else(target: Path) -> None:
    runs = {str(path.relative_to(target)) for path in target.glob("runs/*/*")}
    variants = ("fully_connected", "stride_2", "stride_3", "stride_4")
    assert runs == {f"runs/{variant}/seed_{seed}" for variant in variants for seed in (0, 1)}
    names = {path.name for path in target.glob("runs/*/*/*")}
    assert names == {"run.json", "history.csv", "test.json", "predictions.npz"}
    assert [path.name for path in (target / "data").iterdir()] == ["provenance.json"]
    expected = {"plan.json", "config.yaml", "commands.md", "report.html", "metrics.csv"}
    assert expected <= {path.name for path in target.iterdir()}


def test_no_folder_of_this_machine_is_published(target: Path) -> None:
    for name in ("plan.json", "config.yaml", "commands.md", "report.html"):
        assert "/home/me" not in (target / name).read_text()
    assert "PATH/TO/emnist.zip" in (target / "config.yaml").read_text()
    assert without_folders("make results/a.md in ~/b or http://c/d/e and/or --x /f/g.zip") == (
        "make results/a.md in ~/b or http://c/d/e and/or --x PATH/TO/g.zip"
    )


def test_each_row_has_the_command_that_repeats_it(target: Path) -> None:
    text = (target / "commands.md").read_text()
    rows = dict(re.findall(r"^(.+):\n\n    (.+)$", text.split("## Table 2")[1], re.M))
    files = [f"results/trial/runs/stride_2/seed_{seed}/test.json" for seed in (0, 1)]
    assert rows["2"].endswith(f"-- {' '.join(files)}")


@pytest.mark.parametrize(("part", "key"), [("data", "digest"), ("training", "learning_rate")])
def test_a_run_of_other_results_is_refused(
    source: Path, target: Path, tmp_path: Path, part: str, key: str
) -> None:
    other = Path(shutil.copytree(source, tmp_path / "trial"))
    file = other / "runs/stride_3/seed_1/run.json"
    record = json.loads(file.read_text())
    record[part][key] = "f" if key == "digest" else 0.1
    write_json(file, record)
    before = (target / "runs/stride_2/seed_0/run.json").stat().st_mtime_ns
    with pytest.raises(UserError, match=rf"stride_3/seed_1 does not belong to .*{part}"):
        publish(other, target)
    assert (target / "runs/stride_2/seed_0/run.json").stat().st_mtime_ns == before


def test_a_damaged_run_is_refused(source: Path, target: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(source, tmp_path / "trial"))
    (other / "runs/stride_3/seed_1/predictions.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"predictions\.npz cannot be read"):
        publish(other, target)
