"""What the report says first: the results, their summary, their tables and figures.

Every number comes from a file of the results.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.conditions import deviations, readable
from convnets.errors import UserError
from convnets.metrics import read_runs, runs_of
from convnets.variant import KEYS_OF_METHOD

SYNTHETIC = "glyphs"
"""The data source whose images are drawn, not written by hand."""
BASELINE = "fully_connected"
PAPER_ORDER = (
    *("figure_01", "figure_02", "figure_03", "figure_04", "figure_05", "figure_06", "figure_07"),
    *("table_1", "figure_08", "table_2", "table_3"),
    *("table_4", "figure_09", "figure_10", "table_5"),
)
"""The tables and figures of the paper's experiments, in its order."""


@dataclass(frozen=True)
class Run:
    """One variant trained with one seed, and tested."""

    record: dict[str, Any]
    """`run.json`."""
    test: dict[str, Any]
    """`test.json`."""
    history: pd.DataFrame
    """`history.csv`, by epoch."""

    @property
    def variant(self) -> str:
        """Id of the variant."""
        return str(self.record["variant"]["id"])

    def value(self, key: str) -> Any:
        """What `run.json` says under `key`, whose dots lead inwards; None if it has no such key."""
        return _walk(self.record, key.split("."))


@dataclass(frozen=True)
class Results:
    """What the workflow left in `results/NAME`."""

    folder: Path
    runs: tuple[Run, ...]
    """The runs of `metrics.csv`, by method and variant."""
    metrics: pd.DataFrame
    """The same as numbers, see `read_runs`."""
    provenance: dict[str, Any]
    """`provenance.json` of the data."""
    comparison: pd.DataFrame
    """`comparison.csv`: one row per published number."""

    @cached_property
    def by_variant(self) -> dict[str, list[Run]]:
        """The runs of each variant, in order."""
        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            groups.setdefault(run.variant, []).append(run)
        return groups

    @property
    def synthetic(self) -> bool:
        """Whether the images were drawn by a program."""
        return bool(self.provenance["source"] == SYNTHETIC)

    def mean(self, variant: str, measure: str) -> float:
        """Mean of a measure of `metrics.csv` over the seeds of a variant."""
        return float(runs_of(self.metrics, variant)[measure].mean())


def load_results(folder: Path) -> Results:
    """Read all but the tables and figures. Raises `UserError` where there are no runs."""
    metrics = read_runs(folder / "metrics.csv")
    if metrics.empty:
        raise UserError(f"{folder / 'metrics.csv'} has no runs; train and evaluate some first")
    runs = [
        _load_run(folder / "runs" / variant / f"seed_{seed}") for variant, seed in metrics.index
    ]
    return Results(
        folder=folder,
        runs=tuple(sorted(runs, key=_by_method)),
        metrics=metrics,
        provenance=json.loads((folder / "data" / "provenance.json").read_text(encoding="utf-8")),
        comparison=pd.read_csv(folder / "comparison.csv"),
    )


def _load_run(folder: Path) -> Run:
    return Run(
        record=json.loads((folder / "run.json").read_text(encoding="utf-8")),
        test=json.loads((folder / "test.json").read_text(encoding="utf-8")),
        history=pd.read_csv(folder / "history.csv", index_col="epoch"),
    )


def _by_method(run: Run) -> tuple[int, list[Any], int]:
    """Methods in the paper's order, then ids with their numbers by size, then seeds."""
    method = list(KEYS_OF_METHOD).index(run.record["variant"]["method"])
    parts = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", run.variant)]
    return method, parts, run.record["seed"]


def values_used(key: str, results: Results) -> list[Any]:
    """The different values of `key` over all runs, in order; empty where no run has it.

    The dots in `key` lead inwards, in `run.json` or, after `provenance.`, in `provenance.json`.
    """
    if key.startswith("provenance."):
        return distinct([_walk(results.provenance, key.split(".")[1:])])
    return distinct(run.value(key) for run in results.runs)


