"""Plan further runs: which variants and seeds would decide most of the paper's claims per hour.

Simulates further seeds from the finished runs of a folder, judges the claims as the report does,
and chooses runs within the hours. Nothing is trained. Writes three files into the folder:

plan.yaml        a configuration overlay with the seeds, for snakemake --configfile
plan.csv         a row per run, the most useful ones first
plan_claims.csv  the chance that these runs decide each claim; the hours for an 80 % chance if all
                 were spent on that claim (empty: 100 further seeds of its variants are too few)
"""

import argparse
import itertools
import math
import os
import shlex
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from convnets.config.checks import validate
from convnets.config.overlays import read_layers
from convnets.config.schema import Config
from convnets.core.arguments import results_parser
from convnets.core.errors import UserError, run_script
from convnets.core.files import ROOT, write_text
from convnets.core.templates import text_environment
from convnets.data.folder import read_provenance
from convnets.judging.claims import Family, load_claims
from convnets.judging.conditions import OTHER, censored, level, other_hardware
from convnets.judging.estimates import ACCURACY, MOST_SEEDS, OF_BEST, POWER
from convnets.judging.others import other_peoples_runs, read_prior
from convnets.judging.planning import LEAST_GAIN, Outcome, Planner, expected_values
from convnets.judging.published import read_published
from convnets.judging.verdicts import NOT_RUN, UNDECIDED, judge
from convnets.judging.witnesses import images_of, our_runs, papers_numbers, read_correct
from convnets.report.remake import intact_runs
from convnets.report.results import read_plan
from convnets.runs.metrics import RUNTIMES, by_run, collect, read_runtimes, runtimes_measured

REPORTED_DRAWS = 1000
"""Simulated sweeps behind the chances that are shown; independent of those of the search."""
OVERLAY, RUNS, CLAIMS = "plan.yaml", "plan.csv", "plan_claims.csv"
RunKeys = set[tuple[str, int]]
"""Variants with seeds."""


