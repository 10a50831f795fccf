"""What the report says of the readings that were run both ways."""

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.judging.readings import (
    HARDWARE_SPREAD,
    NOT_RUN,
    SCALE_SPREAD,
    THRESHOLD,
    TOTAL,
)
from convnets.judging.spread import ASSUMED
from convnets.markup import Column
from convnets.report import plural

NAMES = {
    "test_accuracy": "test accuracy",
    "best_epoch": "best epoch",
    "epoch_seconds": "runtime of an epoch",
    "seconds_to_best": "runtime until best",
    TOTAL: "all together",
}
Row = dict[Any, Any]


def read_readings(file: Path) -> pd.DataFrame:
    """`readings.csv`: a row for each quantity of a reading, and one for all together."""
    return pd.read_csv(file, keep_default_na=False, na_values=[""])


def section(readings: pd.DataFrame) -> Markup:
    """The verdict on each reading, how it comes about, and what was not run."""
    totals = readings[readings["quantity"] == TOTAL]
    judged = totals[totals["verdict"] != NOT_RUN]["reading"]
    parts = [_not_run(totals[totals["verdict"] == NOT_RUN].to_dict("records"))]
    if len(judged):
        overview = _overview(totals[totals["verdict"] != NOT_RUN].to_dict("records"))
        details = [
            _quantities(readings[readings["reading"] == question].to_dict("records"))
            for question in judged
        ]
        parts = [_model(), overview, *details, *parts]
    return markup.join(parts, "\n")


def _model() -> Markup:
    return Markup(
        "<p>Each reading was run both ways. The likelihood is how probable the published numbers "
        "are under each: normal errors from test images, seeds (where ours do not tell their "
        "spread, {} points of accuracy, {} and {} of the logarithms of best epoch and runtime are "
        "assumed), rounding, and for runtimes on other hardware {} of the logarithm. Runs on other "
        "images or for fewer epochs than the paper's are indicative only: there, only differences "
        "between variants count, with {} points of accuracy of each variant's own added. A "
        "difference of log-likelihoods below {:g} decides nothing.</p>"
    ).format(
        f"{100 * ASSUMED['test_accuracy']:g}",
        ASSUMED["best_epoch"],
        ASSUMED["epoch_seconds"],
        HARDWARE_SPREAD,
        f"{100 * SCALE_SPREAD['test_accuracy']:g}",
        THRESHOLD,
    )


def _overview(totals: list[Row]) -> Markup:
    columns = [
        Column("Reading", "prose"),
        Column("Verdict", "text"),
        Column("log L default − alternative"),
        Column("Default", "prose"),
        Column("Alternative", "prose"),
    ]
    rows = [
        [
            row["reading"],
            markup.verdict(row["verdict"]) + Markup("<br><small>{}</small>").format(row["scale"]),
            _signed(row["difference"]),
            markup.prose(row["default"]),
            markup.prose(row["alternative"]),
        ]
        for row in totals
    ]
    return markup.table(columns, rows, "Readings run both ways")


def _quantities(quantities: list[Row]) -> Markup:
    columns = [
        Column("Published", "text"),
        Column("Numbers"),
        Column("log L default"),
        Column("log L alternative"),
        Column("Difference"),
        Column("Verdict", "text"),
        Column("Scale", "prose"),
        Column("Paper's number, ours by default or otherwise", "prose"),
    ]
    rows = [
        [
            NAMES[row["quantity"]],
            None if row["quantity"] == TOTAL else f"{row['variants']:.0f}",
            _signed(row["log_likelihood_default"]),
            _signed(row["log_likelihood_alternative"]),
            _signed(row["difference"]),
            markup.verdict(row["verdict"]),
            row["scale"],
            None if pd.isna(row["evidence"]) else row["evidence"],
        ]
        for row in quantities
    ]
    question = quantities[0]["reading"]
    return markup.folded(question, markup.table(columns, rows, question))


def _not_run(totals: list[Row]) -> Markup:
    if not totals:
        return Markup("")
    items = [
        Markup("{} {}").format(
            row["reading"],
            "No setting offers another way."
            if pd.isna(row["command"])
            else Markup("<code>{}</code>").format(row["command"]),
        )
        for row in totals
    ]
    return Markup("<p>{} not run both ways:</p>\n{}").format(
        plural(len(items), "reading"), markup.bullets(items)
    )


def _signed(value: float) -> str | None:
    return None if pd.isna(value) else f"{value:+.1f}".replace("-", "−")
