"""The workflow as a user runs it: Snakemake on a small configuration, in a copy of the tree."""

import csv
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from convnets.core.files import file_digest
from convnets.runs.status import read_sweep
from emnist_archive import members, write_zip

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".snakemake", "resources", "__pycache__", ".*_cache"
)
TINY = """
run_name: tiny
epochs: 2
seeds: [0, 1]
experiments: [table_2, mine]
data:
  source: glyphs
  glyphs: {train: 470, test: 188}
  split: {train: 376, validation: 94, test: 188}
architecture: {filters: 4}
variants:
  max_pool_2to3_late: {method: max_pool, pool_size: [2, 2, 2, 3]}
tables:
  mine:
    title: A pool size of my own
    header: [Pool size]
    columns: [test_accuracy, parameters]
    rows:
      - {label: ["2→3"], variants: [max_pool_2to3_late]}
figures:
  figure_mine:
    title: My curves
    x: epoch
    curves:
      - {label: my pooling, variants: [max_pool_2to3_late]}
"""
ALL_VARIANTS = ("stride_2", "stride_3", "stride_4", "max_pool_2to3_late")
ANALYSES = ("accuracies", "receptive_fields", "pareto", "confusions", "agreement", "curves")
RUN_FILES = ("history.csv", "best.pt", "test.json", "predictions.npz", "run.json")

pytestmark = pytest.mark.workflow


