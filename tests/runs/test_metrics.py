"""From run folders to the tidy measures and back."""

from pathlib import Path

import pandas as pd
import pytest

from analysis_fixture import make_run, make_runtimes
from convnets.architectures.variant import Variant
from convnets.core.errors import UserError
from convnets.runs.metrics import (
    collect,
    filters_label,
    rank_variants,
    read_runs,
    rounds_of,
    runs_of,
    runtimes_measured,
)

DOUBLING = Variant("stride_2_f16to128", "stride", filters=(16, 32, 64, 128))
STRIDE = Variant("stride_2", "stride")


def value(metrics: pd.DataFrame, variant: str, measure: str) -> float:
    chosen = (metrics["variant"] == variant) & (metrics["measure"] == measure)
    return float(metrics.loc[chosen, "value"].item())


def test_measures_of_a_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path, STRIDE, [0.7, 0.9, 0.8], test_accuracy=0.85, epoch_seconds=2.0)
    history = folder / "history.csv"
    # seconds 2, 3, 7: they must be added up to the best epoch, not multiplied
    history.write_text(history.read_text().replace("0.9,2.0", "0.9,3.0").replace("8,2.0", "8,7.0"))
    assert history.read_text().count(",2.0") == 1
    metrics = collect([folder])
    assert list(metrics.columns) == ["variant", "seed", "measure", "value", "unit", "device"]
    expected = {
        "test_accuracy": 0.85,
        "test_images": 15_800,
        "best_val_accuracy": 0.9,
        "best_epoch": 2,
        "epochs": 3,
        "epoch_seconds": 4.0,
        "seconds_to_best": 5.0,
        "trained_epoch_seconds": 4.0,
        "trained_seconds_to_best": 5.0,
        "parameters": STRIDE.parameters,
        "filters_layer_4": 64,
    }
    assert {name: value(metrics, "stride_2", name) for name in expected} == expected
    assert not metrics.duplicated(["variant", "seed", "measure"]).any()
    assert set(metrics["device"]) == {"Tesla K80"}


def test_measured_runtimes_stand_beside_those_of_training(tmp_path: Path) -> None:
    folders = [make_run(tmp_path, STRIDE, [0.7, 0.9, 0.8], seed=seed) for seed in (0, 1)]
    folders.append(make_run(tmp_path, DOUBLING, [0.8]))
    rounds = [10.0, 11.0, 30.0]
    runtimes = make_runtimes({"stride_2": rounds, DOUBLING.id: [1.0, 1.0, 1.0]}, "A GPU", 0.25)
    path = tmp_path / "metrics.csv"
    path.write_text(collect(folders, runtimes).to_csv(index=False))
    runs = read_runs(path)
    run = runs.loc[("stride_2", 1)]
    assert (run["epoch_seconds"], run["seconds_to_best"]) == (11.0, 22.0)
    assert (run["trained_epoch_seconds"], run["trained_seconds_to_best"]) == (2.0, 4.0)
    assert (run["device"], run["runtime_device"]) == ("Tesla K80", "A GPU")
    assert run["other_cpu_share"] == 0.25
    assert rounds_of(runs, "stride_2").tolist() == rounds
    assert runtimes_measured(runs)
    units = pd.read_csv(path).set_index("measure")["unit"]
    assert set(units["epoch_seconds_round_3"]) == {"s"}
    assert set(units["other_cpu_share"]) == {"fraction"}


def test_a_variant_that_was_not_measured_has_no_runtime(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [make_run(tmp_path, variant, [0.8]) for variant in (STRIDE, DOUBLING)]
    metrics = collect(folders, make_runtimes({"stride_2": [9.0] * 9}))
    assert value(metrics, "stride_2", "epoch_seconds") == 9.0
    assert f"they were not measured: {DOUBLING.id}" in capsys.readouterr().out
    path = tmp_path / "metrics.csv"
    path.write_text(metrics.to_csv(index=False))
    run = read_runs(path).loc[(DOUBLING.id, 0)]
    assert run[["epoch_seconds", "seconds_to_best", "runtime_device"]].isna().all()
    assert run["trained_epoch_seconds"] == 2.0


def test_order_does_not_depend_on_the_order_of_the_folders(tmp_path: Path) -> None:
    folders = [
        make_run(tmp_path, STRIDE, [0.8], seed=10),
        make_run(tmp_path, STRIDE, [0.8], seed=2),
        make_run(tmp_path, DOUBLING, [0.8]),
    ]
    metrics = collect(folders)
    pd.testing.assert_frame_equal(metrics, collect(reversed(folders)))
    runs = metrics[["variant", "seed"]].drop_duplicates()
    assert runs.to_numpy().tolist() == [["stride_2", 2], ["stride_2", 10], [DOUBLING.id, 0]]


def test_runs_survive_the_file(tmp_path: Path) -> None:
    folders = [
        make_run(tmp_path, STRIDE, [0.1 + 0.2], seed=1),
        make_run(tmp_path, DOUBLING, [0.9], seed=1),
    ]
    path = tmp_path / "metrics.csv"
    path.write_text(collect(folders).to_csv(index=False))
    runs = read_runs(path)
    assert runs.loc[("stride_2", 1), "best_val_accuracy"] == 0.1 + 0.2
    assert filters_label(runs.loc[("stride_2", 1)]) == "64"
    assert filters_label(runs.loc[(DOUBLING.id, 1)]) == "16→32→64→128"
    assert runs_of(runs, "stride_4").empty


def test_filters_of_networks_of_different_depth(tmp_path: Path) -> None:
    deeper = Variant("deeper", "no_pooling", num_layers=11, filters=(*range(1, 11), 20))
    path = tmp_path / "metrics.csv"
    folders = [make_run(tmp_path, variant, [0.5]) for variant in (STRIDE, deeper)]
    path.write_text(collect(folders).to_csv(index=False))
    runs = read_runs(path)
    assert filters_label(runs.loc[("stride_2", 0)]) == "64"
    assert filters_label(runs.loc[("deeper", 0)]) == "1→2→3→4→5→6→7→8→9→10→20"


def test_variants_are_ranked_by_mean_validation_accuracy(tmp_path: Path) -> None:
    stride_3 = Variant("stride_3", "stride", stride=3)
    folders = [
        make_run(tmp_path, STRIDE, [0.95], seed=0, test_accuracy=0.99),
        make_run(tmp_path, STRIDE, [0.70], seed=1, test_accuracy=0.99),
        make_run(tmp_path, stride_3, [0.85], test_accuracy=0.10),
        make_run(tmp_path, DOUBLING, [0.85], test_accuracy=0.50),
    ]
    path = tmp_path / "metrics.csv"
    path.write_text(collect(folders).to_csv(index=False))
    asked = ["stride_2", "untrained", DOUBLING.id, "stride_3"]
    assert rank_variants(read_runs(path), asked) == [DOUBLING.id, "stride_3", "stride_2"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("run.json", "stride_2/seed_0 has no run.json"),
        ("test.json", "stride_2/seed_0 has no test.json"),
        ("history.csv", "stride_2/seed_0/history.csv is missing"),
    ],
)
def test_an_unfinished_run_is_named(tmp_path: Path, name: str, said: str) -> None:
    folder = make_run(tmp_path, STRIDE, [0.8])
    (folder / name).unlink()
    with pytest.raises(UserError, match=said):
        collect([folder])


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("variant,seed\nstride_2,0\n")
    with pytest.raises(UserError, match=r"other.csv is damaged \(it has no column 'measure'"):
        read_runs(path)
