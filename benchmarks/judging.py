"""Whether the judge is right: synthetic sweeps with a known truth, judged as real ones are.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.judging      (about 10 minutes on one core)

Simulates the whole judge: all claims with their conjunctions, all published numbers, at several
numbers of seeds. Three kinds of truth:

- *equal*: all networks have the same accuracy, best epoch and runtime;
- *edge*: most claims have a comparison exactly at its bound, while the others are clearly true;
- *paper*: the paper's numbers are exactly right; a quarter as many sweeps.

Counts sweeps with a false verdict on any claim, false verdicts on numbers, and the power for each
claim. Writes a row for each measure, truth and number of seeds.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.synthetic_sweeps import IMAGES, Draw, Truth, draw, publish
from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.judging.claims import Claim, Comparison, Family, load_claims
from convnets.judging.estimates import ACCURACY, image_covariance, learn_spread
from convnets.judging.numbers import DIFFERS, gaps_to_paper, verdicts
from convnets.judging.published import REFERENCE, distinct_numbers, read_published
from convnets.judging.verdicts import FAILS, HOLDS, judge
from convnets.judging.witnesses import SeedSample
from convnets.runs.metrics import RUNTIMES

ROOT = Path(__file__).resolve().parents[1]
SEEDS: tuple[int | str, ...] = (1, 2, 3, 5, 10, "mixed")
MOST = 10
SHIFTS = (0.0, 0.01, 0.015, 0.02, 0.03)
"""Differences between the published accuracies and the truth of ours."""
AMPLIFIED = 5
"""Factor of the gaps between accuracies that makes most claims clearly true."""
UNPUBLISHED = {
    "stride_2_f16": (0.869, 28, 8.6), "stride_2_f32": (0.870, 13, 11.2),
    "stride_2_f16to128": (0.874, 9, 10.9), "dilation_plus2_f16": (0.873, 30, 18.0),
    "dilation_plus2_f32": (0.879, 15, 25.9), "dilation_plus2_f16to128": (0.880, 9, 32.5),
    "max_pool_2_f16": (0.869, 35, 7.6), "max_pool_2_f32": (0.875, 20, 8.9),
    "max_pool_2_f16to128": (0.877, 12, 8.1), "avg_pool_2_f16": (0.872, 60, 6.4),
    "avg_pool_2_f32": (0.879, 45, 9.1), "avg_pool_2_f16to128": (0.879, 26, 9.0),
}  # fmt: skip
"""Accuracy, best epoch and seconds an epoch, about as other people found them (config/prior)."""
EPOCHS_OF_128 = {"stride_2": 7, "dilation_plus2": 9, "max_pool_2": 7, "avg_pool_2": 14}
EPOCHS_OF_OTHERS = {"stride_3": 13, "stride_4": 16, "dilation_plus1": 10, "dilation_plus3": 11}
EPOCHS_OF_OTHERS |= {"dilation_const2": 17}
FAMILY = Family(load_claims(ROOT / "config/claims.yaml"))
CLAIMS = [claim for claim in FAMILY.claims if claim.comparisons]
PUBLISHED = read_published(ROOT / "config/published_values.csv")
NUMBERS = distinct_numbers(PUBLISHED)
Counts = dict[tuple[str, str], float]
"""Sweeps by measure and number of seeds."""


def papers_truth() -> Truth:
    """The paper's numbers; what it does not publish is filled in."""
    epochs = NUMBERS["best_epoch"].to_dict() | EPOCHS_OF_OTHERS
    epochs |= {f"{name}_f128": number for name, number in EPOCHS_OF_128.items()}
    rows = []
    for name in FAMILY.variants:
        if name in UNPUBLISHED:
            rows.append(UNPUBLISHED[name])
            continue
        seconds = NUMBERS["epoch_seconds"].get(name)
        if seconds is None:
            seconds = NUMBERS["seconds_to_best"][name] / epochs[name]
        rows.append((NUMBERS[ACCURACY][name], epochs[name], seconds))
    return Truth(*np.array(rows, float).T)


def equal_truth() -> Truth:
    """Variants that do not differ in anything."""
    number = len(FAMILY.variants)
    return Truth(np.full(number, 0.88), np.full(number, 15.0), np.full(number, 20.0))


