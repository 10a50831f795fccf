"""The report's first screen: what came out, of which runs, and what these can tell."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.judging.comparison import NOT_COMPARABLE
from convnets.judging.conditions import OTHER, SAME, deviations, level, other_hardware, readable
from convnets.judging.numbers import COMPATIBLE, DIFFERS, REPRODUCED
from convnets.judging.verdicts import FAILS, HOLDS, NOT_RUN, ON_THESE_NETWORKS, UNDECIDED
from convnets.report import (
    PAPER_ORDER,
    Results,
    plural,
    shown_values,
    values_used,
)
from convnets.runs.metrics import runtimes_measured

BASELINE = "fully_connected"
OF_NUMBERS = (REPRODUCED, COMPATIBLE, DIFFERS, NOT_COMPARABLE, "reference", NOT_RUN)
OF_CLAIMS = (HOLDS, FAILS, UNDECIDED, ON_THESE_NETWORKS, NOT_RUN)
COMMIT_LENGTH = 12


def warnings(results: Results, shown: Sequence[str]) -> Markup:
    """A notice of all that makes these results another thing than the paper's, if any.

    `shown` names the tables and figures that were asked for.
    """
    items = ["images are drawn from fonts by a program; nobody wrote them"] * results.synthetic
    items += deviations(results.provenance, results.metrics)
    absent = [readable(name) for name in PAPER_ORDER if name not in shown]
    items += [f"not run: {', '.join(absent)}"] * bool(absent)
    if results.missing:
        planned = len(results.runs) + len(results.missing)
        items += [f"missing: {len(results.missing)} of {planned} planned runs (see Deviations)"]
    if not items:
        return Markup()
    synthetic = "Synthetic data: these numbers say nothing about EMNIST or the paper."
    other = "Not the paper's experiment: its numbers and these cannot simply be compared."
    return markup.notice(synthetic if results.synthetic else other, "; ".join(items) + ".")


def verdicts(results: Results, claims: pd.DataFrame) -> Markup:
    """How many published numbers and how many claims got which verdict."""
    numbers = _counts(results.comparison["verdict"], OF_NUMBERS)
    judged = _counts(claims.drop_duplicates("claim")["claim_verdict"], OF_CLAIMS)
    return Markup('<div class="verdicts">\n{}\n{}\n</div>').format(
        markup.tally(
            Markup('<a href="#Every-published-number"><b>{}</b> of {}</a> reproduced').format(
                numbers.get("reproduced", 0), plural(sum(numbers.values()), "published number")
            ),
            numbers,
        ),
        markup.tally(
            Markup('<a href="#Claims-of-the-paper"><b>{}</b> of {}</a> hold').format(
                judged.get(HOLDS, 0), plural(sum(judged.values()), "claim")
            ),
            judged,
        ),
    )


def _counts(verdicts: pd.Series, order: Sequence[str]) -> Mapping[str, int]:
    found = verdicts.value_counts()
    return {word: int(found[word]) for word in order if word in found}


def summary(results: Results, command: str) -> Markup:
    """How much was run, where, and how to do it again, as a list of facts."""
    split = results.provenance["counts"]["split"]
    sizes = " / ".join(f"{split[part]:,}" for part in ("train", "validation", "test"))
    variants = plural(len(results.by_variant), "variant")
    seeds = plural(len(values_used("seed", results)), "seed")
    hours = results.metrics["train_seconds"].sum() / 3600
    on_gpu = values_used("device", results) == ["cuda"]
    commits = [commit[:COMMIT_LENGTH] for commit in values_used("git_commit", results)]
    pairs: list[tuple[str, Any]] = [
        ("Data", results.provenance["display_name"]),
        ("Train / validation / test", f"{sizes} images"),
        ("Runs", f"{len(results.runs)} ({variants}, {seeds})"),
        ("Epochs of each run", _epochs(results)),
        (
            "GPU hours" if on_gpu else "Device hours",
            f"{hours:.2f} ({shown_values(values_used('device_name', results))})",
        ),
        ("Commit", markup.codes(commits)),
    ]
    if command:
        pairs += [("Made by", markup.codes([command]))]
    return markup.facts(pairs)


def _epochs(results: Results) -> str:
    asked = shown_values(values_used("epochs", results))
    trained = results.metrics["epochs_trained"]
    early = trained[trained < results.metrics["epochs"]]
    if early.empty:
        return asked
    patience = shown_values(values_used("training.patience", results))
    return (
        f"at most {asked}; {len(early)} of {len(trained)} runs stopped early, after "
        f"{early.min():.0f} to {early.max():.0f}, when validation accuracy had not improved for "
        f"{patience} epochs"
    )


def scope(results: Results) -> Markup:
    """What these runs can and cannot tell, in a few sentences."""
    seeds = [len(runs) for runs in results.by_variant.values()]
    repeated = "Intervals and verdicts are on all seeds."
    if max(seeds) == 1:
        repeated = "Each variant has one seed: the spread between seeds is assumed."
    elif min(seeds) == 1:
        several = plural(sum(number > 1 for number in seeds), "variant")
        repeated = (
            f"The spread between seeds is learnt from the {several} of {len(seeds)} with several "
            "seeds, and serves for the others too."
        )
    compared = "Data and epochs are the paper’s."
    conditions = level(results.provenance, results.metrics)
    if conditions == OTHER:
        compared = (
            "Images or epochs are too far from the paper’s: its numbers are not comparable, and "
            "verdicts on the claims are on these networks only."
        )
    elif conditions != SAME:
        compared = (
            "Images or epochs are nearly the paper’s: a number that differs may show what these "
            "conditions give."
        )
    hardware = other_hardware(results.metrics)
    timed = "Runtimes were taken on other hardware and are compared as ratios." if hardware else ""
    return Markup(
        '<p class="scope"><strong>What these runs can tell.</strong> {} {} {}</p>'
    ).format(compared, repeated, timed)


def headlines(results: Results) -> Markup:
    """The first things that a reader wants to know of the paper's variants, or of all others."""
    of_paper = [name for name in results.by_variant if name in set(results.comparison["variant"])]
    variants = of_paper or list(results.by_variant)
    accuracy = {variant: results.mean(variant, "test_accuracy") for variant in variants}
    seconds = {variant: results.mean(variant, "epoch_seconds") for variant in variants}
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
        taken = "measured side by side" if runtimes_measured(results.metrics) else "while training"
        items += [
            f"An epoch takes from {seconds[fast]:.2f} s ({fast}) to {seconds[slow]:.2f} s "
            f"({slow}), {taken}."
        ]
    images = results.runs[0].test["test_images"]
    error = 100 * math.sqrt(accuracy[best] * (1 - accuracy[best]) / images)
    items += [
        f"Standard error of an accuracy of {accuracy[best]:.3f} on {images:,} test images: "
        f"{error:.2f} percentage points. Gaps of that size mean nothing."
    ]
    return markup.bullets(items)
