"""The claims as data, and their way from runs to verdicts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from analysis_fixture import GLYPHS, OFFICIAL, make_run
from convnets.errors import UserError
from convnets.judging.claims import Claim, comparisons, load_claims
from convnets.judging.paper import paper_says
from convnets.judging.sweep import Sweep, load_sweep
from convnets.judging.table import COLUMNS, judge_claims
from convnets.mechanism import elementwise_convolution, im2col_convolution, measure_mechanism
from convnets.metrics import collect
from convnets.published import read_published
from convnets.variant import Variant

ROOT = Path(__file__).parents[1]
CLAIMS = load_claims(ROOT / "config/claims.yaml")
PUBLISHED = read_published(ROOT / "config/published_values.csv")
MECHANISM = measure_mechanism()
IMAGES = 2000


def write_run(
    runs: Path, variant: str, share_right: float, *, seed: int = 0, best: int = 40, first: int = 0
) -> Path:
    """A run of 100 epochs that names the first `share_right` of its test images rightly."""
    curve = [0.8 if epoch == best else 0.5 for epoch in range(1, 101)]
    folder = make_run(runs, Variant(variant, "stride"), curve, seed=seed)
    label = np.ones(IMAGES, np.uint8)
    right = np.arange(IMAGES) < share_right * IMAGES
    index = np.arange(first, first + IMAGES)
    np.savez(folder / "predictions.npz", index=index, label=label, prediction=label * right)
    return folder


def judged(sweep: Sweep, claims: list[Claim] = CLAIMS) -> pd.DataFrame:
    return judge_claims(claims, sweep, PUBLISHED, MECHANISM, "as in the paper")


def write_claim(folder: Path, **part: object) -> Path:
    file = folder / "claims.yaml"
    claim = {"id": 1, "section": "5", "sentence": "Something.", "parts": [part]}
    file.write_text(yaml.safe_dump([claim]))
    return file


def test_all_claims_are_there_and_name_variants_of_the_paper() -> None:
    assert [claim.id for claim in CLAIMS] == list(range(1, 20))
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    used = {name for claim in CLAIMS for item in comparisons(claim) for name in item.weights}
    assert used - set(config["variants"]) == set()


def test_thresholds_that_are_no_zero_or_one_say_that_they_are_ours() -> None:
    in_the_paper = {(3, 0.5)}
    for claim in CLAIMS:
        for part in claim.parts:
            bounds = {part.above, part.below} - {0, 1, float("inf"), float("-inf")}
            if bounds and (claim.id, *bounds) not in in_the_paper:
                assert part.ours, (claim.id, part)


def test_comparisons_of_a_part() -> None:
    stride = [item.weights for item in comparisons(CLAIMS[4])]
    assert stride[0] == {"stride_2": -0.5, "stride_3": 0, "stride_4": 0.5}
    assert stride[1] == {"stride_3": 1, "stride_2": -1}
    assert len(list(comparisons(CLAIMS[0]))) == 5


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"quantity": "test_accuracy", "first": ["a"], "above": 0}, "must have `first` and"),
        ({"quantity": "accuracy", "trend": ["a", "b"], "above": 0}, "quantity is 'accuracy'"),
        ({"quantity": "best_epoch", "trend": ["a", "b"]}, "neither `above`"),
        ({"quantity": "best_epoch", "trend": ["a", "b"], "equals": 1}, "is for what is computed"),
        ({"quantity": "best_epoch", "over": 1}, "Part has no key 'over'"),
    ],
)
def test_a_part_that_makes_no_sense_is_an_error(
    tmp_path: Path, part: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_claims(write_claim(tmp_path, **part))


def test_without_runs_only_what_is_computed_is_judged() -> None:
    table = judged(Sweep())
    assert list(table.columns) == COLUMNS
    by_claim = table.groupby("claim")["claim_verdict"].first()
    assert set(by_claim[:16]) == {"not run"}
    assert list(by_claim[16:]) == ["holds"] * 3
    assert "no finished run of no_pooling" in table["evidence"][0]


def test_verdicts_on_runs(tmp_path: Path) -> None:
    accuracies = {"stride_2": 0.88, "stride_3": 0.80, "stride_4": 0.801, "max_pool_2": 0.95}
    folders = [write_run(tmp_path, name, share) for name, share in accuracies.items()]
    table = judged(load_sweep(folders)).set_index(["claim", "part"])
    falls, three_below_two, four_below_three = (table.loc[(5, part)] for part in (1, 2, 3))
    assert (falls["verdict"], falls["effect"]) == ("holds", pytest.approx(-0.0395))
    assert three_below_two["verdict"] == "holds"
    assert four_below_three["verdict"] == "undecidable"  # two images of 2,000
    assert four_below_three["p"] == 0.5
    assert falls["claim_verdict"] == "undecidable"
    assert "one seed: on these trained networks only" in falls["evidence"]
    assert table.loc[(16, 5), "verdict"] == "holds"  # stride below max pooling
    assert table.loc[(6, 2), "verdict"] == "not run"


def test_several_seeds_speak_for_all_seeds(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path, name, share + 0.001 * seed, seed=seed, best=best + seed)
        for name, share, best in (("max_pool_2", 0.88, 20), ("avg_pool_2", 0.80, 60))
        for seed in range(4)
    ]
    table = judged(load_sweep(folders)).set_index(["claim", "part"])
    wrong, fewer_epochs = table.loc[(12, 1)], table.loc[(10, 1)]
    assert (wrong["verdict"], wrong["seeds"]) == ("does not hold", 4)
    assert "trained networks only" not in wrong["evidence"]
    assert (fewer_epochs["verdict"], fewer_epochs["unit"]) == ("holds", "ratio")
    assert fewer_epochs["effect"] == pytest.approx(1 / 3, rel=0.1)


def test_one_seed_speaks_for_all_seeds_with_the_spread_of_others(tmp_path: Path) -> None:
    accuracies = {"stride_2": 0.88, "stride_3": 0.87}
    folders = [write_run(tmp_path, name, share) for name, share in accuracies.items()]
    alone = judged(load_sweep(folders)).set_index(["claim", "part"]).loc[(5, 2)]
    assert (alone["verdict"], alone["seeds"]) == ("holds", 1)
    folders += [
        write_run(tmp_path, "max_pool_2", 0.85 + 0.02 * seed, seed=seed) for seed in range(4)
    ]
    among = judged(load_sweep(folders)).set_index(["claim", "part"]).loc[(5, 2)]
    assert (among["verdict"], among["seeds"]) == ("undecidable", 1)
    assert among["effect"] == alone["effect"]
    assert "seeds as in other variants" in among["evidence"]
    assert "trained networks only" not in among["evidence"]


def test_a_training_cut_short_says_nothing_on_its_best_epoch(tmp_path: Path) -> None:
    folders = []
    for name in ("max_pool_2", "avg_pool_2"):
        folder = write_run(tmp_path, name, 0.8)
        history = pd.read_csv(folder / "history.csv").head(40)
        history.to_csv(folder / "history.csv", index=False)
        folders.append(folder)
    row = judged(load_sweep(folders)).set_index(["claim", "part"]).loc[(10, 1)]
    assert row["verdict"] == "undecidable"
    assert "best at or near the last epoch, fewer than the paper's 100" in row["evidence"]


def test_different_test_images_are_an_error(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path, "stride_2", 0.8),
        write_run(tmp_path, "stride_3", 0.8, first=1),
    ]
    with pytest.raises(UserError, match="tested on different images"):
        load_sweep(folders)


def says(claim: int, part: int) -> object:
    return paper_says(PUBLISHED, list(comparisons(CLAIMS[claim - 1]))[part - 1])


def test_the_papers_own_numbers() -> None:
    wide, same, worse = says(1, 1), says(2, 1), says(5, 2)
    assert wide.verdict == "holds"
    assert same.verdict == "undecidable"
    # 0.874 and 0.877 of 15,800: standard errors 0.00264 and 0.00261, rounding 0.001
    reach = 1.96 * (0.00264**2 + 0.00261**2) ** 0.5 + 0.001
    assert (worse.low, worse.high) == pytest.approx((-0.003 - reach, -0.003 + reach), abs=1e-4)
    assert 0.9 < worse.correlation < 0.95
    assert says(3, 1).verdict == "numbers agree"
    assert says(9, 1).verdict == "no numbers"


def test_both_convolutions_are_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 6, 6, generator=generator)
    kernels = torch.randn(4, 3, 3, 3, generator=generator)
    expected = torch.nn.functional.conv2d(images, kernels, padding=1)
    for way in (elementwise_convolution, im2col_convolution):
        torch.testing.assert_close(way(images, kernels), expected)


def test_measures_of_the_mechanism() -> None:
    assert MECHANISM["share_discarded_by_max_pooling"]["value"] == 0.75
    assert MECHANISM["share_of_gradient_elsewhere"]["high"] == 0
    assert MECHANISM["im2col_over_input_size_at_stride_1"]["value"] == pytest.approx(
        9 * 25**2 / 27**2
    )


@pytest.mark.parametrize("provenance", [OFFICIAL, GLYPHS], ids=["official", "glyphs"])
def test_the_script_says_under_which_conditions(
    tmp_path: Path, provenance: dict[str, object]
) -> None:
    folder = write_run(tmp_path / "runs", "stride_2", 0.8)
    files = {
        "metrics": collect([folder]).to_csv(index=False),
        "provenance": json.dumps(provenance),
        "mechanism": json.dumps(MECHANISM),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    arguments = [f"--{name}={tmp_path / name}" for name in (*files, "output")]
    arguments += ["--claims=config/claims.yaml", "--published=config/published_values.csv"]
    command = [sys.executable, "scripts/judge_claims.py", *arguments, "--runs", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    (conditions,) = set(pd.read_csv(tmp_path / "output")["conditions"])
    official = "as in the paper" if provenance is OFFICIAL else "data are Synthetic glyphs"
    assert conditions.startswith(official)
