"""Early stopping: when a run ends, what it says of it, and that stopping is no other training."""

import json
from pathlib import Path

import pytest

from convnets.runs.progress import last_epoch
from real_runs import finals, run_forked, training_arguments


@pytest.mark.parametrize(
    ("accuracies", "epochs", "patience", "end"),
    [
        ([], 3, None, None),
        ([0.1, 0.2], 3, None, None),
        ([0.1, 0.2, 0.1], 3, None, 3),
        ([0.1, 0.2, 0.1], 9, 2, None),
        ([0.1, 0.2, 0.1, 0.15], 9, 2, 4),
        ([0.1, 0.2, 0.2, 0.2], 9, 2, 4),  # a tie is no improvement
        ([0.1, 0.2, 0.1, 0.3], 9, 2, None),
        ([0.1, 0.2, 0.1, 0.15, 0.9], 9, 2, 4),  # what came later does not matter
        ([0.5, 0.4, 0.3], 3, 2, 3),
    ],
)
def test_where_a_run_ends(
    accuracies: list[float], epochs: int, patience: int | None, end: int | None
) -> None:
    assert last_epoch(accuracies, epochs, patience) == end


def test_a_run_that_stops_early_says_so_and_can_go_on(data: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    slow = {"learning_rate": 1e-7}  # hardly anything changes, so soon nothing is better

    def train(run: Path, epochs: int, **settings: float) -> str:
        status, output = run_forked(training_arguments(data, run, epochs, **slow, **settings), log)
        assert status == 0, output
        return output

    said = train(tmp_path / "early", 40, patience=2)
    record = json.loads((tmp_path / "early/run.json").read_text())
    assert record["stopped"] == "early"
    assert record["epochs"] == 40
    assert record["epochs_trained"] == record["best_epoch"] + 2 < 40
    assert f"stopped early after epoch {record['epochs_trained']} of 40" in said
    assert "at most" in said

    end = record["epochs_trained"]
    train(tmp_path / "whole", end)
    whole = json.loads((tmp_path / "whole/run.json").read_text())
    assert (whole["stopped"], whole["epochs_trained"]) == ("finished", end)
    assert finals(tmp_path / "early") == finals(tmp_path / "whole")

    # The same run, whichever rule ends it there; not the same when it would go on or end before.
    for epochs, settings in ((end, {}), (end, {"patience": 2}), (90, {"patience": 2})):
        assert "finished already" in train(tmp_path / "whole", epochs, **settings)
    status, output = run_forked(training_arguments(data, tmp_path / "early", 90, **slow), log)
    assert status == 1
    assert "epochs: at most 40 with patience 2" in output
    (tmp_path / "early/run.json").unlink()
    train(tmp_path / "early", end + 1)
    assert "resumed after epoch" in log.read_text()
