"""The report's first screen and its witnesses, as values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from convnets.config.settings import OFFICIAL_TEST_IMAGES
from convnets.judging.comparison import NOT_COMPARABLE, agreement
from convnets.judging.conditions import OTHER
from convnets.judging.numbers import COMPATIBLE, DIFFERS, REPRODUCED
from convnets.judging.others import papers_seed
from convnets.judging.spread import ACCURACY
from convnets.judging.verdicts import FAILS, HOLDS, NOT_RUN, ON_THESE_NETWORKS, UNDECIDED
from convnets.judging.witnesses import spreads_of
from convnets.report.axis import Axis
from convnets.report.results import Results
from convnets.runs.metrics import runs_of

OF_NUMBERS = (REPRODUCED, COMPATIBLE, DIFFERS, NOT_COMPARABLE, "reference", NOT_RUN)
OF_CLAIMS = (HOLDS, FAILS, UNDECIDED, ON_THESE_NETWORKS, NOT_RUN)
MEASURE, IMAGES = "official_test_accuracy", "official_test_images"


def summary(results: Results) -> dict[str, Any]:
    """Counts of verdicts, and the accuracies to compare."""
    claims = results.claims.drop_duplicates("claim")
    limited = claims[claims["claim_verdict"] == ON_THESE_NETWORKS]
    open_claims = claims[claims["judged_claim"] == UNDECIDED]
    points = accuracies(results)
    ours = [row[key] for row in points for key in ("ours", "ours_low", "ours_high")]
    paper = [row["paper"] for row in points]
    both = Axis.over([*paper, *ours])
    far = results.level == OTHER  # on one scale, dots would lie on top of each other
    return {
        "numbers": _counts(results.comparison["verdict"], OF_NUMBERS),
        "judged": _counts(claims["claim_verdict"], OF_CLAIMS),
        "on_these": _counts(limited["judged_claim"], OF_CLAIMS),
        "leans": _counts(open_claims["lean"], ("for", "against")),
        "points": points,
        "shared_axis": both,
        "axis": Axis.over(paper) if far else both,
        "ours_axis": Axis.over(ours) if far else both,
    }


def accuracies(results: Results) -> list[dict[str, Any]]:
    """The published test accuracies of variants that were run, one row each."""
    rows = results.comparison
    rows = rows[(rows["metric"] == ACCURACY) & rows["variant"].isin(results.by_variant)]
    found: list[dict[Any, Any]] = rows.drop_duplicates("variant").to_dict("records")
    runs = {row["variant"]: results.by_variant[row["variant"]][0] for row in found}
    return [row | {"method": runs[row["variant"]].value("variant.method")} for row in found]


def witnesses(results: Results) -> dict[str, Any]:
    """Agreement with the paper as a whole, its seed, and the spread of ours and other people's."""
    ours, models = spreads_of(results.metrics), results.prior.models
    return {
        "agreement": agreement(results.comparison).to_dict("records"),
        "seed": papers_seed(results.published),
        "spread": {
            name: [math.sqrt(value) for value in (ours[name].variance, *model.components)]
            for name, model in models.items()
            if model.components
        },
        "persons": results.prior.runs["person"].nunique(),
        "their_runs": len(results.prior.runs),
    }


def official(results: Results) -> list[dict[str, Any]]:
    """Accuracy of each variant on the official test images; empty where there are none."""
    if IMAGES not in results.metrics or results.metrics[IMAGES].isna().all():
        return []
    images = int(results.metrics[IMAGES].max())
    values = {name: runs_of(results.metrics, name)[MEASURE].dropna() for name in results.by_variant}
    return [
        {"variant": name, "seeds": len(found), "mean": found.mean(), "images": images}
        | dict(zip(("low", "high"), official_interval(found, images), strict=True))
        for name, found in values.items()
        if len(found)
    ]


def official_interval(accuracies: pd.Series, images: int) -> tuple[float, float]:
    """The 95 % interval of the accuracy on the whole official test set, from a sample of it.

    The finite population counts as a larger sample. One seed: Wilson's interval. Several: of the
    mean over seeds and images.
    """
    mean, seeds = float(accuracies.mean()), len(accuracies)
    if images >= OFFICIAL_TEST_IMAGES and seeds == 1:
        return mean, mean
    unseen = max(OFFICIAL_TEST_IMAGES - images, 0) / (OFFICIAL_TEST_IMAGES - 1)
    if seeds == 1:
        counted = images / unseen
        wilson = stats.binomtest(round(mean * counted), round(counted)).proportion_ci(
            method="wilson"
        )
        return float(wilson.low), float(wilson.high)
    of_images = stats.norm.ppf(0.975) ** 2 * mean * (1 - mean) * unseen / images
    of_seeds = stats.t.ppf(0.975, seeds - 1) ** 2 * accuracies.var() / seeds
    reach = float(np.sqrt(of_images + of_seeds))
    return max(mean - reach, 0.0), min(mean + reach, 1.0)


def _counts(verdicts: pd.Series, order: Sequence[str]) -> Mapping[str, int]:
    found = verdicts.value_counts()
    return {word: int(found[word]) for word in order if word in found}
