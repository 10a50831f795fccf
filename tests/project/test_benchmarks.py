"""The benchmark: its counting by hand, its tables, and the whole program on small networks."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import bench, measure, patience, rates, side_by_side, startup
from benchmarks.bounds import Stage, Work, largest_features, stages, step_work
from benchmarks.measure import Timing
from benchmarks.tables import speed_table, summary
from convnets.architectures.variant import Variant
from convnets.config.settings import SplitSettings, TrainingSettings
from convnets.core.errors import UserError
from convnets.training.hardware import Plan

TINY = Variant(id="tiny", method="max_pool", num_layers=1, filters=2, padding=0, pool_padding=0)
"""Convolution 1x28x28 -> 2x26x26, pooling -> 2x13x13, mean -> 2x2x2, linear -> 47."""
SETTINGS = TrainingSettings(batch_size=10)
CPU = Plan("cpu", "float32", channels_last=True, cuda_graph=False)


def test_stages_of_a_tiny_variant() -> None:
    assert list(stages(TINY)) == [
        Stage(784, 1352, weights=18, multiply_adds=12168),
        Stage(1352, 338),
        Stage(338, 8),
        Stage(8, 47, weights=376, multiply_adds=376),
    ]
    assert largest_features(TINY) == 1352


def test_work_of_a_tiny_variant_by_hand() -> None:
    work = step_work(TINY, SETTINGS, element_bytes=2)
    # forward and gradient of weights; the linear layer has the gradient of its input as well
    assert work.operations == 2 * 10 * (2 * 12168 + 3 * 376)
    convolution = 2 * (10 * (784 + 1352) + 18)
    pooling, mean = 2 * 10 * (1352 + 338), 2 * 10 * (338 + 8)
    linear = 3 * (10 * (8 + 47) + 376)
    adam = 7 * (18 + 376)  # weight, gradient and two moments in, weight and moments out
    assert work.bytes == 2 * (convolution + pooling + mean + linear) + 4 * adam


def test_work_depends_on_optimiser_elements_and_head() -> None:
    bfloat16, float32 = (step_work(TINY, SETTINGS, size) for size in (2, 4))
    assert float32.operations == bfloat16.operations
    sgd = step_work(TINY, dataclasses.replace(SETTINGS, optimizer="sgd"), 2)
    assert bfloat16.bytes - sgd.bytes == 4 * 4 * TINY.parameters
    flattened = dataclasses.replace(TINY, head="flattened")
    assert [stage.features_in for stage in stages(flattened)] == [784, 1352, 338]


def test_a_fully_connected_layer_counts_like_a_matrix_product() -> None:
    variant = Variant(id="line", method="fully_connected", num_layers=1, filters=5)
    work = step_work(variant, SETTINGS, element_bytes=4)
    assert work.operations == 2 * 10 * (2 * 784 * 5 + 3 * 5 * 47)


def timing(id: str, peer: list[float], engine: list[float], rate: float = 1e9) -> Timing:
    """A measurement of steps of 100 images that need a million operations and 1000 bytes."""
    variant = dataclasses.replace(TINY, id=id)
    return Timing(variant, peer, engine, 100, Work(1e6, 1e3), 500, 1e9, (rate, f"at {rate:g}"))


def test_ratios_are_taken_block_by_block() -> None:
    # The machine was twice as fast in the second block; the ratio knows nothing of it.
    (row,) = speed_table([timing("a", [100, 200, 100], [300, 600, 300])]).to_dict("records")
    assert (row["ratio_q1"], row["ratio"], row["ratio_q3"]) == (3, 3, 3)
    assert row["peer_images_per_second"] == 100
    assert row["peer_images_per_second_q3"] == 150


def test_the_bound_takes_the_best_rate_of_the_run() -> None:
    table = speed_table([timing("a", [1], [5e4], rate=1e9), timing("b", [1], [1e5], rate=2e9)])
    assert table["bound_images_per_second"].tolist() == [2e5, 2e5]
    assert table["bound_by"].unique().tolist() == ["arithmetic"]
    assert table["gemm_operation"].unique().tolist() == ["at 2e+09"]
    assert table["fraction_of_bound"].tolist() == [0.25, 0.5]


def test_bytes_bind_where_they_take_longer() -> None:
    slow_memory = dataclasses.replace(timing("a", [1], [1]), copy_rate=1e5)
    (row,) = speed_table([slow_memory]).to_dict("records")
    assert (row["bound_by"], row["bound_images_per_second"]) == ("bytes", 1e4)


def test_the_mean_is_over_the_first_variant_of_each_family() -> None:
    table = speed_table([timing("a", [1], [2]), timing("a_wide", [1], [50])])
    other = table.iloc[:1].assign(variant="b", family="stride", ratio=8.0)
    table = pd.concat([table, other])
    durations = pd.DataFrame([{"measure": "", "variant": "", "images": 1, "seconds": 1.0}])
    assert "over 2 families: 4.00 times" in summary(table, durations)


def test_rates_are_those_of_a_named_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "SHAPES", {"cpu": ((64, 64, 64),)})
    monkeypatch.setattr(rates, "CONVOLUTIONS", ((8, 7),))
    rate, name = rates.arithmetic_rate(CPU)
    assert rate > 1e6
    assert name in ("matrix product 64x64x64", "3x3 convolution of 100x8x7x7")
    assert rates.copy_rate("cpu", 100_000) > 1e6


def test_the_whole_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = SplitSettings(train=200, validation=100, test=100)
    for module in (bench, measure):
        monkeypatch.setattr(module, "SPLIT", split)
    monkeypatch.setattr(measure, "BLOCK_SECONDS", 0.0)
    seconds, timed = startup._seconds, list[float]()

    def remembered(command: list[str]) -> float:
        timed.append(seconds(command))
        return timed[-1]

    monkeypatch.setattr(startup, "_seconds", remembered)
    variants = ["stride_2_f16"]
    options = ["--precision=float32", "--device=cpu", "--runs=2", "--repeats=1"]
    command = ["bench", *options, f"--output={tmp_path}", "--variants", *variants]
    monkeypatch.setattr(sys, "argv", command)
    bench.main()

    (durations_file,) = tmp_path.glob("*-float32_startup.csv")
    prefix = str(durations_file).removesuffix("_startup.csv")
    assert {
        f"{prefix}{end}" for end in (".csv", "_startup.csv", "_breakdown.csv", ".svg", ".png")
    } == {str(file) for file in tmp_path.iterdir()}
    speeds = pd.read_csv(f"{prefix}.csv")
    assert speeds["variant"].tolist() == variants
    assert speeds["family"].tolist() == ["stride"]
    assert set(speeds["threads"]) == set(speeds["repeats"]) == {1}
    assert set(speeds["runs"]) == {2}
    assert not speeds.isna().any().any()
    engine, peer = speeds["engine_images_per_second"], speeds["peer_images_per_second"]
    assert (engine / peer).tolist() == pytest.approx(speeds["ratio"].tolist(), rel=1e-4)
    bounds = 100e12 * speeds["gemm_tflops"] / (speeds["gflop_per_step"] * 1e9)
    assert (speeds["bound_images_per_second"] <= 1.0001 * bounds).all()
    fractions = engine / speeds["bound_images_per_second"]
    assert fractions.tolist() == pytest.approx(speeds["fraction_of_bound"].tolist(), rel=1e-4)
    parts = pd.read_csv(f"{prefix}_breakdown.csv").filter(like="_ms").iloc[0]
    assert parts["convolution_backward_ms"] > parts["convolution_forward_ms"] > 0
    assert parts["relu_ms"] > parts["pooling_ms"] == 0
    assert 0.2 < parts.sum() * engine[0] / 1e5 < 5
    durations = pd.read_csv(durations_file)
    assert durations["measure"].tolist() == ["evaluation", "startup"]
    assert durations["images"].tolist() == [100, 400]
    evaluation, start = durations["seconds"]
    _, _, torch_alone, whole = timed
    assert min(evaluation, torch_alone, whole) > 0
    assert start == pytest.approx(whole - torch_alone, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threads=0"], "--threads is 0, expected 1 or more"),
        (["--repeats=0"], "--repeats is 0, expected 1 or more"),
        (["--runs=0"], "--runs is 0, expected 1 or more"),
        (["--variants", "max_pool_9"], "--variants names 'max_pool_9': no such variant"),
        pytest.param(
            ["--device=cuda"],
            "finds no GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_bad_input_is_an_error_in_words(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", f"--output={tmp_path}", *options])
    with pytest.raises(UserError, match=message):
        bench.main()
    assert not any(tmp_path.iterdir())


def test_a_file_that_is_no_configuration_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("training: {}\n")
    monkeypatch.setattr(bench, "CONFIG", file)
    monkeypatch.setattr(sys, "argv", ["bench"])
    with pytest.raises(UserError, match="is no configuration of this project"):
        bench.main()


def test_runs_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "BLOCK_SECONDS", 0.0)
    options = ["--runs=2", "--threads=2", "--repeats=2", "--device=cpu", "--precision=float32"]
    command = ["side_by_side", *options, f"--output={tmp_path}", "--variants", "fully_connected"]
    monkeypatch.setattr(sys, "argv", command)
    side_by_side.main()
    (file,) = tmp_path.iterdir()
    assert file.name.endswith("-float32_side_by_side.csv")
    table = pd.read_csv(file).set_index("runs")
    assert list(table.index) == [1, 2]
    assert list(table["threads"]) == [2, 1]
    assert table.loc[1, "ratio"] == 1
    assert table.loc[2, "images_per_second"] > 0


def test_speeds_count_the_images_of_all_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "together", lambda workers, *call: [1.0, 2.0])
    workers = {runs: [None] * runs for runs in (1, 4)}
    speeds = side_by_side.measure(workers, TINY, batch_size=10, repeats=1)  # type: ignore[arg-type]
    steps = 3  # a block's 2 s at 2 s for 3 steps
    assert speeds == {1: [steps * 10 / 2], 4: [4 * steps * 10 / 2]}


def test_what_a_patience_loses_of_a_known_curve() -> None:
    accuracy = np.full(100, 0.5)
    accuracy[[9, 19, 39]] = 0.6, 0.7, 0.8  # better after 10, 10 and 20 epochs
    rows = {row["patience"]: row for row in patience.losses("v", "r", accuracy)}
    assert (rows[9]["best_epoch"], rows[9]["trained"]) == (10, 19)
    assert (rows[10]["best_epoch"], rows[10]["trained"]) == (20, 30)
    assert (rows[20]["best_epoch"], rows[20]["trained"]) == (40, 60)
    assert rows[10]["lost"] == pytest.approx(10)
    assert [rows[number]["missed"] for number in (19, 20)] == [True, False]
