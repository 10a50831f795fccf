"""The efficiency study: it times what it says, and counts memory and arithmetic right."""

import math
import multiprocessing

import numpy as np
import pandas as pd
import pytest

from convnets.architectures.images import ImageKind
from convnets.architectures.variant import Variant
from convnets.core.timing import MOST_CALLS, fastest, peak_of_numpy, peak_of_process
from convnets.lesson import efficiency
from convnets.lesson.cases import CASES, PASSES, Case
from convnets.lesson.efficiency import (
    IMPLEMENTATIONS,
    calls_of,
    measure_agreement,
    measure_convolutions,
    measure_duplication,
    measure_layer_times,
)

CASE = Case(batch=2, channels=3, kernel=3, stride=2, size=7)


def test_all_implementations_compute_the_same() -> None:
    calls = calls_of(CASE)
    assert {name for name, _ in calls} == {*IMPLEMENTATIONS, "pytorch", "matrix_product"}
    for name in IMPLEMENTATIONS:
        for pass_name in PASSES:
            ours = np.asarray(calls[name, pass_name]()).squeeze()
            theirs = np.asarray(calls["pytorch", pass_name]()).squeeze()
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


def test_the_matrix_product_is_that_of_im2col() -> None:
    calls = calls_of(CASE)
    outputs, product = (
        np.asarray(calls[name, "outputs"]()) for name in ("im2col", "matrix_product")
    )
    np.testing.assert_array_equal(outputs.transpose(1, 0, 2, 3).reshape(3, -1), product)
    grads, product = (
        np.asarray(calls[name, "weight_gradients"]()) for name in ("im2col", "matrix_product")
    )
    np.testing.assert_allclose(grads.reshape(3, -1), product, rtol=1e-5)


def test_float32_and_float64_agree_with_pytorch_to_their_rounding() -> None:
    rows = pd.DataFrame(measure_agreement([CASE]))
    assert len(rows) == 2 * 3 * len(IMPLEMENTATIONS)
    largest = rows.groupby("dtype")["difference"].max()
    assert 1e-9 < largest["float32"] < 1e-5
    assert 0 < largest["float64"] < 1e-14


def test_a_row_has_time_memory_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficiency, "MATRIX_SIZE", 64)
    monkeypatch.setattr(efficiency, "ENOUGH_SECONDS", 0.0)
    rows = pd.DataFrame(measure_convolutions([CASE]))
    assert len(rows) == 3 * (len(IMPLEMENTATIONS) + 2)
    # 2 images, 3 x 3 channels, 3 x 3 weights, 4 x 4 places.
    assert set(rows["multiply_adds"]) == {2 * 9 * 9 * 16}
    np.testing.assert_allclose(rows["rate"] * rows["seconds"], 2 * rows["multiply_adds"])
    assert (rows["machine_rate"] > 0).all()
    peaks = rows[rows["pass"] == "outputs"].set_index("implementation")["peak_bytes"]
    columns = 4 * 3 * 9 * 2 * 16
    assert peaks["matrix_product"] < columns < peaks["im2col"]


def test_loops_are_left_out_where_they_would_take_long() -> None:
    loops = [case for case in CASES if ("loops", "outputs") in calls_of(case)]
    for name in ("batch", "channels", "kernel", "stride", "size"):
        assert len({getattr(case, name) for case in loops}) >= 3
    assert max(case.multiply_adds for case in loops) <= efficiency.MOST_LOOP_PRODUCTS
    assert len(loops) < len(CASES) == len(set(CASES))


def test_duplication_is_the_theory_where_windows_tile_the_padded_input() -> None:
    cases = [Case(1, 2, 3, 1, 28), Case(5, 1, 3, 3, 28), Case(1, 1, 1, 1, 5)]
    rows = pd.DataFrame(measure_duplication(cases))
    assert rows["theory"].tolist() == [9, 1, 1]
    # With stride 3 there are 10 x 10 windows of 9 pixels on 28 x 28.
    assert rows["duplication"].tolist() == pytest.approx([9, 900 / 784, 1])
    assert rows["input_bytes"].tolist() == [4 * 2 * 784, 4 * 5 * 784, 4 * 25]


def test_a_quick_call_is_repeated_and_a_slow_one_is_not() -> None:
    calls: list[str] = []
    assert fastest(lambda: calls.append("quick"), enough_seconds=math.inf) < 1
    assert len(calls) == MOST_CALLS
    fastest(lambda: calls.append("slow"), enough_seconds=0)
    assert calls.count("slow") == 2


def ten_then_six_megabytes() -> np.ndarray:
    first = np.ones(10_000_000, np.uint8)
    del first
    return np.ones(6_000_000, np.uint8)


def test_peak_memory_counts_what_is_held_at_once() -> None:
    assert peak_of_numpy(ten_then_six_megabytes) == pytest.approx(10_000_000, rel=0.01)
    # A process of its own: other tests set up this one's memory for training.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        of_process = pool.apply(peak_of_process, (ten_then_six_megabytes,))
    if math.isnan(of_process):
        pytest.skip("only Linux counts the memory of a process")
    assert of_process == pytest.approx(10_000_000, rel=0.1)


def test_shares_of_layers_add_up() -> None:
    colour = ImageKind(size=32, channels=3, classes=10)
    variants = [
        Variant("max_pool_2_f4", "max_pool", filters=4),
        Variant("fully_connected", "fully_connected"),
        Variant("colour", "stride", filters=4, image_kind=colour),
    ]
    rows = pd.DataFrame(measure_layer_times(variants))
    assert rows.groupby(["variant", "pass"])["share"].sum().tolist() == pytest.approx([1] * 6)
    seconds = rows.pivot(index=["variant", "kind"], columns="pass", values="seconds")
    assert (seconds.loc["max_pool_2_f4"] > 0).all(axis=None)
    assert (seconds.loc[("fully_connected", "convolution")] == 0).all()
    assert (seconds.loc[("fully_connected", "fully_connected")] > 0).all()
