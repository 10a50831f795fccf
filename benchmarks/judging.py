"""Whether the tests of the claims are right: sweeps with a known truth, judged as real ones are.

    python -m benchmarks.judging --sweeps 1000

Counts false positives where there is no effect, and the power to find planted effects of half a
point and one point of accuracy, beside the power that theory predicts. Writes a row for each test
and number of seeds.
"""

import argparse
import gc
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.synthetic_sweeps import Truth, power_of_mcnemar, power_over_seeds
from convnets.errors import UserError, run_script
from convnets.files import write_text
from convnets.judging.effect import ALPHA, Source
from convnets.judging.numbers import accuracy_gap
from convnets.judging.paired import accuracy_effect
from convnets.judging.runtime import over_seeds
from convnets.judging.spread import pooled
from convnets.judging.verdict import UNDECIDABLE, Region, judge, weigh

SEEDS = (1, 2, 3, 5)
ACCURACY = 0.88
SEED_SPREAD = 0.003
"""Standard deviation of the accuracy between seeds, assumed."""
EQUAL_WITHIN = 0.005
PLANTED = (0.005, 0.01)
RUNTIME_SPREAD = 0.3
"""Standard deviation of the logarithm of a runtime between seeds, assumed."""
PAIR = {"variant_0": 1.0, "variant_1": -1.0}
SLOPE = {"variant_0": -0.3, "variant_1": -0.1, "variant_2": 0.1, "variant_3": 0.3}


@dataclass(frozen=True)
class Scenario:
    """A truth, a test, and how often the test should decide something."""

    name: str
    seeds: int
    decides: Callable[[np.random.Generator], bool]
    expected: float
    effect: float = 0.0


def difference(truth: Truth, seeds: int, region: Region) -> Callable[[np.random.Generator], bool]:
    """Whether the difference of two variants is decided, either way."""
    return lambda rng: weigh(accuracy_effect(truth.draw(seeds, rng), PAIR), region).p < ALPHA


def slope(truth: Truth, seeds: int) -> Callable[[np.random.Generator], bool]:
    """Whether the slope over four variants is decided, either way."""
    return lambda rng: weigh(accuracy_effect(truth.draw(seeds, rng), SLOPE), Region(0)).p < ALPHA


def family(truth: Truth, seeds: int) -> Callable[[np.random.Generator], bool]:
    """Whether any difference within a whole sweep is decided after Holm's correction."""

    def decides(rng: np.random.Generator) -> bool:
        right = truth.draw(seeds, rng)
        evidence = [
            weigh(accuracy_effect(right, {first: 1.0, second: -1.0}), Region(0))
            for first, second in itertools.combinations(right, 2)
        ]
        return any(verdict != UNDECIDABLE for verdict, _ in judge(evidence))

    return decides


def runtime(seeds: int) -> Callable[[np.random.Generator], bool]:
    """Whether a ratio of two equal runtimes is decided, either way."""

    def decides(rng: np.random.Generator) -> bool:
        logarithms = rng.normal(0, RUNTIME_SPREAD, (2, seeds))
        return weigh(over_seeds(logarithms[0] - logarithms[1]), Region(0)).p < ALPHA

    return decides


def spread_of_others(rng: np.random.Generator) -> Source:
    """The spread between seeds that six variants with three seeds each show."""
    others = Truth((ACCURACY,) * 6, SEED_SPREAD).draw(3, rng)
    spread = pooled(np.array([right.mean() for right in runs.values()]) for runs in others.values())
    assert spread
    return spread


def one_of_all_seeds(truth: Truth) -> Callable[[np.random.Generator], bool]:
    """Whether one seed, with the spread of other variants, decides a difference, either way."""

    def decides(rng: np.random.Generator) -> bool:
        effect = accuracy_effect(truth.draw(1, rng), PAIR)
        return weigh(effect.over_other_seeds(spread_of_others(rng), (1, -1)), Region(0)).p < ALPHA

    return decides


