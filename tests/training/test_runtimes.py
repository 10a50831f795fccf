"""Runtimes measured side by side: a real measurement of small variants, its file and its end."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError
from convnets.runs.metrics import FEWEST_ROUNDS, median_interval, read_runtimes
from convnets.training import runtimes
from real_runs import call, prepare_data, start

CHEAP = Variant("cheap", "fully_connected", filters=4)
MIDDLE = Variant("middle", "max_pool", filters=8)
DEAR = Variant("dear", "no_pooling", filters=32)
SETTINGS = TrainingSettings(batch_size=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, and records of finished runs, two of which have the same variant."""
    folder = tmp_path_factory.mktemp("runtimes")
    prepare_data(folder / "data")
    for variant, seed in ((CHEAP, 0), (MIDDLE, 0), (DEAR, 0), (DEAR, 1)):
        run = folder / "runs" / variant.id / f"seed_{seed}"
        run.mkdir(parents=True)
        record = {"variant": variant.specification(), "seed": seed, "train_seconds": 30.0}
        record |= dict.fromkeys(("epochs", "best_epoch", "receptive_field"), 1)
        record |= {"parameters": variant.parameters, "multiply_adds": variant.multiply_adds}
        record |= {"device_name": "made up", "best_val_accuracy": 0.5}
        record["training"] = dataclasses.asdict(SETTINGS)
        (run / "run.json").write_text(json.dumps(record))
    return folder


def arguments(folder: Path, output: Path, **changed: Any) -> list[str]:
    options = {"data": folder / "data", "rounds": FEWEST_ROUNDS, "output": output} | changed
    runs = [str(run) for run in sorted(folder.glob("runs/*/seed_*"))]
    pairs = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    return ["measure_runtimes.py", "--runs", *runs, *pairs]


def test_a_measurement(folder: Path, tmp_path: Path) -> None:
    status, said = call(arguments(folder, tmp_path / "runtimes.csv"))
    assert status == 0, said
    assert f"round {FEWEST_ROUNDS} of {FEWEST_ROUNDS}: " in said
    table = read_runtimes(tmp_path / "runtimes.csv")
    assert sorted(table.index) == ["cheap", "dear", "middle"]  # once, with two seeds too
    assert table.drop(columns="other_gpu_processes").notna().all(axis=None)
    seconds = table["epoch_seconds"]
    assert seconds["cheap"] < seconds["middle"] < seconds["dear"]
    assert (table["epoch_seconds_low"] <= seconds).all()
    assert (seconds <= table["epoch_seconds_high"]).all()
    rounds = table[[f"round_{number}" for number in range(1, FEWEST_ROUNDS + 1)]]
    assert seconds.tolist() == rounds.median(axis=1).tolist()
    steps = table["step_seconds"] * table["train_images"] / table["batch_size"]
    assert (steps + table["validation_seconds"]).tolist() == pytest.approx(seconds, rel=0.3)
    assert table["other_cpu_share"].between(0, 1).all()
    assert set(table["threads"]) == {1}


def test_a_stopped_measurement_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    process = start(arguments(folder, tmp_path / "runtimes.csv", rounds=1000))
    assert process.stdout
    assert process.stdout.readline().startswith("round 1 of 1000: ")
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "interrupted by SIGTERM in round " in output
    assert not list(tmp_path.iterdir())


def test_errors_name_what_to_do(folder: Path, tmp_path: Path) -> None:
    status, said = call(arguments(folder, tmp_path / "runtimes.csv", rounds=5))
    assert (status, "--rounds is 5, expected 6 or more" in said) == (1, True)
    status, said = call([*arguments(folder, tmp_path / "runtimes.csv"), "--runs", str(tmp_path)])
    assert status == 1
    assert "has no run.json, expected the folder of a finished run" in said
    (tmp_path / "old.csv").write_text("variant,epoch_seconds\nstride_2,1.0\n")
    with pytest.raises(UserError, match=r"no column 'epoch_seconds_low', .*: measure it again"):
        read_runtimes(tmp_path / "old.csv")


def test_each_round_has_another_order_with_every_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    def block(run: SimpleNamespace, *_: object) -> dict[str, float]:
        measured = ("step_seconds", "validation_seconds", "epoch_seconds", "other_cpu_share")
        return dict.fromkeys(measured, float(len(run.variant.id)))

    monkeypatch.setattr(runtimes, "measure_block", block)
    runs = [
        SimpleNamespace(
            variant=Variant(f"stride_{filters}", "stride", filters=filters),
            settings=SETTINGS,
            record={"seed": 0},
        )
        for filters in range(1, 11)
    ]
    lines: list[str] = []
    parts = {"cpu": (None, None), "cuda": (None, None)}

    def measured() -> pd.DataFrame:
        return runtimes.measure(runs, parts, 9, lambda: None, lines.append)  # type: ignore[arg-type]

    blocks = measured()
    orders = [tuple(group["variant"]) for _, group in blocks.groupby("round")]
    assert len(lines) == len(set(orders)) == 9
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(orders[0]))}
    pd.testing.assert_frame_equal(blocks, measured())  # the seed decides


def test_a_block_lasts_about_as_long_as_it_should() -> None:
    calls: list[int] = []

    def work(number: int) -> None:
        calls.append(number)
        time.sleep(0.01 * number)

    seconds, number = runtimes.timed_block(work, 1000, 0.1, "cpu")
    assert calls == [1, number]
    assert 0.01 * number <= seconds
    assert 2 < number <= 10
    calls.clear()
    assert runtimes.timed_block(work, 1000, 0.0, "cpu")[1] == 1
    assert calls == [1]  # long enough, so it counts
    assert runtimes.timed_block(work, 2, 10.0, "cpu")[1] == 2


def test_work_of_others_is_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        start = runtimes.cpu_seconds()
        time.sleep(0.5)
        assert runtimes.other_cpu_share(start) > 0.2 / (os.cpu_count() or 1)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", range(6, 40))
def test_the_interval_of_a_median_has_its_coverage(number: int) -> None:
    low, high = median_interval(np.arange(1.0, number + 1))
    assert low + high == number + 1
    assert stats.binom.cdf(low - 1, number, 0.5) <= 0.025  # so many values are all above it
    assert stats.binom.cdf(low, number, 0.5) > 0.025  # and it is as narrow as can be
    assert np.isnan(median_interval(np.arange(5.0))).all()
