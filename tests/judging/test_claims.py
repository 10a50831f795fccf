"""The claims as data, and their way from runs to verdicts."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from analysis_fixture import GLYPHS, OFFICIAL, make_run
from convnets.architectures.variant import Variant
from convnets.core.errors import UserError
from convnets.judging.claims import Claim, Comparison, load_claims
from convnets.judging.mechanism import (
    elementwise_convolution,
    im2col_convolution,
    measure_mechanism,
)
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.table import COLUMNS, judge_all
from convnets.judging.witnesses import read_correct
from convnets.runs.metrics import collect, read_runs

ROOT = Path(__file__).parents[2]
CLAIMS = load_claims(ROOT / "config/claims.yaml")
PUBLISHED = read_published(ROOT / "config/published_values.csv")
PRIOR = read_prior(ROOT / "config/prior")
MECHANISM = json.loads((ROOT / "results/published/reference/mechanism.json").read_text())
IMAGES = 2000


def write_run(
    runs: Path, variant: str, share_right: float, *, seed: int = 0, best: int = 40, first: int = 0
) -> Path:
    """A run of 100 epochs that is correct on the first `share_right` of its test images."""
    curve = [0.8 if epoch == best else 0.5 for epoch in range(1, 101)]
    share = round(share_right * IMAGES) / IMAGES
    folder = make_run(runs, Variant(variant, "stride"), curve, seed=seed, test_accuracy=share,
                      test_images=IMAGES)  # fmt: skip
    label = np.ones(IMAGES, np.uint8)
    right = np.arange(IMAGES) < share * IMAGES
    index = np.arange(first, first + IMAGES)
    np.savez(folder / "predictions.npz", index=index, label=label, prediction=label * right)
    return folder


def judged(
    folder: Path,
    claims: list[Claim] = CLAIMS,
    provenance: dict[str, Any] = OFFICIAL,
    epochs: int | None = None,
) -> pd.DataFrame:
    """The claims judged on the runs in `folder`, by claim and part."""
    folders = sorted(folder.glob("*/seed_*"))
    (folder / "metrics.csv").write_text(collect(folders).to_csv(index=False))
    runs = read_runs(folder / "metrics.csv")
    if epochs:
        runs["epochs"] = runs["epochs_trained"] = epochs
    table = judge_all(claims, runs, read_correct(folders), PUBLISHED, PRIOR, MECHANISM, provenance)
    assert list(table.columns) == COLUMNS
    return table.set_index(["claim", "part"])


def write_claim(folder: Path, **part: object) -> Path:
    file = folder / "claims.yaml"
    claim = {"id": 1, "section": "5", "sentence": "Something.", "quote": "It.", "parts": [part]}
    file.write_text(yaml.safe_dump([claim]))
    return file


def test_all_claims_are_there_and_name_variants_of_the_paper() -> None:
    assert [claim.id for claim in CLAIMS] == list(range(1, 28))
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    used = {name for claim in CLAIMS for item in claim.comparisons for name in item.variants}
    assert used - set(config["variants"]) == set()


def test_thresholds_that_are_no_zero_or_one_say_that_they_are_ours() -> None:
    in_the_paper = {(3, 0.5), (27, 0.75)}
    for claim in CLAIMS:
        for part in claim.parts:
            bounds = {part.above, part.below} - {0, 1, math.inf, -math.inf}
            if bounds and (claim.id, *bounds) not in in_the_paper:
                assert part.ours, (claim.id, part)


def required(claim: Claim) -> list[Comparison]:
    """The comparisons that must all be inside."""
    return [units[0][0] for _, units in claim.conditions if len(units) == 1]


def test_comparisons_of_a_part() -> None:
    by_id = {claim.id: claim for claim in CLAIMS}
    slope, worst = required(by_id[5])
    assert dict(slope.weights) == {"stride_2": -0.5, "stride_4": 0.5}
    assert dict(worst.weights) == {"stride_4": 1, "stride_3": -1}
    assert len(required(by_id[1])) == 5
    ((generally, units),) = by_id[18].conditions
    assert (generally, len(units), len(units[0])) == (3, 4, 4)
    mean = required(by_id[20])[-1]
    assert dict(mean.weights)["no_pooling"] == 1
    assert dict(mean.weights)["stride_2"] == -0.25
    (half,) = required(by_id[3])
    assert (half.low, half.high) == (-math.inf, math.log(0.5))


def test_a_part_that_stands_in_two_claims_is_tested_once() -> None:
    by_id = {claim.id: set(required(claim)) for claim in CLAIMS}
    assert by_id[6] < by_id[19]
    assert by_id[13] & by_id[15]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"quantity": "test_accuracy", "first": ["a"], "above": 0}, "must have exactly one of"),
        ({"quantity": "accuracy", "trend": ["a", "b"], "above": 0}, "quantity is 'accuracy'"),
        ({"quantity": "best_epoch", "trend": ["a", "b"]}, "no `above`"),
        ({"quantity": "best_epoch", "trend": ["a", "b"], "equals": 1}, "is for computed measures"),
        ({"quantity": "best_epoch", "over": 1}, "parts.0.over is not a key here"),
        (
            {"quantity": "best_epoch", "pairs": [["a", "b"]], "below": 1, "at_least": 2},
            "expected 1 to 1",
        ),
    ],
)
def test_a_part_that_makes_no_sense_is_an_error(
    tmp_path: Path, part: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_claims(write_claim(tmp_path, **part))


def test_without_runs_of_its_variants_only_what_is_computed_is_judged(tmp_path: Path) -> None:
    write_run(tmp_path, "of_no_claim", 0.8)
    table = judged(tmp_path)
    by_claim = table.groupby("claim")["claim_verdict"].first()
    assert set(by_claim[:20]) == {"not run"}
    assert by_claim[[22, 23, 26, 27]].tolist() == ["holds"] * 4
    assert by_claim[[24, 25]].tolist() == ["fails"] * 2
    assert "no finished run of one of no_pooling" in table["evidence"].iloc[0]
    assert "5.47 with a flattened head" in table.loc[(25, 1), "evidence"]


def test_verdicts_on_runs(tmp_path: Path) -> None:
    accuracies = {"stride_2": 0.88, "stride_3": 0.80, "stride_4": 0.799, "max_pool_2": 0.95}
    for name, share in accuracies.items():
        for seed in range(3):
            write_run(tmp_path, name, share + 0.001 * seed, seed=seed)
    table = judged(tmp_path)
    falls, four_below_three = (table.loc[(5, part)] for part in (1, 2))
    assert (falls["verdict"], falls["effect"]) == ("holds", pytest.approx(-0.0405))
    assert four_below_three["verdict"] == "undecided"  # two images of 2,000
    assert (four_below_three["claim_verdict"], four_below_three["lean"]) == ("undecided", "for")
    assert "would decide it with 80 % power" in four_below_three["evidence"]
    assert table.loc[(19, 1), "verdict"] == "holds"  # max pooling above stride
    assert table.loc[(6, 2), "verdict"] == "not run"
    assert falls["theirs_claim_verdict"] == "holds"
    assert falls["combined_verdict"] == "undecided"
    assert table.loc[(1, 1), "paper_claim_verdict"] == "holds"
    assert table.loc[(9, 1), "paper_verdict"] == "no numbers"


def test_a_refuted_part_makes_a_claim_fail(tmp_path: Path) -> None:
    for seed in range(4):
        write_run(tmp_path, "max_pool_2", 0.88 + 0.001 * seed, seed=seed, best=20 + seed)
        write_run(tmp_path, "avg_pool_2", 0.80 + 0.001 * seed, seed=seed, best=60 + seed)
    table = judged(tmp_path)
    best = table.loc[12]
    wrong = best[best["claimed"].str.startswith("avg_pool_2 \N{MINUS SIGN} max_pool_2 ")].iloc[0]
    assert (wrong["verdict"], wrong["claim_verdict"], wrong["seeds"]) == ("fails", "fails", 4)
    fewer_epochs = table.loc[(10, 1)]
    assert (fewer_epochs["verdict"], fewer_epochs["unit"]) == ("holds", "ratio")
    assert fewer_epochs["effect"] == pytest.approx(1 / 3, rel=0.1)


def test_other_hardware_refutes_no_runtime(tmp_path: Path) -> None:
    for seed in range(4):
        for name, seconds in (("fully_connected", 9.0), ("no_pooling", 1.0)):
            folder = write_run(tmp_path / "cpu", name, 0.8, seed=seed)
            run = json.loads((folder / "run.json").read_text()) | {"device_name": "a processor"}
            (folder / "run.json").write_text(json.dumps(run))
            history = pd.read_csv(folder / "history.csv").assign(epoch_seconds=seconds)
            history.to_csv(folder / "history.csv", index=False)
    slower = judged(tmp_path / "cpu").loc[(4, 1)]
    assert (slower["verdict"], slower["effect"]) == ("undecided", pytest.approx(9))


def test_under_other_conditions_a_verdict_is_on_these_networks(tmp_path: Path) -> None:
    for name, share in (("stride_2", 0.95), ("stride_3", 0.8), ("stride_4", 0.6)):
        write_run(tmp_path, name, share)
    row = judged(tmp_path, provenance=GLYPHS).loc[(5, 1)]
    assert (row["claim_verdict"], row["judged_claim"]) == ("on these networks", "holds")
    assert (row["verdict"], row["judged"], row["level"]) == ("on these networks", "holds", "other")
    assert pd.isna(row["combined_verdict"])
    assert row["conditions"].startswith("data are Synthetic glyphs")


def test_a_training_cut_short_decides_nothing_on_its_best_epoch(tmp_path: Path) -> None:
    for name in ("max_pool_2", "avg_pool_2"):
        write_run(tmp_path, name, 0.8)
    row = judged(tmp_path, epochs=40).loc[(10, 1)]
    assert (row["judged"], row["claim_verdict"]) == ("undecided", "on these networks")
    assert "cut short at or near the best epoch" in row["evidence"]


def test_different_test_images_are_an_error(tmp_path: Path) -> None:
    write_run(tmp_path, "stride_2", 0.8)
    write_run(tmp_path, "stride_3", 0.8, first=1)
    with pytest.raises(UserError, match="tested on different images"):
        judged(tmp_path)


def test_both_convolutions_are_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 6, 6, generator=generator)
    kernels = torch.randn(4, 3, 3, 3, generator=generator)
    expected = torch.nn.functional.conv2d(images, kernels, padding=1)
    for way in (elementwise_convolution, im2col_convolution):
        torch.testing.assert_close(way(images, kernels), expected)


def test_measures_of_the_mechanism() -> None:
    measured = measure_mechanism()
    assert measured.keys() == MECHANISM.keys()
    assert measured["share_discarded_by_max_pooling"]["value"] == 0.75
    assert measured["share_of_gradient_elsewhere"]["high"] == 0
    assert measured["im2col_over_input_size_at_stride_1"]["value"] == pytest.approx(
        9 * 25**2 / 27**2
    )


def test_the_script_writes_the_table(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "runs", "stride_2", 0.8)
    files = {
        "metrics": collect([folder]).to_csv(index=False),
        "provenance": json.dumps(OFFICIAL),
        "mechanism": json.dumps(MECHANISM),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    arguments = [f"--{name}={tmp_path / name}" for name in files]
    arguments += ["--runs", str(folder), "--output", str(tmp_path)]
    subprocess.run([sys.executable, "scripts/judge.py", *arguments], cwd=ROOT, check=True)
    assert len(pd.read_csv(tmp_path / "comparison.csv")) == len(PUBLISHED)
    assert set(pd.read_csv(tmp_path / "readings.csv")["verdict"]) == {"not run"}
    table = pd.read_csv(tmp_path / "claims.csv")
    assert set(table["conditions"]) == {"as in the paper"}
    assert set(table["claim"]) == set(range(1, 28))