def published(truth: Truth, seeds: int) -> Callable[[np.random.Generator], bool]:
    """Whether the accuracy that another single run on other images gave is said to differ."""

    def decides(rng: np.random.Generator) -> bool:
        runs = truth.draw(seeds, rng)["variant_0"].values()
        ours = np.array([right.mean() for right in runs])
        paper = truth.draw(1, rng)["variant_0"][0].mean()
        low, high = accuracy_gap(ours, truth.images, paper, spread_of_others(rng)).interval
        return bool(low > 0 or high < 0)

    return decides


def scenarios() -> Iterator[Scenario]:
    """All that is tried, false positives first."""
    for seeds in SEEDS:
        spread = SEED_SPREAD if seeds > 1 else 0.0  # one seed: these networks, no others
        equal = Truth((ACCURACY,) * 4, spread)
        edge = Truth((ACCURACY + EQUAL_WITHIN, ACCURACY), spread)
        within = Region(-EQUAL_WITHIN, EQUAL_WITHIN)
        pair = Truth((ACCURACY,) * 2, spread)
        yield Scenario("difference, none true", seeds, difference(pair, seeds, Region(0)), ALPHA)
        yield Scenario("slope, none true", seeds, slope(equal, seeds), ALPHA)
        at_edge = difference(edge, seeds, within)
        yield Scenario("equality, true at its edge", seeds, at_edge, ALPHA, EQUAL_WITHIN)
        yield Scenario("any of six, Holm, none true", seeds, family(equal, seeds), ALPHA)
        if seeds > 1:
            yield Scenario("ratio of runtimes, none true", seeds, runtime(seeds), ALPHA)
    spread_out = Truth((ACCURACY,) * 2, SEED_SPREAD)
    yield Scenario("one seed taken for all seeds", 1, difference(spread_out, 1, Region(0)), ALPHA)
    yield Scenario("one seed, others' spread, none true", 1, one_of_all_seeds(spread_out), ALPHA)
    for seeds in SEEDS:
        decides = published(spread_out, seeds)
        yield Scenario("published number, the same", seeds, decides, ALPHA)
    for seeds, planted in itertools.product(SEEDS, PLANTED):
        accuracies = (ACCURACY + planted / 2, ACCURACY - planted / 2)
        truth = Truth(accuracies, SEED_SPREAD if seeds > 1 else 0.0)
        if seeds == 1:
            power = power_of_mcnemar(truth, planted)
        else:
            power = power_over_seeds(truth, planted, seeds)
        decides = difference(truth, seeds, Region(0))
        yield Scenario("difference, planted", seeds, decides, power, planted)


def try_out(scenario: Scenario, sweeps: int, seed: int) -> dict[str, object]:
    """The row of a scenario: the share of sweeps decided, with its exact 95 % interval."""
    rng = np.random.default_rng(seed)
    decided = sum(scenario.decides(rng) for _ in range(sweeps))
    interval = stats.binomtest(decided, sweeps).proportion_ci(0.95)
    return {
        "test": scenario.name,
        "seeds": scenario.seeds,
        "effect": scenario.effect,
        "sweeps": sweeps,
        "decided": decided / sweeps,
        "low": interval.low,
        "high": interval.high,
        "expected": scenario.expected,
    }


def main() -> None:
    arguments = parse_arguments()
    gc.freeze()  # statsmodels collects garbage at every call of Holm's correction
    rows = []
    for scenario in scenarios():
        row = try_out(scenario, arguments.sweeps, arguments.seed)
        rows.append(row)
        print(
            f"{scenario.name}, {scenario.seeds} seeds, effect {scenario.effect}: decided "
            f"{row['decided']:.3f} ({row['low']:.3f} to {row['high']:.3f}), "
            f"expected {scenario.expected:.3f}",
            flush=True,
        )
    write_text(arguments.output, pd.DataFrame(rows).round(4).to_csv(index=False))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sweeps", type=int, default=1000, help="of each scenario (default: 1000)")
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
