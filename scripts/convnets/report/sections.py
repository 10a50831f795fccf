"""The page of the report: its sections, and the values that they show beside the results."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from scipy import stats

from convnets.architectures.methods import METHODS
from convnets.config.settings import OFFICIAL_TEST_IMAGES
from convnets.exhibits.style import use_style
from convnets.exhibits.tables import HEADINGS
from convnets.judging import conditions, numbers, readings, table, verdicts
from convnets.judging.estimates import ACCURACY, ASSUMED
from convnets.judging.others import papers_seed
from convnets.judging.published import REFERENCE
from convnets.judging.witnesses import spreads_of
from convnets.lesson.measurements import for_templates
from convnets.report.claims import Axis, claims_of
from convnets.report.discussion import OFFICIAL, OFFICIAL_IMAGES, discussion, fidelity
from convnets.report.exhibits import exhibits
from convnets.report.page import Sections
from convnets.report.results import Results
from convnets.runs.metrics import median_interval, read_history, rounds_of, runs_of

HIDDEN = 0.1
"""Share of a curve's points, those of its first climb, that may be below the sketch."""


def summary(results: Results) -> dict[str, Any]:
    """Counts of verdicts, and the accuracies to compare."""
    claims = results.claims.drop_duplicates("claim")
    limited = claims[claims["claim_verdict"] == verdicts.ON_THESE_NETWORKS]
    open_claims = claims[claims["judged_claim"] == verdicts.UNDECIDED]
    rows = results.comparison[results.comparison["metric"] == ACCURACY].drop_duplicates("variant")
    methods = {id: seeds[0].record["variant"]["method"] for id, seeds in results.by_variant.items()}
    trained = rows.assign(method=rows["variant"].map(methods)).dropna(subset="method")
    points: list[dict[Any, Any]] = trained.to_dict("records")
    ours = [row[key] for row in points for key in ("ours", "ours_low", "ours_high")]
    paper = [row["paper"] for row in points]
    both = Axis.over([*paper, *ours])
    far = results.level == conditions.OTHER  # on one scale, dots would lie on top of each other
    return {
        "numbers": _counts(results.comparison["verdict"], numbers.VERDICTS),
        "judged": _counts(claims["claim_verdict"], table.VERDICTS),
        "on_these": _counts(limited["judged_claim"], table.VERDICTS),
        "leans": _counts(open_claims["lean"], ("for", "against")),
        "points": points,
        "shared_axis": both,
        "axis": Axis.over(paper) if far else both,
        "ours_axis": Axis.over(ours) if far else both,
    }


def witnesses(results: Results) -> dict[str, Any]:
    """Agreement with the paper as a whole, its seed, and the spread of ours and other people's."""
    ours, models = spreads_of(results.metrics), results.prior.models
    return {
        "agreement": numbers.agreement(results.comparison).to_dict("records"),
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
    tested, rows = results.metrics.reindex(columns=[OFFICIAL, OFFICIAL_IMAGES]).dropna(), []
    for name in results.by_variant:
        if len(found := runs_of(tested, name)[OFFICIAL]):
            images = int(tested[OFFICIAL_IMAGES].max())
            low, high = official_interval(found, images)
            row = {"variant": name, "seeds": len(found), "mean": found.mean(), "images": images}
            rows.append(row | {"low": low, "high": high})
    return rows


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
        test = stats.binomtest(round(mean * counted), round(counted))
        wilson = test.proportion_ci(method="wilson")
        return float(wilson.low), float(wilson.high)
    of_images = stats.norm.ppf(0.975) ** 2 * mean * (1 - mean) * unseen / images
    of_seeds = stats.t.ppf(0.975, seeds - 1) ** 2 * accuracies.var() / seeds
    reach = float(np.sqrt(of_images + of_seeds))
    return max(mean - reach, 0.0), min(mean + reach, 1.0)


def analyses(results: Results) -> dict[str, Any]:
    """Learning curve and runtimes of every variant, accuracy of every class, costs of layers."""
    means = {
        variant: pd.concat([read_history(run)["val_accuracy"] for run in runs], axis=1).mean(axis=1)
        for variant, runs in results.by_variant.items()
    }
    lowest = min(float(mean.quantile(HIDDEN)) for mean in means.values())
    tested = [run.test.get("per_class_accuracy", {}) for run in results.runs]
    return for_templates(results.folder) | {
        "variants": [_variant(variant, mean, results) for variant, mean in means.items()],
        "curve_axis": Axis(lowest, max(float(mean.max()) for mean in means.values()) + 1e-9),
        "runtime_conditions": conditions.runtime_conditions(results.metrics),
        "reference": REFERENCE,
        "classes": pd.DataFrame(tested, dtype=float).mean().dropna(),
    }


def _variant(variant: str, mean: pd.Series, results: Results) -> dict[str, Any]:
    rounds, ratio = rounds_of(results.metrics, variant), None
    low, high = median_interval(rounds)
    if len(rounds) and REFERENCE in results.by_variant:
        ratio = float(np.median(rounds / rounds_of(results.metrics, REFERENCE)))
    own = {"id": variant, "curve": mean.tolist(), "best": int(mean.argmax())}
    return own | {"low": low, "high": high, "ratio": ratio}


def _counts(found: pd.Series, order: Sequence[str]) -> dict[str, int]:
    counted = found.value_counts()
    return {word: int(counted[word]) for word in order if word in counted}


VALUES: dict[str, Callable[[Results], dict[str, Any]]] = {
    "summary": summary,
    "discussion": discussion,
    "witnesses": witnesses,
    "numbers": lambda results: summary(results) | {"official": official(results)},
    "analyses": analyses,
    "readings": lambda _: {"assumed": ASSUMED, "likelihood": readings},
    "provenance": lambda _: {"paper_gpu": conditions.PAPER_GPU, "fidelity": fidelity()},
}
"""Values of a section beside those that all sections see, by its template in report/sections."""


class ReportPage(Sections):
    """The sections of the report on the results in a folder."""

    def __init__(self, folder: str | Path) -> None:
        use_style()
        self.results = Results(Path(folder))
        super().__init__(
            results=self.results,
            claims=claims_of(self.results.claims),
            exhibits=exhibits(self.results),
            methods=METHODS,
            measures=HEADINGS,
            official_images=OFFICIAL_TEST_IMAGES,
        )

    def show(self, name: str, /, **values: Any) -> HTML:
        """One section for the notebook."""
        own = VALUES[name](self.results) if name in VALUES else {}
        return super().show(name, **own, **values)
