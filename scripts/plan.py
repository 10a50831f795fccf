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

import numpy as np
import pandas as pd
import yaml

from convnets.config.checks import load_config
from convnets.config.schema import Config
from convnets.core.arguments import results_parser
from convnets.core.errors import UserError, run_script
from convnets.core.files import ROOT, write_text
from convnets.data.folder import read_provenance
from convnets.judging.claims import Family, load_claims
from convnets.judging.conditions import OTHER
from convnets.judging.estimates import ACCURACY, MOST_SEEDS, OF_BEST, POWER
from convnets.judging.others import other_peoples_runs, read_prior
from convnets.judging.planning import LEAST_GAIN, Planner, PlanStep, expected_values
from convnets.judging.published import read_published
from convnets.judging.table import About, about_runs
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
    if not 0 < arguments.hours < math.inf:
        raise UserError(f"--hours is {arguments.hours:g}, expected a number above 0")
    plan(arguments.results, arguments.hours)


def plan(folder: Path, budget: float) -> None:
    """Choose runs, write the three files, and print what they say."""
    wanted, folders = read_plan(folder / "plan.json"), intact_runs(folder)
    measured, provenance = folder / "runtimes.csv", folder / "data" / "provenance.json"
    metrics = by_run(collect(folders, read_runtimes(measured) if measured.is_file() else None))
    about = about_runs(metrics, read_provenance(provenance))
    planner = make_planner(metrics, folders, read_config(folder), about)
    steps = list(planner.choose(budget))
    known = {*metrics.index} | {(run["variant"], run["seed"]) for run in wanted["runs"]}
    runs = runs_of_steps(planner, steps, {*metrics.index}, known)
    claims = claims_after(planner, steps, about)
    write_text(folder / RUNS, runs.to_csv(index=False))
    write_text(folder / CLAIMS, claims.to_csv(index=False))
    write_text(folder / OVERLAY, overlay(runs, known))
    show(runs, claims, budget)
    if about.level == OTHER:
        print("\nVerdicts would be on these networks only: conditions differ from the paper's.")
    if len(runs):
        rest = known - {*metrics.index} or {*runs["variant"]} - {variant for variant, _ in known}
        words = command(wanted["command"], folder, runs if rest else runs[:0])
        print(f"\nTo make exactly these runs:\n\n{words}\n")
    print(f"Written to {folder}: {OVERLAY}, {RUNS}, {CLAIMS}")


def read_config(folder: Path) -> Config:
    """The configuration of the results; the paper's if they were published without one."""
    own = folder / "config.yaml"
    file = own if own.is_file() else ROOT / "config/config.yaml"
    return load_config([file], {})


