"""Agreement of two networks: the share of their errors that they have in common.

Errors are compared, because networks that are correct on 88 % of the images agree on most images
whatever they learned.
"""

import itertools
import math

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Drawing

from convnets.analyses.study import TINY, Analysis, Study
from convnets.exhibits.style import SMALL, WIDTH
from convnets.judging.witnesses import Predictions, read_predictions


def analyse(study: Study) -> Analysis:
    """The figure `analysis_agreement`."""
    table = measure_agreement(read_predictions(itertools.chain(*study.runs.values())))
    own = table["variant"] == table["other"]
    values = {
        "labels": study.labels,
        "reach": table["reach"].max(),
        "seeds": table[own].to_dict("records"),
        "between": table[~own].dropna().sort_values("shared_errors").to_dict("records"),
    }
    return table, draw_agreement(table, study.labels), values


def measure_agreement(predictions: Predictions) -> pd.DataFrame:
    """The share of errors that two networks have in common, a row for each pair of variants.

    Two variants are compared through their networks of the smallest seed.
    """
    labels, records = predictions.labels, []
    for first, second in itertools.combinations_with_replacement(predictions.predicted, 2):
        own, others = predictions.predicted[first], predictions.predicted[second]
        pairs = list(itertools.combinations(own, 2)) if first == second else [(own[0], others[0])]
        if not pairs:
            continue
        wrong = [(one != labels) | (other != labels) for one, other in pairs]
        errors = float(np.mean([at.sum() for at in wrong]))
        shares = [
            (one == other)[at].mean() if at.any() else math.nan
            for (one, other), at in zip(pairs, wrong, strict=True)
        ]
        share = float(np.mean(shares))
        reach = 1.96 * math.sqrt(share * (1 - share) / errors) if errors else math.nan
        records.append((first, second, len(pairs), errors, share, reach))
    columns = ["variant", "other", "pairs", "errors", "shared_errors", "reach"]
    return pd.DataFrame(records, columns=columns)


def draw_agreement(table: pd.DataFrame, labels: dict[str, str]) -> Drawing:
    """A heat map in the order of `labels`, with the seeds of a variant on its diagonal."""
    shares = 100 * table.set_index(["variant", "other"])["shared_errors"].unstack()
    shares = shares.rename_axis(index=None, columns=None)
    grid = shares.combine_first(shares.T).reindex(index=list(labels), columns=list(labels))
    drawing = Drawing(figsize=(WIDTH, WIDTH + 0.3), layout="constrained")
    axes, names = drawing.subplots(), list(labels.values())
    sns.heatmap(
        grid, ax=axes, cmap="viridis", square=True, linewidths=0.2,
        xticklabels=names, yticklabels=names,
        cbar_kws={"location": "top", "shrink": 0.8, "aspect": 40, "pad": 0.01},
    )  # fmt: skip
    axes.tick_params(labelsize=TINY - 0.5, length=0, pad=1)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    axes.grid(False)
    axes.set_facecolor("0.93")
    scale = drawing.axes[-1]
    scale.tick_params(labelsize=SMALL, length=2, pad=1)
    scale.set_xlabel("Shared errors in %", fontsize=SMALL)
    return drawing