def _walk(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order of appearance, without None."""
    found: list[Any] = []
    for value in values:
        if value is not None and value not in found:
            found.append(value)
    return found


def shown_values(values: Sequence[Any]) -> str:
    """The values as a reader wants to see them."""
    return ", ".join(shown_value(value) for value in values) or markup.MISSING


def shown_value(value: Any) -> str:
    """One value: thousands apart, booleans in words, lists with arrows."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "→".join(shown_value(item) for item in value)
    return str(value)


def shown_seconds(seconds: float) -> str:
    """A duration in the two largest units that it fills."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(number: int, noun: str) -> str:
    """The number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def in_paper_order(names: Sequence[str]) -> list[str]:
    """Tables and figures as in the paper, then those that the paper does not have."""
    return [name for name in PAPER_ORDER if name in names] + [
        name for name in names if name not in PAPER_ORDER
    ]


def warnings(results: Results, shown: Sequence[str]) -> Markup:
    """A notice of all that makes these results another thing than the paper's, if any.

    `shown` names the tables and figures that were asked for.
    """
    items = ["images are drawn from fonts by a program; nobody wrote them"] * results.synthetic
    items += deviations(results.provenance, results.metrics)
    missing = [readable(name) for name in PAPER_ORDER if name not in shown]
    items += [f"not run: {', '.join(missing)}"] * bool(missing)
    if not items:
        return Markup()
    synthetic = "Synthetic data: these numbers say nothing about EMNIST or the paper."
    other = "Not the paper's experiment: its numbers and these cannot simply be compared."
    return markup.notice(synthetic if results.synthetic else other, items)


def summary(results: Results, command: str) -> Markup:
    """How much was run, where, and how to do it again, as a list of facts."""
    split = results.provenance["counts"]["split"]
    sizes = " / ".join(f"{split[part]:,}" for part in ("train", "validation", "test"))
    variants = plural(len(results.by_variant), "variant")
    seeds = plural(len(values_used("seed", results)), "seed")
    covered = int((results.comparison["verdict"] != "not run").sum())
    pairs: list[tuple[str, Any]] = [
        ("Name", results.folder.name),
        ("Data", results.provenance["display_name"]),
        ("Train / validation / test", f"{sizes} images"),
        ("Runs", f"{len(results.runs)} ({variants}, {seeds})"),
        ("Epochs of each run", shown_values(values_used("epochs", results))),
        ("Published numbers covered", f"{covered} of {len(results.comparison)}"),
        ("Device", shown_values(values_used("device_name", results))),
        ("Precision", shown_values(values_used("precision", results))),
        ("Training time, all runs", shown_seconds(results.metrics["train_seconds"].sum())),
        ("Commit", markup.codes(values_used("git_commit", results))),
    ]
    if command:
        pairs += [("Made by", markup.codes([command]))]
    return markup.facts(pairs)


def headlines(results: Results) -> Markup:
    """The first things that a reader wants to know, computed from the runs."""
    accuracy = {variant: results.mean(variant, "test_accuracy") for variant in results.by_variant}
    seconds = {variant: results.mean(variant, "epoch_seconds") for variant in results.by_variant}
    best = max(accuracy, key=accuracy.__getitem__)
    items = [f"Best test accuracy: {best} with {accuracy[best]:.3f}."]
    networks = [variant for variant in accuracy if variant != BASELINE]
    if BASELINE in accuracy and networks:
        weakest = min(networks, key=accuracy.__getitem__)
        gap = 100 * (accuracy[weakest] - accuracy[BASELINE])
        items += [
            f"The weakest convolutional network, {weakest}, is {abs(gap):.1f} percentage points "
            f"{'above' if gap >= 0 else 'below'} the fully-connected one, "
            f"which has {accuracy[BASELINE]:.3f}."
        ]
    if len(seconds) > 1:
        fast, slow = (extreme(seconds, key=seconds.__getitem__) for extreme in (min, max))
        items += [
            f"An epoch takes from {seconds[fast]:.2f} s ({fast}) to {seconds[slow]:.2f} s ({slow})."
        ]
    images = results.runs[0].test["test_images"]
    error = 100 * math.sqrt(accuracy[best] * (1 - accuracy[best]) / images)
    items += [
        f"Standard error of an accuracy of {accuracy[best]:.3f} on {images:,} test images: "
        f"{error:.2f} percentage points. Gaps of that size mean nothing."
    ]
    return markup.bullets(items)


def verdicts(results: Results) -> Markup:
    """How many published numbers got which verdict."""
    counts = results.comparison["verdict"].value_counts()
    chips = [Markup("{} {}").format(n, markup.verdict(str(word))) for word, n in counts.items()]
    total = plural(len(results.comparison), "published number")
    return Markup('<p class="verdicts">{}: {}</p>').format(total, markup.join(chips, ", "))


def links(names: Sequence[str]) -> Markup:
    """Where to find each table and figure on the page."""
    items = [Markup('<a href="#{}">{}</a>').format(name, readable(name)) for name in names]
    return Markup("<p>{}</p>").format(markup.join(items, ", "))


def exhibit(name: str, results: Results) -> Markup:
    """One table or figure with its caption, from `tables/NAME.md` or `figures/NAME.svg`."""
    figure = results.folder / "figures" / f"{name}.svg"
    if figure.is_file():
        return markup.figure(figure, readable(name))
    table = results.folder / "tables" / f"{name}.md"
    if table.is_file():
        return markup.markdown_table(table, name)
    raise UserError(
        f"{results.folder} has neither {table.name} in tables nor {figure.name} in figures"
    )