def edge_truth(rng: np.random.Generator) -> Truth:
    """Clear gaps, except that a random comparison of most claims is exactly at its bound."""
    paper = papers_truth()
    accuracy = 0.88 + AMPLIFIED * (paper.accuracy - 0.88)
    truth = Truth(np.clip(accuracy, 0.5, 0.95), paper.best_epoch.copy(), paper.epoch_seconds.copy())
    fixed = {"test_accuracy": set[str](), "best_epoch": set[str](), "epoch_seconds": set[str]()}
    for place in rng.permutation(len(CLAIMS)):
        options = list(CLAIMS[place].comparisons)
        item = options[rng.integers(len(options))]
        kind = "epoch_seconds" if item.quantity in RUNTIMES else item.quantity
        frozen = fixed[kind] | (
            fixed["best_epoch"] if item.quantity == "seconds_to_best" else set()
        )
        free = [name for name in item.variants if name not in frozen]
        if free:
            _move_to_bound(truth, item, free[0], rng)
            fixed[kind] |= set(item.variants)
            if item.quantity == "seconds_to_best":
                fixed["best_epoch"] |= set(item.variants)
    return truth


def _move_to_bound(truth: Truth, item: Comparison, name: str, rng: np.random.Generator) -> None:
    """Change the truth of one variant so that a comparison is exactly at one of its bounds."""
    bounds = [bound for bound in (item.low, item.high) if np.isfinite(bound)]
    place, weight = FAMILY.variants.index(name), dict(item.weights)[name]
    step = (bounds[rng.integers(len(bounds))] - true_value(truth, item)) / weight
    if item.quantity == ACCURACY:
        truth.accuracy[place] += step
    elif item.quantity == "best_epoch":
        truth.best_epoch[place] = np.clip(truth.best_epoch[place] * np.exp(step), 3, 80)
    else:
        truth.epoch_seconds[place] *= np.exp(step)


def true_value(truth: Truth, item: Comparison) -> float:
    """The true effect of a comparison."""
    values = truth.values(item.quantity)
    return float(sum(weight * values[FAMILY.variants.index(v)] for v, weight in item.weights))


def is_true(truth: Truth, claim: Claim) -> bool:
    """Whether a claim is true; an effect at its bound is outside of the region."""

    def inside(item: Comparison) -> bool:
        return item.low + 1e-9 < true_value(truth, item) < item.high - 1e-9

    return all(
        sum(all(map(inside, unit)) for unit in units) >= number
        for number, units in claim.conditions
    )


def subset(sweep: Draw, seeds: int | str | np.ndarray, rng: np.random.Generator) -> SeedSample:
    """The first seeds of a sweep, an array has their number by variant; `mixed` draws it."""
    variants = len(sweep.right)
    mixed = isinstance(seeds, str)
    several = rng.choice([1, 2, 3, 5], variants) if mixed else np.broadcast_to(seeds, variants)
    absent = np.arange(several.max()) >= several[:, None]
    values = {
        name: np.where(absent, np.nan, numbers[:, : several.max()])
        for name, numbers in sweep.values.items()
    }
    right = [correct[:number] for correct, number in zip(sweep.right, several, strict=True)]
    spreads = {name: learn_spread(numbers, name) for name, numbers in values.items()}
    return SeedSample(values, spreads, image_covariance(list(right)))


def count_claims(sweep: SeedSample, truth: dict[int, bool], seeds: str, counts: Counts) -> None:
    """Judge the claims of a sweep, and count false and true verdicts."""
    judgement = judge(FAMILY, sweep.estimates)
    words = {claim.id: judgement.verdict(claim) for claim in CLAIMS}
    false = [word == (FAILS if truth[id] else HOLDS) for id, word in words.items()]
    counts["false verdict on any claim", seeds] += any(false)
    counts["claims that hold", seeds] += sum(word == HOLDS for word in words.values())
    counts["claims decided", seeds] += sum(word in (HOLDS, FAILS) for word in words.values())
    for id, word in words.items():
        counts[f"claim {id} holds", seeds] += word == HOLDS


