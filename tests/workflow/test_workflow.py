"""The workflow as a user runs it: Snakemake on a small configuration, in a copy of the tree."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from workflow_tree import append, copy_of_the_tree, jobs, read_csv, snakemake

from convnets.runs.status import read_sweep

ALL_VARIANTS = ("stride_2", "stride_3", "stride_4", "max_pool_2to3_late")
ANALYSES = ("accuracies", "receptive_fields", "pareto", "confusions", "agreement", "curves")
RUN_FILES = ("history.csv", "best.pt", "test.json", "predictions.npz", "run.json")

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which the tiny configuration was run."""
    folder = copy_of_the_tree(tmp_path_factory.mktemp("workflow") / "clone")
    done = snakemake(folder, "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "steps (100%) done" in done.stdout + done.stderr
    return folder


@pytest.fixture
def changed(clone: Path, tmp_path: Path) -> Path:
    """A copy of `clone` with its results, to change the code in."""
    return Path(shutil.copytree(clone, tmp_path / "clone", symlinks=True))


def test_every_run_leaves_its_files(clone: Path) -> None:
    for variant in ALL_VARIANTS:
        for seed in (0, 1):
            run = clone / f"results/tiny/runs/{variant}/seed_{seed}"
            assert all((run / name).is_file() for name in RUN_FILES)
            assert len(list(run.glob("state.*"))) == 1
            assert [row["epoch"] for row in read_csv(run / "history.csv")] == ["1", "2"]
            assert "epoch   2/2" in (run / "train.log").read_text()
            record = json.loads((run / "run.json").read_text())
            assert record["seed"] == seed
            assert record["data"]["display_name"] == "Synthetic glyphs"
            assert record["variant"]["filters"] == 4


def test_results_agree_from_prediction_to_report(clone: Path) -> None:
    results = clone / "results/tiny"
    accuracies = []
    for seed in (0, 1):
        run = results / f"runs/max_pool_2to3_late/seed_{seed}"
        predictions = np.load(run / "predictions.npz")
        accuracy = float((predictions["prediction"] == predictions["label"]).mean())
        assert json.loads((run / "test.json").read_text())["test_accuracy"] == accuracy
        accuracies.append(accuracy)
    metrics = {
        (row["variant"], row["seed"], row["measure"]): row["value"]
        for row in read_csv(results / "metrics.csv")
    }
    for seed, accuracy in enumerate(accuracies):
        collected = metrics["max_pool_2to3_late", str(seed), "test_accuracy"]
        assert float(collected) == pytest.approx(accuracy)
    mean = f"{np.mean(accuracies):.3f}"
    assert mean in (results / "tables/mine.md").read_text()
    assert mean in (results / "report.html").read_text()
    assert "Synthetic glyphs" in (results / "tables/mine.md").read_text()


def test_runtimes_are_measured_when_all_is_trained(clone: Path) -> None:
    results = clone / "results/tiny"
    rows = read_csv(results / "runtimes.csv")
    assert sorted(row["variant"] for row in rows) == sorted(ALL_VARIANTS)
    for record in results.glob("runs/*/seed_*/run.json"):
        assert json.loads(record.read_text())["finished"] <= rows[0]["measured"]
    assert "measured side by side" in (results / "tables/table_2.md").read_text()
    assert "measured side by side" in (results / "report.html").read_text()


def test_tables_figures_and_comparison_are_there(clone: Path) -> None:
    results = clone / "results/tiny"
    for table in ("table_2", "mine"):
        assert all(
            (results / f"tables/{table}.{kind}").stat().st_size for kind in ("csv", "md", "tex")
        )
    for figure in ("figure_01", "figure_06", "figure_07", "figure_mine"):
        for kind in ("svg", "png"):
            assert (results / f"figures/{figure}.{kind}").stat().st_size
    for analysis in ANALYSES:
        assert (results / f"figures/analysis_{analysis}.svg").stat().st_size
        assert read_csv(results / f"analyses/{analysis}.csv")
    published = read_csv(clone / "config/published_values.csv")
    comparison = read_csv(results / "comparison.csv")
    assert len(comparison) == len(published)
    assert {row["verdict"] for row in comparison} == {"not run", "not comparable"}
    claims = {row["claim"]: row["claim_verdict"] for row in read_csv(results / "claims.csv")}
    assert len(claims) == 27
    assert claims["22"] == "holds"


def test_the_lesson_has_what_it_measured_once_for_all_runs(changed: Path) -> None:
    assert "make lesson" in (changed / "results/tiny/report.html").read_text()
    done = snakemake(changed, "lesson", "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    results = changed / "results/tiny"
    steps = [row for row in read_csv(results / "lesson/from_scratch.csv") if row["step"] == "1"]
    by_hand, pytorch = (float(row["value"]) for row in steps)
    assert by_hand == pytest.approx(pytorch, rel=1e-5)
    device = json.loads((changed / "results/machine/machine.json").read_text())["device_name"]
    assert device in (results / "lesson.html").read_text()
    assert (results / "lesson.ipynb").stat().st_size
    assert (results / "figures/figure_01_animated.svg").stat().st_size

    assert jobs(changed) == {"report": 1, "all": 1}, "the report shows what was measured"
    others = jobs(changed, "lesson", "--config", "run_name=other", "seeds=[0]")
    assert others.keys() >= {"prepare_data", "from_scratch", "lesson"}
    assert "layer_times" not in others


def test_the_plan_names_the_runs(clone: Path) -> None:
    plan = json.loads((clone / "results/tiny/plan.json").read_text())
    assert plan["epochs"] == 2
    runs = {(run["variant"], run["seed"]) for run in plan["runs"]}
    assert runs == {(variant, seed) for variant in ALL_VARIANTS for seed in (0, 1)}
    sweep = read_sweep(clone / "results/tiny")
    assert sweep.counts["done"] == len(runs) == len(sweep.runs)
    assert all(run.test_accuracy is not None for run in sweep.runs)


def test_a_second_run_has_nothing_to_do(clone: Path) -> None:
    assert jobs(clone) == {}


def test_snakemake_s_own_report_is_made(clone: Path) -> None:
    done = snakemake(clone, "--configfile", "tiny.yaml", "--report", "report.zip")
    assert done.returncode == 0, done.stderr
    assert (clone / "report.zip").stat().st_size > 100_000


def replace_in(folder: Path, old: str, new: str) -> int:
    """Replace a text in all modules and scripts; in how many it was."""
    found = 0
    for file in folder.rglob("*.py"):
        text = file.read_text()
        if old in text:
            file.write_text(text.replace(old, new))
            found += 1
    return found


def test_file_times_copies_and_rebuilt_code_re_run_nothing(changed: Path) -> None:
    scripts = changed / "scripts"
    # Reworded: an error message, a docstring, a log line. Appended: an unused class.
    assert replace_in(scripts, "the training diverged", "this training has diverged") == 1
    assert replace_in(scripts, "Train one variant with one seed", "Train a single run") == 1
    append(scripts / "convnets/training/network.py", "class Unused:\n    pass")
    # Moved, renamed, split.
    (scripts / "convnets/base").mkdir()
    (scripts / "convnets/base/__init__.py").write_text("")
    (scripts / "convnets/core/interruption.py").rename(scripts / "convnets/base/signals.py")
    assert replace_in(scripts, "convnets.core.interruption", "convnets.base.signals") >= 1
    (scripts / "train.py").rename(scripts / "train_run.py")
    rules = changed / "workflow/rules/train.smk"
    rules.write_text(rules.read_text().replace("scripts/train.py", "scripts/train_run.py"))
    # A copy has new file times, in any order.
    files = [file for file in changed.rglob("*") if file.is_file()]
    for file in sorted(files, key=hash):
        if ".snakemake" not in file.parts:
            file.touch()
    assert jobs(changed) == {}


def raise_version(clone: Path, stage: str) -> None:
    stages = clone / "workflow/rules/common.smk"
    text, found = re.subn(rf'"{stage}": \d+', f'"{stage}": 99', stages.read_text())
    assert found == 1
    stages.write_text(text)


def test_a_stage_of_another_version_re_runs_with_what_depends_on_it(changed: Path) -> None:
    raise_version(changed, "exhibits")
    figures = {"layer_figures": 1, "pooling_figure": 1, "figure": 1}
    assert jobs(changed).items() >= {"table": 2, "report": 1, **figures}.items()
    assert not jobs(changed).keys() & {"prepare_data", "train", "evaluate", "metrics", "judge"}
    raise_version(changed, "evaluation")
    found = jobs(changed)
    assert found["evaluate"] == 8
    assert found.keys() >= {"metrics", "judge", "report", "analysis"}
    assert not found.keys() & {"prepare_data", "train", "runtimes"}
    raise_version(changed, "runtimes")
    assert jobs(changed)["runtimes"] == 1


def refused(clone: Path, *changes: str) -> str:
    """What Snakemake says where it starts nothing."""
    done = snakemake(clone, "--configfile", "tiny.yaml", "--dry-run", "--config", *changes)
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Job stats" not in said
    return said


OTHER_POOL = 'variants={"max_pool_2to3_late": {"pool_size": 3}}'


def test_a_finished_result_with_other_settings_is_refused(clone: Path) -> None:
    said = refused(clone, OTHER_POOL)
    assert "results/tiny/runs/max_pool_2to3_late/seed_0:" in said
    assert "variant.pool_size: [2, 2, 2, 3] -> 3" in said
    assert "run_name=mine" in said
    assert "--config replace=" in said
    assert "stride_2" not in said
    assert "epochs: 2, of which 2 were trained -> 1" in refused(clone, "epochs=1")
    assert "training.learning_rate: 0.001 -> 0.1" in refused(
        clone, "training={'learning_rate': 0.1}"
    )
    assert "results/tiny/data:\n    subset: 1.0 -> 0.5" in refused(clone, "subset=0.5")
    assert "seed_1" in refused(clone, OTHER_POOL, "replace=max_pool_2to3_late/seed_0")


def test_a_run_that_lost_its_checkpoint_is_refused(changed: Path) -> None:
    run = changed / "results/tiny/runs/stride_2/seed_0"
    (run / "best.pt").unlink()
    assert "best.pt: missing" in refused(changed)
    history = run / "history.csv"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:-1]))
    assert "history.csv has another SHA-256" in refused(changed)


