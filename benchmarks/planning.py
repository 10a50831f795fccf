"""Whether planned runs decide more claims than one seed more of everything, in the same time.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.planning      (a few minutes on one core)

The truth is the paper's numbers. Each synthetic sweep starts with one to three seeds of every
variant, and is continued twice: with one seed more of every variant, and with the runs that
`convnets.judging.planning` chooses for the same hours. Writes a row per sweep with the decided
claims, the expected number, and false verdicts.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.judging import CLAIMS, FAMILY, is_true, papers_truth, subset
from benchmarks.synthetic_sweeps import EPOCHS, Draw, Truth, draw
from convnets.core.files import write_text
from convnets.judging.planning import Planner, expected_values
from convnets.judging.verdicts import FAILS, HOLDS, UNDECIDED, judge

MOST = 16
"""Seeds of a synthetic sweep; the runs of a plan beyond them are not made."""


def compare(truth: Truth, seeds: int, rng: np.random.Generator) -> dict[str, float]:
    """Decided claims of one sweep at the start, with one seed more, and with planned runs."""
    sweep, hours = draw(truth, MOST, rng), truth.epoch_seconds * EPOCHS / 3600
    start = subset(sweep, seeds, rng)
    planner = Planner(FAMILY, start, expected_values(start, []), hours)
    *_, last = planner.now, *planner.choose(hours.sum())
    made = np.minimum(last.added, MOST - seeds)
    row = {"seeds": seeds, "hours": hours.sum(), "planned_hours": float(last.added @ hours)}
    row |= {"expected": last.decided}
    states = {"start": seeds, "one_seed": seeds + 1, "plan": seeds + made}
    for name, number in states.items():
        row[name], row[f"{name}_false"] = decided(sweep, truth, np.asarray(number), rng)
    return row


def decided(
    sweep: Draw, truth: Truth, seeds: np.ndarray, rng: np.random.Generator
) -> tuple[int, int]:
    """Number of decided claims, and how many of them falsely."""
    judgement = judge(FAMILY, subset(sweep, seeds, rng).estimates)
    words = {claim: judgement.verdict(claim) for claim in CLAIMS}
    false = sum(
        word == (FAILS if is_true(truth, claim) else HOLDS) for claim, word in words.items()
    )
    return sum(word != UNDECIDED for word in words.values()), false


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sweeps", type=int, default=12, help="synthetic sweeps (default: 12)")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results/planning.csv"), help="csv to write"
    )
    arguments = parser.parse_args()
    rows = []
    for number in range(arguments.sweeps):
        rows.append(compare(papers_truth(), 1 + number % 3, np.random.default_rng(number)))
        table = pd.DataFrame(rows).round(3)
        write_text(arguments.output, table.to_csv(index=False))
        print(table.tail(1).to_string(header=number == 0, index=False), flush=True)
    print(table.groupby("seeds").mean().to_string())


if __name__ == "__main__":
    main()
