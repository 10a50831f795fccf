"""A run's files belong to it provably: whatever is damaged is named, with a remedy."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from convnets.core.errors import UserError
from convnets.core.files import file_digest
from convnets.runs.run_folder import CHECKPOINT, HISTORY, PREDICTIONS, RECORD, TEST, RunFolder
from convnets.training.checkpoints import load_checkpoint, to_bytes
from convnets.training.evaluation import SCORES, leave_scores, left_scores
from real_runs import SCRIPTS, complete, run_forked, training_arguments


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("finished") / "seed_0"
    complete(data, run, epochs=2)
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to damage."""
    return Path(shutil.copytree(finished, tmp_path / "seed_0"))


def test_official_test_images_count_apart(data: Path, run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    provenance = json.loads((copy / "provenance.json").read_text())
    provenance["official_test_images"] = provenance["counts"]["available"]["test"] // 2
    (copy / "provenance.json").write_text(json.dumps(provenance))
    assert "official_test_images" not in RunFolder(run).test
    log = tmp_path / "evaluate.log"
    assert run_forked(["evaluate.py", "--data", str(copy), "--run", str(run)], log)[0] == 0
    folder = RunFolder(run)
    test, predictions = folder.test, folder.predictions
    first = provenance["counts"]["available"]["train"]
    official = predictions["index"] < first + provenance["official_test_images"]
    correct = (predictions["prediction"] == predictions["label"])[official]
    assert test["official_test_images"] == official.sum() > 0
    assert test["official_test_accuracy"] == pytest.approx(correct.mean())
    assert {name: str(array.dtype) for name, array in np.load(run / "predictions.npz").items()} == {
        "index": "int32", "label": "uint8", "prediction": "uint8", "confidence": "uint8"
    }  # fmt: skip


def test_the_first_test_needs_no_pytorch_and_later_ones_agree(data: Path, tmp_path: Path) -> None:
    run, log = tmp_path / "seed_0", tmp_path / "log"
    assert run_forked(training_arguments(data, run, 2), log)[0] == 0, log.read_text()
    evaluate = ["--data", str(data), "--run", str(run)]
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "torch.py").write_text("raise ImportError('not here')")
    command = [sys.executable, str(SCRIPTS / "evaluate.py"), *evaluate]
    environment = os.environ | {"PYTHONPATH": str(hidden)}
    subprocess.run(command, check=True, env=environment)
    first = (run / TEST).read_bytes()
    assert not (run / SCORES).exists()
    assert run_forked(["evaluate.py", *evaluate], log)[0] == 0, log.read_text()
    assert (run / TEST).read_bytes() == first


def test_scores_of_another_checkpoint_are_not_used(run: Path) -> None:
    np.savez(run / SCORES, scores=np.zeros((2, 47)), checkpoint="of another")
    assert left_scores(RunFolder(run), (2, 47)) is None
    leave_scores(RunFolder(run), np.ones((2, 47)))
    assert np.array_equal(left_scores(RunFolder(run), (2, 47)), np.ones((2, 47)))
    cut(run / SCORES)
    assert left_scores(RunFolder(run), (2, 47)) is None


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def read_all(run: Path) -> None:
    folder = RunFolder(run)
    load_checkpoint(folder, "cpu")
    assert folder.history
    assert len(folder.predictions["label"])


def test_what_a_run_wrote_is_read(run: Path) -> None:
    read_all(run)
    assert [row["epoch"] for row in RunFolder(run).history] == [1, 2]


@pytest.mark.parametrize("damage", [flip_a_bit, cut, Path.unlink])
@pytest.mark.parametrize("name", [RECORD, TEST, HISTORY, CHECKPOINT, PREDICTIONS])
def test_a_damaged_file_is_named_with_its_remedy(
    run: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(run / name)
    with pytest.raises(UserError) as caught:
        read_all(run)
    said = str(caught.value)
    assert name in said
    if damage is not Path.unlink or name not in (RECORD, TEST):
        again = TEST if name in (TEST, PREDICTIONS) else RECORD
        assert f"restore the file, or delete {run / again}" in said


def test_a_changed_number_in_a_record_is_noticed(run: Path) -> None:
    for name in (RECORD, TEST):
        path = run / name
        before = path.read_text()
        path.write_text(before.replace('"seed": 0', '"seed": 1'))
        with pytest.raises(UserError, match=rf"{name} has another SHA-256"):
            read_all(run)
        path.write_text(before)


def test_files_of_another_run_are_noticed(run: Path, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    log = tmp_path / "log"
    for arguments in (
        training_arguments(data, other, learning_rate=0.02),
        ["evaluate.py", "--data", str(data), "--run", str(other)],
    ):
        assert run_forked(arguments, log)[0] == 0, log.read_text()
    for name in (HISTORY, CHECKPOINT, TEST):
        before = (run / name).read_bytes()
        shutil.copy(other / name, run / name)
        with pytest.raises(UserError, match=name):
            read_all(run)
        (run / name).write_bytes(before)


def test_weights_that_are_not_finite_are_refused(run: Path) -> None:
    checkpoint = torch.load(run / CHECKPOINT, weights_only=True)
    first = next(iter(checkpoint["network"].values()))
    first[0] = float("nan")
    (run / CHECKPOINT).write_bytes(to_bytes(checkpoint))
    record = json.loads((run / RECORD).read_text())
    record.pop("sha256")  # as if the run itself had written them
    record["files"][CHECKPOINT] = file_digest(run / CHECKPOINT)
    (run / RECORD).write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"best.pt contains weights that are not finite"):
        load_checkpoint(RunFolder(run), "cpu")


def test_records_from_before_the_digests_are_read(run: Path) -> None:
    for name in (RECORD, TEST):
        record = json.loads((run / name).read_text())
        del record["files"], record["sha256"]
        (run / name).write_text(json.dumps(record))
    read_all(run)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (["evaluate.py", "--run", "RUN", "--data", "DATA"], CHECKPOINT),
        (["collect_metrics.py", "--runs", "RUN", "--output", "OUT"], HISTORY),
        (["analyse.py", "agreement", "--runs", "RUN", "--metrics", "M", "--provenance",
          "DATA/provenance.json", "--table", "OUT", "--output", "OUT"], PREDICTIONS),
    ],
)  # fmt: skip
def test_programs_end_with_one_message(
    run: Path, data: Path, tmp_path: Path, script: list[str], name: str
) -> None:
    metrics = tmp_path / "metrics.csv"
    collect = ["collect_metrics.py", "--runs", str(run), "--output", str(metrics)]
    subprocess.run([sys.executable, SCRIPTS / collect[0], *collect[1:]], check=True)
    flip_a_bit(run / name)
    places = {"RUN": str(run), "OUT": str(tmp_path / "out"), "M": str(metrics)}
    words = [places.get(word, word.replace("DATA", str(data))) for word in script]
    command = [sys.executable, str(SCRIPTS / words[0]), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {run / name} has another SHA-256")
    assert "Traceback" not in done.stderr
