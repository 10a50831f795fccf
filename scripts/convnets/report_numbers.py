"""The paper's numbers beside ours: its five tables, and every number in one list."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.exhibits.tables import HEADINGS
from convnets.markup import Column
from convnets.report import Results, distinct, number
from convnets.runs.metrics import runs_of, runtimes_measured
from convnets.sketches import dots

Row = dict[Any, Any]
"""A row of `comparison.csv`."""


def id_of(row: Row) -> str:
    """Where a published number stands on the page."""
    return f"number-{row['table']}-{markup.slug(row['row'])}-{row['metric']}"


def published_table(table: int, heading: str, results: Results) -> Markup:
    """A table of the paper: each number beside ours, its interval and the verdict."""
    rows = results.comparison[results.comparison["table"] == table]
    metrics = distinct(rows["metric"])
    levels = [(HEADINGS[name], source) for name in metrics for source in ("paper", "ours")]
    body = []
    for label in distinct(rows["row"]):
        found = {row["metric"]: row for row in rows[rows["row"] == label].to_dict("records")}
        cells = [_cells(found.get(name), results) for name in metrics]
        body.append([label, *(cell for pair in cells for cell in pair)])
    return markup.grouped_table([heading], levels, body, f"Table {table}, paper and ours")


def _cells(row: Row | None, results: Results) -> tuple[Any, Any]:
    """Published value, and ours with deviation, interval and verdict."""
    if row is None:
        return None, None
    lines = [Markup("<b>{}</b>").format(ours)] if (ours := number(row, "ours")) else []
    of_variant = row["metric"] == "epoch_seconds" and runtimes_measured(results.metrics)
    if row["seeds"] > 1 and not of_variant:
        deviation = runs_of(results.metrics, row["variant"])[row["metric"]].std()
        shown = number(row | {"deviation": deviation}, "deviation")
        lines.append(Markup("<small>± {}</small>").format(shown))
    if pd.notna(row["ours_low"]):
        low, high = number(row, "ours_low"), number(row, "ours_high")
        lines.append(Markup("<small>[{}, {}]</small>").format(low, high))
    lines.append(
        Markup('<a class="judged" href="#{}">{}</a>').format(
            id_of(row), markup.verdict(row["verdict"])
        )
    )
    return number(row, "paper"), markup.join(lines, Markup("<br>"))


def accuracies(results: Results) -> Markup:
    """The paper's test accuracies beside ours, one row a variant, on a common scale."""
    rows = results.comparison
    rows = rows[(rows["metric"] == "test_accuracy") & (rows["verdict"] != "not run")]
    rows = rows.drop_duplicates("variant")
    if rows.empty:
        return Markup("<p>None of the paper's variants was run.</p>")
    values = rows[["paper", "ours", "ours_low", "ours_high"]].to_numpy(float)
    limits = (float(values.min()), float(values.max()))
    scale = Markup('<span class="scale"><span>{:.3f}</span><span>{:.3f}</span></span>').format(
        *limits
    )
    columns = [Column("Variant", "code"), Column(scale, "sketch")]
    return markup.table(
        [*columns, *map(Column, ("Paper", "Ours", "Difference"))],
        [_accuracy(row, limits) for row in rows.to_dict("records")],
        "Test accuracies, the paper's and ours",
    )


def _accuracy(row: Row, limits: tuple[float, float]) -> list[Any]:
    paper, ours = row["paper"], row["ours"]
    low, high = row["ours_low"], row["ours_high"]
    label = f"paper {paper:.3f}, ours {ours:.3f}, from {low:.3f} to {high:.3f}"
    sketch = dots(paper, ours, (low, high), limits, label)
    return [row["variant"], sketch, f"{paper:.3f}", f"{ours:.3f}", number(row, "difference", "+")]


def comparison(results: Results) -> Markup:
    """Every published number, ours, and the verdict; reasons are numbered below."""
    reasons = distinct(results.comparison["reason"])
    columns = [
        Column("Table", "text"),
        Column("Row", "text"),
        Column("Measure", "text"),
        *map(Column, ("Paper", "Ours", "95 % interval", "Difference")),
        Column("Verdict", "text"),
    ]
    published = results.comparison.to_dict("records")
    rows = [_compared(row, reasons) for row in published]
    ids = [id_of(row) for row in published]
    notes = [Markup('<li id="reason-{}">{}</li>').format(n, r) for n, r in enumerate(reasons, 1)]
    return Markup('{}\n<ol class="reasons">{}</ol>').format(
        markup.table(columns, rows, "Every published number", ids), markup.join(notes, "\n")
    )


def _compared(row: Row, reasons: list[str]) -> list[Any]:
    reason = reasons.index(row["reason"]) + 1
    link = Markup(' <a class="note" href="#reason-{0}" aria-label="Reason {0}">{0}</a>').format(
        reason
    )
    measure = HEADINGS[row["metric"]]
    paper, ours, low, high = (
        number(row, key) for key in ("paper", "ours", "ours_low", "ours_high")
    )
    if pd.notna(row["relative_to"]):
        measure = measure.replace("(s)", "(ratio)")
        paper, ours, low, high = (
            None if pd.isna(row[key]) else f"{row[key]:.3g}"
            for key in ("paper_relative", "ours_relative", "relative_low", "relative_high")
        )
    return [
        row["table"],
        row["row"],
        measure,
        paper,
        ours,
        f"{low} to {high}" if low and high else None,
        number(row, "difference", "+"),
        markup.verdict(row["verdict"]) + link,
    ]