def test_a_result_that_is_named_is_replaced_and_stays_then(changed: Path) -> None:
    config = ("--config", OTHER_POOL, "replace=max_pool_2to3_late")
    expected = {"train": 2, "evaluate": 2, "runtimes": 1, "metrics": 1}
    assert jobs(changed, *config).items() >= expected.items()
    done = snakemake(changed, "metrics", "--configfile", "tiny.yaml", *config)
    assert done.returncode == 0, done.stderr
    record = changed / "results/tiny/runs/max_pool_2to3_late/seed_1/run.json"
    assert json.loads(record.read_text())["variant"]["pool_size"] == 3
    assert "train" not in jobs(changed, *config)
    assert "train" not in jobs(changed, "--config", OTHER_POOL)
    grown = ("--config", OTHER_POOL, "epochs=3", "replace=max_pool_2to3_late")
    done = snakemake(changed, str(record), "--configfile", "tiny.yaml", *grown)
    assert "stride_2" in done.stdout + done.stderr  # they are to stay as they are
    grown = (*grown[:-1], "replace=all")
    done = snakemake(changed, str(record.relative_to(changed)), "--configfile", "tiny.yaml", *grown)
    assert done.returncode == 0, done.stderr
    assert "resumed after epoch 2" in (record.parent / "train.log").read_text()
    assert json.loads(record.read_text())["epochs_trained"] == 3


def test_a_changed_setting_re_runs_what_it_concerns(clone: Path) -> None:
    assert jobs(clone, "--config", "training={'threads': 2}").keys() <= {"report", "all"}
    analysis = {"metrics", "table", "figure", "judge", "report", "all"}
    analysis |= {"gradients", "runtimes", "analysis"}
    assert jobs(clone, "--config", "seeds=[0]").keys() == analysis
    # Only the command that the report tells its readers is another.
    nist = "data={'nist': {'urls': ['https://example.org']}}"
    assert jobs(clone, "--config", nist).keys() == {"report", "all"}