def main() -> None:
    parser = results_parser(__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    text = "hours of training to plan for, one run after another (default: 10)"
    parser.add_argument("--hours", type=float, default=10, help=text)
    arguments = parser.parse_args()
    folder, budget = arguments.results, arguments.hours
    if not 0 < budget < math.inf:
        raise UserError(f"--hours is {budget:g}, expected a number above 0")
    wanted, folders = read_plan(folder / "plan.json"), intact_runs(folder)
    measured = folder / "runtimes.csv"
    metrics = by_run(collect(folders, read_runtimes(measured) if measured.is_file() else None))
    provenance = read_provenance(folder / "data" / "provenance.json")
    config = validate(read_layers([folder / "config.yaml"], {}))
    planner = make_planner(metrics, folders, config)
    steps, finished = list(planner.choose(budget)), {*metrics.index}
    known = finished | {(run["variant"], run["seed"]) for run in wanted["runs"]}
    runs = runs_of_steps(planner, steps, finished, known)
    claims = claims_after(planner, steps, censored(metrics))
    write_text(folder / RUNS, runs.to_csv(index=False))
    write_text(folder / CLAIMS, claims.to_csv(index=False))
    write_text(folder / OVERLAY, overlay(runs, known))
    rest = known - finished or {*runs["variant"]} - {variant for variant, _ in known}
    copied = (ROOT / config.results).resolve() != folder.resolve()  # all would be trained again
    chosen = runs if rest or copied else runs[:0]
    words = command(wanted["command"], folder, config.results, chosen)
    about = {"folder": folder, "command": words, "elsewhere": level(provenance, metrics) == OTHER}
    print(described(runs, claims, budget, **about), end="")


def make_planner(metrics: pd.DataFrame, folders: list[Path], config: Config) -> Planner:
    """The planner of the finished runs in `folders`."""
    family = Family(load_claims())
    ours = our_runs(metrics, read_correct(folders), family.variants)
    paper = papers_numbers(read_published(), family.variants, ours)
    theirs = other_peoples_runs(read_prior(), family.variants, ours)
    means = expected_values(ours, [theirs, paper.estimates])
    tested = np.diag(ours.images) > 0
    assumed = images_of(np.clip(means[ACCURACY], 0, 1), ours)
    ours = replace(ours, images=np.where(np.outer(tested, tested), ours.images, assumed))
    hours = expected_hours(family.variants, metrics, config)
    never = RUNTIMES if other_hardware(metrics) else ()
    return Planner(family, ours, means, hours, runtimes_measured(metrics), never)


def expected_hours(variants: list[str], metrics: pd.DataFrame, config: Config) -> np.ndarray:
    """Hours to train each variant: its mean epochs times its mean seconds an epoch.

    A variant without a finished run takes both from finished variants of its method, or from all if
    there are none, with seconds in proportion to the multiply-adds.
    """
    columns = ["epochs_trained", "epoch_seconds", "multiply_adds"]
    finished = metrics[columns].groupby("variant").mean()
    finished = finished[finished.index.isin(config.variants)]
    methods = finished.index.map(lambda id: config.variant(id).method)
    hours = []
    for id in variants:
        own, kin = finished.index == id, methods == config.variant(id).method
        mean = finished[own if own.any() else kin if kin.any() else slice(None)].mean()
        rate = mean["epoch_seconds"] / mean["multiply_adds"]
        hours.append(mean["epochs_trained"] * rate * config.variant(id).multiply_adds / 3600)
    return np.array(hours)


def runs_of_steps(
    planner: Planner, steps: list[Outcome], finished: RunKeys, known: RunKeys
) -> pd.DataFrame:
    """A row per added run, in the order of the steps.

    A variant gets the smallest seeds that others have and it lacks, which pairs its runs with
    theirs, and then the numbers that follow.
    """
    rows, taken = [], {*finished}
    common = sorted({seed for _, seed in known})
    for number, (before, after) in enumerate(itertools.pairwise([planner.now, *steps]), 1):
        added = after.added - before.added
        rate = (after.decided - before.decided) / float(added @ planner.hours)
        rises = {id: after.chance(id) - before.chance(id) for id in after.judgement.claims}
        claims = sorted((id for id in rises if rises[id] > LEAST_GAIN), key=lambda id: -rises[id])
        for place in np.repeat(np.arange(len(added)), added):
            variant, hours = planner.family.variants[place], planner.hours[place]
            seeds = itertools.chain(common, itertools.count(common[-1] + 1))
            seed = next(seed for seed in seeds if (variant, seed) not in taken)
            taken.add((variant, seed))
            rows.append((number, variant, seed, hours, rate, " ".join(map(str, claims))))
    columns = ["step", "variant", "seed", "hours", "decisions_per_hour", "claims"]
    return pd.DataFrame(rows, columns=columns)


def claims_after(planner: Planner, steps: list[Outcome], censored: list[str]) -> pd.DataFrame:
    """A row per claim: its verdict now, and the chance of a decision after the plan."""
    judgement = judge(planner.family, planner.ours.estimates, planner.never_refuted)
    exact = replace(planner, draws=REPORTED_DRAWS)
    outcome = exact.simulate([planner.now, *steps][-1].added)
    rows = []
    for claim in planner.family.claims:
        if claim.comparisons:  # the other claims are computed from the architecture
            verdict = judgement.verdict(claim)
            of_best = [item.variants for item in claim.comparisons if item.quantity in OF_BEST]
            cut = sorted({*censored}.intersection(itertools.chain.from_iterable(of_best)))
            hours = exact.hours_to_decide(claim) if verdict in (UNDECIDED, NOT_RUN) else 0.0
            chance, short = outcome.chance(claim.id), " ".join(cut)
            rows.append((claim.id, verdict, chance, hours, short, claim.sentence))
    columns = ["claim", "verdict", "chance", "hours_alone", "cut_short", "sentence"]
    return pd.DataFrame(rows, columns=columns).astype({"hours_alone": float})


def overlay(runs: pd.DataFrame, known: RunKeys) -> str:
    """The configuration overlay: all seeds of every variant that gets further runs."""
    every = known | {*zip(runs["variant"], runs["seed"].map(int), strict=True)}
    variants = {
        variant: {"seeds": sorted(seed for name, seed in every if name == variant)}
        for variant in dict.fromkeys(runs["variant"])
    }
    head = "# Seeds that decide most claims per hour, chosen by scripts/plan.py.\n"
    return head + yaml.safe_dump({"variants": variants}, default_flow_style=None, sort_keys=False)


def command(start: str, folder: Path, results: str, runs: pd.DataFrame) -> str:
    """The Snakemake command with the overlay; if there are `runs`, it makes only these."""
    words, file = shlex.split(start), os.path.relpath(folder / OVERLAY, ROOT)
    if "--configfile" not in words:
        words.append("--configfile")
    place = words.index("--configfile") + 1
    files = itertools.takewhile(lambda word: not word.startswith("--"), words[place:])
    if file not in words:
        words.insert(place + len([*files]), file)
    tests = [f"{results}/runs/{run.variant}/seed_{run.seed}/test.json" for run in runs.itertuples()]
    return shlex.join([*words, *(["--", *tests] if tests else [])])


def described(runs: pd.DataFrame, claims: pd.DataFrame, budget: float, **values: Any) -> str:
    """The steps of the plan, what they mean for the claims, and the command, as text."""
    kept = {"rate": ("decisions_per_hour", "first"), "claims": ("claims", "first")}
    steps = runs.groupby("step").agg(hours=("hours", "sum"), **kept)
    steps["total"] = steps["hours"].cumsum()
    seeds = runs.astype(str).groupby(["step", "variant"], sort=False)["seed"].agg(",".join)
    shown = claims[["claim", "verdict", "chance", "hours_alone"]].assign(
        chance=claims["chance"].map("{:.0%}".format),
        hours_alone=claims["hours_alone"].map("{:.3g}".format).replace({"nan": "never", "0": ""}),
        sentence=[textwrap.shorten(text, 60, placeholder=" ...") for text in claims["sentence"]],
    )
    names = {"verdict": "now", "chance": "decided after", "hours_alone": "80 % alone, h"}
    values |= {"claims": shown.rename(columns=names).to_string(index=False, justify="left")}
    poor = claims[(claims["chance"] < POWER) & ~(claims["hours_alone"] <= budget)]["claim"]
    values |= {"poor": poor, "cut": claims[claims["cut_short"] != ""]["claim"]}
    values |= {"most_seeds": MOST_SEEDS, "files": (OVERLAY, RUNS, CLAIMS)}
    page = text_environment().get_template("plan.txt")
    return page.render(runs=runs, steps=steps, seeds=seeds, budget=budget, **values)


if __name__ == "__main__":
    run_script(main)
