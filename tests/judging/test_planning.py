"""The planner of further runs: its arithmetic, its choices on known sweeps, and its program."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats
from workflow_tree import environment

from benchmarks.judging import CLAIMS, FAMILY, papers_truth, subset
from benchmarks.planning import compare
from benchmarks.synthetic_sweeps import draw
from convnets.config.checks import load_config, validate
from convnets.config.overlays import Layers
from convnets.config.schema import Config
from convnets.judging.claims import Family, load_claims
from convnets.judging.estimates import ACCURACY, ALPHA, QUANTITIES, Estimates, Spread
from convnets.judging.planning import Planner, expected_values
from convnets.judging.verdicts import judge
from convnets.judging.witnesses import SeedSample
from convnets.report.results import read_plan
from convnets.runs.metrics import by_run, collect
from plan import command, expected_hours, overlay, runs_of_steps

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results/published/reference"
NEAR, FAR, DEEP = (["near", "base"], ["far", "base"], ["deep", "base"])
SPREAD = Spread(0.003**2, 20)


def planner(tmp_path: Path, hours: list[float], seeds: int = 2, **values: Any) -> Planner:
    """Three claims `x > base`: one almost decided, one with hardly any effect, one costly."""
    parts = [
        {"id": number, "section": "", "sentence": f"{pair[0]} wins", "quote": ""}
        | {"parts": [{"quantity": ACCURACY, "pairs": [pair], "above": 0}]}
        for number, pair in enumerate((NEAR, FAR, DEEP), 1)
    ]
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(parts))
    family = Family(load_claims(tmp_path / "claims.yaml"))
    means = {"near": 0.886, "base": 0.88, "far": 0.8801, "deep": 0.886}
    shifts = {"base": (0.002, -0.002)}
    rows = [
        [means[name] + shift for shift in shifts.get(name, (-0.002, 0.002))]
        for name in family.variants
    ]
    accuracy = np.array(rows)[:, :seeds]
    nothing = np.full_like(accuracy, np.nan)
    sweep = {quantity: accuracy if quantity == ACCURACY else nothing for quantity in QUANTITIES}
    ours = SeedSample(sweep, dict.fromkeys(QUANTITIES, SPREAD), np.zeros((4, 4)))
    ours = replace(ours, **values)
    return Planner(family, ours, expected_values(ours, []), np.array(hours))


def seeds_of(planner: Planner, budget: float) -> dict[str, int]:
    *_, last = planner.now, *planner.choose(budget)
    return {name: int(n) for name, n in zip(planner.family.variants, last.added, strict=True) if n}


def test_the_plan_decides_the_nearest_claim_within_the_budget(tmp_path: Path) -> None:
    cheap = planner(tmp_path, [1, 1, 1, 10])
    assert cheap.family.variants == ["near", "base", "far", "deep"]
    assert cheap.now.decided == 0
    steps = list(cheap.choose(6))
    assert steps[-1].added @ cheap.hours <= 6
    assert {*seeds_of(cheap, 6)} <= {"near", "base"}
    assert steps[-1].chance(1) > 0.5
    assert steps[-1].chance(2) < 0.2
    assert seeds_of(planner(tmp_path, [10, 1, 1, 1]), 6).keys() <= {"deep", "base"}


def test_nothing_is_planned_that_does_not_fit_or_is_decided(tmp_path: Path) -> None:
    assert seeds_of(planner(tmp_path, [10, 10, 10, 10]), 6) == {}
    tiny = dict.fromkeys(QUANTITIES, Spread(1e-12, 1e6, 1e-6))
    clear = planner(tmp_path, [1, 1, 1, 1], seeds=1, spreads=tiny)
    assert clear.now.decided == 3
    assert seeds_of(clear, 6) == {}


def test_the_chance_is_that_of_the_moved_mean_in_the_judge_s_t_test(tmp_path: Path) -> None:
    one = replace(planner(tmp_path, [1] * 4), draws=20_000)
    one = replace(
        one,
        family=Family(one.family.claims[:1]),
        means=cut(one.means),
        ours=two(one),
        hours=one.hours[:2],
    )
    added = np.array([3, 3])
    now = one.ours.estimates(ACCURACY, np.array([[1.0, -1.0]]))
    per_seed = now.of_seeds[0]  # of the difference between means of two seeds
    later, moved = np.sqrt(per_seed * 2 / 5), np.sqrt(per_seed * (1 - 2 / 5))
    weights = np.array([[1.0, -1.0]])
    gained = replace(SPREAD, df=26).prior_df(weights) - SPREAD.prior_df(weights)
    critical = stats.t.isf(ALPHA, now.df[0] + 3 + gained[0]) * later
    expected = stats.norm.sf(critical, 0.006, moved) + stats.norm.cdf(-critical, 0.006, moved)
    assert one.simulate(added).chance(1) == pytest.approx(expected, abs=0.015)


def cut(means: Any) -> dict[str, np.ndarray]:
    return {quantity: values[:2] for quantity, values in means.items()}


def two(one: Planner) -> SeedSample:
    values = {quantity: table[:2] for quantity, table in one.ours.values.items()}
    return replace(one.ours, values=values, images=one.ours.images[:2, :2])


def test_what_test_images_leave_open_needs_more_than_any_number_of_seeds(tmp_path: Path) -> None:
    open_to_seeds = planner(tmp_path, [1] * 4)
    claim = open_to_seeds.family.claims[0]
    hours = open_to_seeds.hours_to_decide(claim)
    assert hours is not None
    assert hours <= 16
    images = planner(tmp_path, [1] * 4, images=np.eye(4) * 0.01**2)
    assert images.hours_to_decide(claim) is None


def test_variants_without_runs_take_the_values_of_others_less_their_gap(tmp_path: Path) -> None:
    one = planner(tmp_path, [1] * 4)
    one.ours.values[ACCURACY][0] = np.nan

    def others(quantity: str, weights: np.ndarray) -> Estimates:
        known = np.array([0.908, 0.90, np.nan, 0.906])
        return Estimates(known, *[np.ones(4)] * 4)

    means = expected_values(one.ours, [others])[ACCURACY]
    assert means == pytest.approx([0.888, 0.88, 0.8801, 0.886])
    missing = replace(one, means={**one.means, ACCURACY: means})
    assert 1 not in missing.now.judgement.claims
    assert missing.simulate(np.array([2, 0, 0, 0])).chance(1) > 0.1
    assert (
        1
        not in replace(one, means=expected_values(one.ours, []))
        .simulate(np.array([2, 0, 0, 0]))
        .judgement.claims
    )


def test_the_judge_decides_many_sweeps_as_it_decides_each_one() -> None:
    start = subset(draw(papers_truth(), 2, np.random.default_rng(0)), 2, np.random.default_rng(0))
    hours = np.ones(len(FAMILY.variants))
    whole = Planner(FAMILY, start, expected_values(start, []), hours, draws=5)
    assert whole.now.decided == sum(
        judge(FAMILY, start.estimates).verdict(claim) != "undecided" for claim in CLAIMS
    )
    added = np.arange(len(hours)) % 3
    many = whole.simulate(added)

    def one_of(place: int, quantity: str, weights: np.ndarray) -> Estimates:
        all_of_them = whole.future(added, quantity, weights)
        return replace(all_of_them, value=all_of_them.value[place])

    for place in range(5):
        single = judge(FAMILY, partial(one_of, place))
        for claim in CLAIMS:
            p = np.broadcast_to(many.judgement.claims[claim.id].p, 5)[place]
            assert p == pytest.approx(single.claims[claim.id].p)
        assert many.judgement.factor[place] == single.factor
    # A start from another outcome tests only what differs, and finds the same.
    again = whole.simulate(added, whole.now)
    assert again.decided == many.decided


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_plan_decides_as_much_as_one_seed_more_of_everything(seeds: int) -> None:
    row = compare(papers_truth(), seeds, np.random.default_rng(seeds - 1))
    assert row["planned_hours"] <= row["hours"]
    assert row["plan"] >= row["one_seed"] >= row["start"]


def test_the_benchmark_s_results_favour_the_plan() -> None:
    table = pd.read_csv(ROOT / "benchmarks/results/planning.csv")
    assert (table["planned_hours"] <= table["hours"]).all()
    assert table["plan"].mean() > table["one_seed"].mean()


# The program


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("planned") / "reference"
    folder.mkdir()
    for name in ("runs", "data"):
        shutil.copytree(PUBLISHED / name, folder / name)
    for name in ("plan.json", "config.yaml", "runtimes.csv"):
        shutil.copy(PUBLISHED / name, folder)
    done = plan(folder, "--hours", "0.2")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def plan(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(ROOT / "scripts/plan.py"), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def with_overlay(folder: Path) -> Config:
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    reference = yaml.safe_load((ROOT / "config/reference.yaml").read_text())
    overlay = yaml.safe_load((folder / "plan.yaml").read_text())
    for variants in (reference["variants"], overlay["variants"]):
        for variant, own in variants.items():
            values["variants"][variant] |= own
    layers = Layers()
    layers.add("plan.yaml", values | {name: reference[name] for name in ("seeds", "experiments")})
    return validate(layers)


def test_a_plan_has_new_runs_within_the_hours(planned: tuple[Path, str]) -> None:
    folder, said = planned
    runs = pd.read_csv(folder / "plan.csv")
    assert 0 < runs["hours"].sum() <= 0.2
    new = [*zip(runs["variant"], runs["seed"], strict=True)]
    assert len({*new}) == len(new) > 0
    assert not any((folder / "runs" / variant / f"seed_{seed}").exists() for variant, seed in new)
    assert all(f"{variant}:" in said for variant, _ in new)
    asked = said.partition("\nsnakemake ")[2].split("\n")[0].split(" -- ")[1].split()
    assert {*asked} == {f"results/reference/runs/{id}/seed_{seed}/test.json" for id, seed in new}
    old = [(run["variant"], run["seed"]) for run in read_plan(folder / "plan.json")["runs"]]
    assert {*with_overlay(folder).runs} == {*old, *new}


def test_the_claims_stand_as_the_judge_has_them(planned: tuple[Path, str]) -> None:
    claims = pd.read_csv(planned[0] / "plan_claims.csv").set_index("claim")
    judged = pd.read_csv(PUBLISHED / "claims.csv").groupby("claim")["judged_claim"].first()
    for claim, row in claims.iterrows():
        if row["verdict"] != "not run":
            assert row["verdict"] == judged[claim]
    assert claims.loc[1, "chance"] == 1


def test_snakemake_takes_the_overlay(planned: tuple[Path, str]) -> None:
    folder, _ = planned
    runs = pd.read_csv(folder / "plan.csv")
    tests = [
        f"results/new/runs/{run.variant}/seed_{run.seed}/test.json" for run in runs.itertuples()
    ]
    words = ["--configfile", "config/demo.yaml", str(folder / "plan.yaml"), "--dry-run"]
    words = ["-m", "snakemake", "--cores", "1", *words, "--config", "run_name=new", "--", *tests]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(line.split() for line in done.stdout.splitlines() if line.startswith("train "))
    assert int(counts["train"]) == len(runs)


def test_the_command_has_the_overlay_once_and_only_the_runs() -> None:
    folder, runs = ROOT / "results/mine", pd.DataFrame({"variant": ["stride_2"], "seed": [3]})
    own = "results/mine/plan.yaml"
    start = "snakemake --cores 4 --configfile config/demo.yaml --config epochs=3"
    changed = f"snakemake --cores 4 --configfile config/demo.yaml {own} --config epochs=3"
    assert command(start, folder, "results/mine", runs[:0]) == changed
    assert command(changed, folder, "results/mine", runs[:0]) == changed
    target = "results/begun/runs/stride_2/seed_3/test.json"
    assert command("snakemake --cores 4", folder, "results/begun", runs) == (
        f"snakemake --cores 4 --configfile {own} -- {target}"
    )


def test_seeds_pair_with_those_of_others(tmp_path: Path) -> None:
    one = planner(tmp_path, [1, 1, 1, 10])
    finished = {("near", 0), ("near", 7), ("base", 0), ("far", 5)}
    runs = runs_of_steps(one, list(one.choose(6)), finished, finished)
    assert runs["claims"].iloc[0].startswith("1")
    near = runs.loc[runs["variant"] == "near", "seed"].tolist()
    assert near == [5, 8, 9, 10][: len(near)]
    written = yaml.safe_load(overlay(runs, finished))["variants"]
    assert written["near"]["seeds"] == sorted([0, 7, *near])


def test_hours_come_from_the_variant_or_its_kin() -> None:
    config = load_config([ROOT / "config/config.yaml"], {})
    folders = [PUBLISHED / "runs" / name / "seed_0" for name in ("stride_2", "max_pool_2")]
    metrics = by_run(collect(folders))
    names = ["stride_2", "stride_2_f128", "no_pooling"]
    own, kin, other = expected_hours(names, metrics, config)
    row = metrics.loc["stride_2", 0]
    assert own == pytest.approx(row["epochs_trained"] * row["epoch_seconds"] / 3600)
    cost = {name: config.variant(name).multiply_adds for name in names}
    assert kin == pytest.approx(own * cost["stride_2_f128"] / cost["stride_2"])
    mean = metrics[["epoch_seconds", "multiply_adds", "epochs_trained"]].mean()
    rate = mean["epoch_seconds"] / mean["multiply_adds"]
    assert other == pytest.approx(mean["epochs_trained"] * rate * cost["no_pooling"] / 3600)


PLAN: dict[str, object] = {"tables": {}, "figures": {}, "runs": [], "figure_names": []}
PLAN |= {"command": "", "epochs": 1}


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ([], [], "plan.json is missing, expected a JSON file"),
        (["plan.json"], [], "has no finished run, expected run.json"),
        (["plan.json", "run"], [], "provenance.json is missing"),
        ([], ["--hours", "0"], "--hours is 0, expected a number above 0"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, files: list[str], arguments: list[str], message: str
) -> None:
    if "plan.json" in files:
        (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    if "run" in files:
        shutil.copytree(PUBLISHED / "runs/stride_2/seed_0", tmp_path / "runs/stride_2/seed_0")
    done = plan(tmp_path, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