def count_numbers(
    sweep: SeedSample, paper: dict[str, np.ndarray], seeds: str, counts: Counts
) -> None:
    """Judge the published numbers; all of them have the truth of ours, or a shifted one."""
    p, same = [], []
    for metric, published in NUMBERS.items():
        places = [FAMILY.variants.index(name) for name in published.index]
        values, unit = sweep.values[metric][places], 1.0
        numbers = paper[metric][places]
        if metric in RUNTIMES:
            reference = FAMILY.variants.index(REFERENCE)
            unit = paper["epoch_seconds"][reference]
            values = values - sweep.values["epoch_seconds"][reference]
            kept = np.array(places) != reference if metric == "epoch_seconds" else slice(None)
            values, numbers = values[kept], numbers[kept]
        gaps = gaps_to_paper(metric, values, numbers, unit, IMAGES)
        p.append(gaps.p)
        same.append(gaps.reproduced)
        if metric == ACCURACY:
            for shift in SHIFTS:
                moved = gaps_to_paper(metric, values, numbers - shift, unit, IMAGES)
                name = f"accuracy reproduced, {100 * shift:g} points apart"
                counts[name, seeds] += float(moved.reproduced.mean())
        else:
            counts[f"{metric} reproduced, equal", seeds] += float(gaps.reproduced.mean())
    words, _ = verdicts(np.concatenate(p), np.concatenate(same))
    counts["number differs, equal", seeds] += words.count(DIFFERS) / len(words)
    counts["any number differs, equal", seeds] += DIFFERS in words


def try_out(
    make_truth: Callable[[np.random.Generator], Truth],
    sweeps: int,
    seed: int,
    seeds: tuple[int | str, ...] = SEEDS,
) -> Counts:
    """Judge `sweeps` sweeps; the same sweep with its first seeds, more of them, and all."""
    rng = np.random.default_rng(seed)
    counts: Counts = defaultdict(float)
    for _ in range(sweeps):
        truth = make_truth(rng)
        claims = {claim.id: is_true(truth, claim) for claim in CLAIMS}
        drawn, paper = draw(truth, MOST, rng), publish(truth, rng)
        for number in seeds:
            sweep = subset(drawn, number, rng)
            count_claims(sweep, claims, str(number), counts)
            count_numbers(sweep, paper, str(number), counts)
    return counts


def rows_of(truth: str, counts: Counts, sweeps: int) -> Iterator[dict[str, object]]:
    """The share of sweeps of each measure, with its exact 95 % interval; means have none."""
    for (measure, seeds), number in counts.items():
        row = {"truth": truth, "measure": measure, "seeds": seeds, "sweeps": sweeps}
        row["share"] = number / sweeps
        if measure.startswith(("any", "false", "claim ")):
            interval = stats.binomtest(int(number), sweeps).proportion_ci(0.95)
            row |= {"low": interval.low, "high": interval.high}
        yield row


def main() -> None:
    arguments = parse_arguments()
    scenarios = {
        "equal": (lambda rng: equal_truth(), arguments.sweeps // 2),
        "edge": (edge_truth, arguments.sweeps - arguments.sweeps // 2),
        "paper": (lambda rng: papers_truth(), max(arguments.sweeps // 4, 1)),
    }
    rows: list[dict[str, object]] = []
    for name, (make_truth, sweeps) in scenarios.items():
        rows += rows_of(name, try_out(make_truth, sweeps, arguments.seed), sweeps)
        table = pd.DataFrame(rows).round(4)
        write_text(arguments.output, table.to_csv(index=False))
        shown = table[table["truth"] == name].pivot(
            index="measure", columns="seeds", values="share"
        )
        print(f"{name}: {sweeps} sweeps", shown[list(map(str, SEEDS))].to_string(), sep="\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sweeps", type=int, default=2000, help="sweeps with false claims (default: 2000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic sweeps (default: 0)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("benchmarks/results/judging.csv"),
        help="csv to write (default: benchmarks/results/judging.csv)",
    )
    arguments = parser.parse_args()
    if arguments.sweeps < 1:
        raise UserError("--sweeps must be 1 or more")
    return arguments


if __name__ == "__main__":
    run_script(main)