def make_planner(
    metrics: pd.DataFrame, folders: list[Path], config: Config, about: About
) -> Planner:
    """The planner of the finished runs in `folders`."""
    family = Family.of(load_claims())
    ours = our_runs(metrics, read_correct(folders), family.variants)
    published = read_published()
    theirs = other_peoples_runs(read_prior(), family.variants, ours)
    means = expected_values(ours, [theirs, papers_numbers(published, family.variants, ours)])
    tested = np.diag(ours.images) > 0
    assumed = images_of(np.clip(means[ACCURACY], 0, 1), ours)
    images = np.where(np.outer(tested, tested), ours.images, assumed)
    hours = expected_hours(family.variants, metrics, config)
    never = RUNTIMES if about.hardware else ()
    ours = replace(ours, images=images)
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
    planner: Planner, steps: list[PlanStep], finished: RunKeys, known: RunKeys
) -> pd.DataFrame:
    """A row per added run, in the order of the steps.

    A variant gets the smallest seeds that others have and it lacks, which pairs its runs with
    theirs, and then the numbers that follow.
    """
    rows, taken, before = [], {*finished}, planner.now
    common = sorted({seed for _, seed in known})
    for number, step in enumerate(steps, 1):
        after = step.outcome
        rises = {id: after.chance(id) - before.chance(id) for id in after.judgement.claims}
        claims = sorted((id for id in rises if rises[id] > LEAST_GAIN), key=lambda id: -rises[id])
        before = after
        for place in np.repeat(np.arange(len(step.added)), step.added):
            variant, hours = planner.family.variants[place], planner.hours[place]
            seeds = itertools.chain(common, itertools.count(common[-1] + 1))
            seed = next(seed for seed in seeds if (variant, seed) not in taken)
            taken.add((variant, seed))
            rows.append((number, variant, seed, hours, step.gain / step.hours, claims))
    columns = ["step", "variant", "seed", "hours", "decisions_per_hour", "claims"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(claims=[" ".join(map(str, claims)) for claims in table["claims"]])


def claims_after(planner: Planner, steps: list[PlanStep], about: About) -> pd.DataFrame:
    """A row per claim: its verdict now, and the chance of a decision after the plan."""
    verdicts = judge(planner.family, planner.ours, planner.never_refuted)
    exact = replace(planner, draws=REPORTED_DRAWS)
    outcome = exact.simulate(sum((step.added for step in steps), np.zeros_like(planner.now.added)))
    rows = []
    for claim in planner.family.claims:
        pairs = {(item.quantity, v) for _, item in claim.comparisons() for v in item.variants}
        if pairs:  # the other claims are computed from the architecture
            verdict = verdicts.verdict(claim)
            cut = {v for quantity, v in pairs if quantity in OF_BEST and v in about.censored}
            hours = exact.hours_to_decide(claim) if verdict in (UNDECIDED, NOT_RUN) else 0.0
            chance, short = outcome.chance(claim.id), " ".join(sorted(cut))
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


def command(start: str, folder: Path, runs: pd.DataFrame) -> str:
    """The Snakemake command with the overlay; of all that it can make, only `runs` if any."""
    words, file = shlex.split(start), os.path.relpath(folder / OVERLAY, ROOT)
    if "--configfile" not in words:
        words.append("--configfile")
    place = words.index("--configfile") + 1
    while place < len(words) and not words[place].startswith("--"):
        place += 1
    if file not in words:
        words.insert(place, file)
    root = os.path.relpath(folder, ROOT)
    tests = [f"{root}/runs/{run.variant}/seed_{run.seed}/test.json" for run in runs.itertuples()]
    return shlex.join([*words, *(["--", *tests] if tests else [])])


def show(runs: pd.DataFrame, claims: pd.DataFrame, budget: float) -> None:
    """Print the steps of the plan, and what they mean for the claims."""
    print("step  hours  total  decisions/h  runs")
    total = 0.0
    for step, rows in runs.groupby("step"):
        total += rows["hours"].sum()
        seeds = rows.astype(str).groupby("variant", sort=False)["seed"].agg(",".join)
        text = "  ".join(f"{variant}:{numbers}" for variant, numbers in seeds.items())
        rate, ids = rows.iloc[0][["decisions_per_hour", "claims"]]
        head = f"{step:4}  {rows['hours'].sum():5.2f}  {total:5.2f}  {rate:11.3g}  "
        text += f"  (claims {ids})" if ids else ""
        print(textwrap.fill(text, 100, initial_indent=head, subsequent_indent=" " * len(head)))
    print(f"\n{len(runs)} runs, {total:.3g} of {budget:g} hours of training, one after another.\n")
    shown = claims[["claim", "verdict", "chance", "hours_alone"]].assign(
        chance=claims["chance"].map("{:.0%}".format),
        hours_alone=claims["hours_alone"].map("{:.3g}".format).replace({"nan": "never", "0": ""}),
        sentence=claims["sentence"].map(
            lambda text: textwrap.shorten(text, 60, placeholder=" ...")
        ),
    )
    names = {"verdict": "now", "chance": "decided after", "hours_alone": "80 % alone, h"}
    print(shown.rename(columns=names).to_string(index=False, justify="left"))
    poor = claims[(claims["chance"] < POWER) & ~(claims["hours_alone"] <= budget)]
    print(f"\nnever: not even with {MOST_SEEDS} further seeds of each variant of the claim")
    print("No affordable number of runs would probably decide claims:", *poor["claim"])
    if len(cut := claims[claims["cut_short"] != ""]):
        print("Cut short before the best epoch is known, needing longer training, not more seeds:")
        print(f"claims {' '.join(map(str, cut['claim']))}")


if __name__ == "__main__":
    run_script(main)
