"""The report's table of accuracies on official test images, where other data contain some."""

import math

import pandas as pd
from markupsafe import Markup
from scipy import stats

from convnets import markup
from convnets.config.settings import OFFICIAL_TEST_IMAGES
from convnets.markup import Column
from convnets.report import Results
from convnets.runs.metrics import runs_of

MEASURE, IMAGES = "official_test_accuracy", "official_test_images"


def official_accuracies(results: Results) -> Markup:
    """Accuracy of each variant on the official test images; empty where there are none."""
    if IMAGES not in results.metrics or results.metrics[IMAGES].isna().all():
        return Markup()
    images = int(results.metrics[IMAGES].max())
    paper = results.comparison[results.comparison["metric"] == "test_accuracy"]
    published = paper.drop_duplicates("variant").set_index("variant")["paper"]
    headings = ("Seeds", "Paper", "Ours, all test images", "Ours, official ones", "95 % interval")
    rows = []
    for variant in results.by_variant:
        accuracies = runs_of(results.metrics, variant)[MEASURE].dropna()
        if accuracies.empty:
            continue
        low, high = official_interval(accuracies, images)
        rows.append(
            [
                variant,
                len(accuracies),
                f"{published[variant]:.3f}" if variant in published else None,
                f"{results.mean(variant, 'test_accuracy'):.3f}",
                f"{accuracies.mean():.3f}",
                f"{low:.3f} to {high:.3f}",
            ]
        )
    return Markup("<p>{}</p>\n{}").format(
        f"{images:,} of the test images belong to the {OFFICIAL_TEST_IMAGES:,} of the official "
        "EMNIST Balanced test set: the accuracy on these images is the nearest there is to the "
        "accuracy on the official test set. The interval is that of the accuracy on all "
        f"{OFFICIAL_TEST_IMAGES:,}, and with several seeds of their mean; the training images are "
        "not the official ones.",
        markup.table(
            [Column("Variant", "code"), *map(Column, headings)],
            rows,
            "Accuracies on official test images",
        ),
    )


def official_interval(accuracies: pd.Series, images: int) -> tuple[float, float]:
    """The 95 % interval of the accuracy on the whole official test set, from a sample of it.

    The finite population counts as a larger sample. One seed: Wilson's interval. Several: of the
    mean over seeds and images.
    """
    mean, seeds = float(accuracies.mean()), len(accuracies)
    if images >= OFFICIAL_TEST_IMAGES and seeds == 1:
        return mean, mean
    unseen = max(OFFICIAL_TEST_IMAGES - images, 0) / (OFFICIAL_TEST_IMAGES - 1)
    z = float(stats.norm.ppf(0.975))
    if seeds > 1:
        of_images = z**2 * mean * (1 - mean) * unseen / images
        of_seeds = float(stats.t.ppf(0.975, seeds - 1)) ** 2 * float(accuracies.var()) / seeds
        reach = math.sqrt(of_images + of_seeds)
        return max(mean - reach, 0.0), min(mean + reach, 1.0)
    images_counted = images / unseen
    centre = (mean + z**2 / (2 * images_counted)) / (1 + z**2 / images_counted)
    variance = mean * (1 - mean) / images_counted + (z / (2 * images_counted)) ** 2
    reach = z / (1 + z**2 / images_counted) * math.sqrt(variance)
    return centre - reach, centre + reach
