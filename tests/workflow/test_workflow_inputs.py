"""The workflow with other images, a wrong configuration, and a power cut."""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from workflow_tree import copy_of_the_tree, environment, read_csv, snakemake

from convnets.core.files import file_digest
from emnist_archive import members, write_zip

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree without results."""
    return copy_of_the_tree(tmp_path_factory.mktemp("inputs") / "tree")


def test_prepared_data_are_cached_between_workflows(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path))
    digests = []
    for name in ("first", "second"):
        settings = (f"results_folder={tmp_path}/my disk", f"run_name={name}")
        options = ("--cache", "--until", "prepare_data", "--config", *settings)
        done = snakemake(tree, "--configfile", "tiny.yaml", *options)
        assert done.returncode == 0, done.stderr
        files = sorted((tmp_path / "my disk" / name / "data").iterdir())
        assert all(file.is_symlink() for file in files)
        digests.append([file_digest(file) for file in files])
    assert digests[0] == digests[1]
    assert len(list(tmp_path.glob("*images.npy"))) == 1


def test_after_a_power_cut_the_same_command_goes_on(tree: Path) -> None:
    run = "results/cut/runs/stride_2/seed_0"
    command = (f"{run}/test.json", "--configfile", "tiny.yaml", "--config", "run_name=cut")
    with open(tree / "cut.log", "w") as log:
        first = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *command],
            cwd=tree,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,  # to end it with its jobs
        )
    try:
        while not (tree / run / "train.log").exists():
            assert first.poll() is None, (tree / "cut.log").read_text()
            time.sleep(0.05)
        os.killpg(first.pid, signal.SIGSTOP)
        assert list((tree / ".snakemake/locks").iterdir())
        second = snakemake(tree, *command)
        assert second.returncode != 0
        assert "LockException" in second.stdout + second.stderr
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert not (tree / run / "test.json").exists()
    done = snakemake(tree, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tree / run / "test.json").exists()


def test_a_wrong_configuration_starts_no_job(tree: Path) -> None:
    (tree / "wrong.yaml").write_text("variants: {mine: {method: max_pool, pool_siez: 3}}\n")
    done = snakemake(tree, "--configfile", "tiny.yaml", "wrong.yaml")
    assert done.returncode != 0
    message = "wrong.yaml: variants.mine.pool_siez is not a key here; did you mean 'pool_size'?"
    assert message in done.stdout + done.stderr
    assert "Job stats" not in done.stdout + done.stderr


def test_a_missing_archive_is_said_on_the_terminal(tree: Path) -> None:
    data = {"source": "archive", "archive": {"path": "nowhere.zip"}}
    changes = [f"data={json.dumps(data)}", "run_name=missing"]
    done = snakemake(tree, "tables", "--configfile", "tiny.yaml", "--config", *changes)
    assert done.returncode != 0
    assert "nowhere.zip" in done.stdout + done.stderr
    assert "data.archive.path" in done.stdout + done.stderr
    assert not list((tree / "results/missing/data").glob("*"))


def test_the_archive_is_downloaded_checked_and_shared(tree: Path, tmp_path: Path) -> None:
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
        done = snakemake(tree, target, "--configfile", "tiny.yaml", "--config", *changes)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads((tree / target).read_text())["counts"]["split"] == split
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
    changes = [f"data={json.dumps(data)}", "run_name=real", "experiments=[table_2]", "seeds=[0]"]
    changes += ['architecture={"filters": 16}']  # a sixteenth of the arithmetic
    settings = ["--configfile", "config/config.yaml", "--config", "epochs=3", *changes]
    done = snakemake(clone, *settings, "--", "tables")
    assert done.returncode == 0, done.stdout + done.stderr
    results = clone / "results/real"
    metrics = read_csv(results / "metrics.csv")
    accuracy = {
        row["variant"]: float(row["value"]) for row in metrics if row["measure"] == "test_accuracy"
    }
    assert len(accuracy) == 3
    assert accuracy["stride_2"] > 0.3  # 1 in 47 by chance
    table = (results / "tables/table_2.md").read_text()
    assert "EMNIST Balanced-style subset" in table
    assert f"{accuracy['stride_2']:.3f}" in table