def environment() -> dict[str, str]:
    """The environment variables, with this Python's programs first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path}


def snakemake(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `clone`."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        command,
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def jobs(clone: Path, *arguments: str) -> dict[str, int]:
    """How many jobs of each rule Snakemake would run."""
    done = snakemake(clone, "--configfile", "tiny.yaml", "--dry-run", *arguments)
    assert done.returncode == 0, done.stderr
    if "Nothing to be done" in done.stdout + done.stderr:
        return {}
    table = (done.stdout + done.stderr).split("Job stats:")[1].split("total")[0]
    return {rule: int(number) for rule, number in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


def copy_of_the_tree(folder: Path) -> Path:
    own_results = str(ROOT / "results")

    def left_out(path: str, names: list[str]) -> set[str]:
        return set(names) if path == own_results else NOT_COPIED(path, names)

    shutil.copytree(ROOT, folder, ignore=left_out, symlinks=True)
    (folder / "tiny.yaml").write_text(TINY)
    return folder


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


def append(file: Path, text: str) -> None:
    assert file.is_file()
    file.write_text(f"{file.read_text()}\n{text}\n")


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


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


def test_prepared_data_are_cached_between_workflows(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path))
    digests = []
    for name in ("first", "second"):
        settings = (f"results_folder={tmp_path}/my disk", f"run_name={name}")
        options = ("--cache", "--until", "prepare_data", "--config", *settings)
        done = snakemake(clone, "--configfile", "tiny.yaml", *options)
        assert done.returncode == 0, done.stderr
        files = sorted((tmp_path / "my disk" / name / "data").iterdir())
        assert all(file.is_symlink() for file in files)
        digests.append([file_digest(file) for file in files])
    assert digests[0] == digests[1]
    assert len(list(tmp_path.glob("*images.npy"))) == 1


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


def test_after_a_power_cut_the_same_command_goes_on(clone: Path) -> None:
    run = "results/cut/runs/stride_2/seed_0"
    command = (f"{run}/test.json", "--configfile", "tiny.yaml", "--config", "run_name=cut")
    with open(clone / "cut.log", "w") as log:
        first = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *command],
            cwd=clone,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,  # to end it with its jobs
        )
    try:
        while not (clone / run / "train.log").exists():
            assert first.poll() is None, (clone / "cut.log").read_text()
            time.sleep(0.05)
        os.killpg(first.pid, signal.SIGSTOP)
        assert list((clone / ".snakemake/locks").iterdir())
        second = snakemake(clone, *command)
        assert second.returncode != 0
        assert "LockException" in second.stdout + second.stderr
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert not (clone / run / "test.json").exists()
    done = snakemake(clone, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / run / "test.json").exists()


def test_a_wrong_configuration_starts_no_job(clone: Path) -> None:
    (clone / "wrong.yaml").write_text("variants: {mine: {method: max_pool, pool_siez: 3}}\n")
    done = snakemake(clone, "--configfile", "tiny.yaml", "wrong.yaml")
    assert done.returncode != 0
    message = "wrong.yaml: variants.mine.pool_siez is not a key here; did you mean 'pool_size'?"
    assert message in done.stdout + done.stderr
    assert "Job stats" not in done.stdout + done.stderr


def test_a_missing_archive_is_said_on_the_terminal(clone: Path) -> None:
    data = {"source": "archive", "archive": {"path": "nowhere.zip"}}
    changes = [f"data={json.dumps(data)}", "run_name=missing"]
    done = snakemake(clone, "tables", "--configfile", "tiny.yaml", "--config", *changes)
    assert done.returncode != 0
    assert "nowhere.zip" in done.stdout + done.stderr
    assert "data.archive.path" in done.stdout + done.stderr
    assert not list((clone / "results/missing/data").glob("*"))


def test_the_archive_is_downloaded_checked_and_shared(clone: Path, tmp_path: Path) -> None:
    served = write_zip(tmp_path / "served.zip", members())
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    nist = {
        "path": str(tmp_path / "kept.zip"),
        "size": served.stat().st_size,
        "sha256": file_digest(served),
    }
    split = {"train": 94, "validation": 47, "test": 47}

    def prepare(run_name: str, *urls: str) -> str:
        data = {"source": "nist", "nist": nist | {"urls": urls}, "split": split}
        changes = [f"data={json.dumps(data)}", f"run_name={run_name}"]
        target = f"results/{run_name}/data/provenance.json"
        done = snakemake(clone, target, "--configfile", "tiny.yaml", "--config", *changes)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads((clone / target).read_text())["counts"]["split"] == split
        return done.stdout + done.stderr

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        address = f"http://127.0.0.1:{server.server_port}"
        said = prepare("first", f"{address}/none.zip", f"{address}/served.zip")
        server.shutdown()
    assert "HTTP status 404" in said
    assert "100%" in said
    assert (tmp_path / "kept.zip").read_bytes() == served.read_bytes()
    assert "already there" in prepare("second", f"{address}/served.zip")
    assert "Nothing to be done" in prepare("second", f"{address}/served.zip")


def test_snakemake_s_own_report_is_made(clone: Path) -> None:
    done = snakemake(clone, "--configfile", "tiny.yaml", "--report", "report.zip")
    assert done.returncode == 0, done.stderr
    assert (clone / "report.zip").stat().st_size > 100_000


@pytest.mark.archive
@pytest.mark.skipif("EMNIST_ARCHIVE" not in os.environ, reason="EMNIST_ARCHIVE names no archive")
def test_real_images_from_a_local_archive(tmp_path: Path) -> None:
    clone = copy_of_the_tree(tmp_path / "clone")
    archive = Path(os.environ["EMNIST_ARCHIVE"]).resolve()
    data = {
        "source": "archive",
        "archive": {"path": str(archive)},
        "split": {"train": 4000, "validation": 1000, "test": 1000},
    }
    changes = [f"data={json.dumps(data)}", "run_name=real", "experiments=[table_1]", "seeds=[0]"]
    changes += ['architecture={"filters": 16}']  # a sixteenth of the arithmetic
    done = snakemake(clone, "--configfile", "config/config.yaml", "--config", "epochs=3", *changes)
    assert done.returncode == 0, done.stdout + done.stderr
    results = clone / "results/real"
    metrics = read_csv(results / "metrics.csv")
    accuracy = {
        row["variant"]: float(row["value"]) for row in metrics if row["measure"] == "test_accuracy"
    }
    assert len(accuracy) == 6
    assert accuracy["stride_2"] > 0.3  # 1 in 47 by chance
    report = (results / "report.html").read_text()
    assert "EMNIST Balanced-style subset" in report
    assert f"{accuracy['stride_2']:.3f}" in report
