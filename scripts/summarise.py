"""Summarise published results as Markdown, and write the summary into the README.

Everything comes from the published files: the verdicts, Table 1 beside the paper's, Figure 8, and
what was not done. In the README the summary replaces what is between its two comments.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.core.errors import UserError, run_script
from convnets.core.files import write_text
from convnets.core.formats import in_markdown, number, plural
from convnets.data.folder import read_provenance
from convnets.judging.comparison import read_comparison
from convnets.judging.conditions import PAPER_EPOCHS, PAPER_IMAGES
from convnets.judging.table import read_claims
from convnets.judging.verdicts import ON_THESE_NETWORKS
from convnets.report.page import about
from convnets.report.results import read_plan
from convnets.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
FIGURE = "figure_08"
NEEDED = ("comparison.csv", "claims.csv", "data/provenance.json", "plan.json")
"""Files of a published folder that are summarised."""
BLOCK = re.compile(
    r"<!-- Made by make publish from (\S+) -->\n.*?<!-- End of the results -->", re.S
)
"""The summary in the README."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="published folder: results/published/NAME")
    parser.add_argument("--readme", type=Path, help="file to write the summary into (print it)")
    arguments = parser.parse_args()
    block = block_of(arguments.results.resolve())
    if arguments.readme is None:
        print(block)
        return
    text = arguments.readme.read_text(encoding="utf-8")
    if len(BLOCK.findall(text)) != 1:
        raise UserError(
            f"{arguments.readme} has no place for the summary, expected {BLOCK.pattern}"
        )
    write_text(arguments.readme, BLOCK.sub(lambda _: block, text))


def block_of(folder: Path) -> str:
    """The summary of the results in `folder` between its two comments."""
    name = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return (
        f"<!-- Made by make publish from {name} -->\n{summary(folder, str(name))}"
        "<!-- End of the results -->"
    )


def summary(folder: Path, path: str) -> str:
    """The results in `folder`, which readers find at `path`, as Markdown."""
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"{folder} has no {missing[0]}, expected a folder that make publish wrote, such as "
            "results/published/reference"
        )
    numbers = read_comparison(folder / "comparison.csv")
    claims = read_claims(folder / "claims.csv").drop_duplicates("claim")
    provenance = read_provenance(folder / "data/provenance.json")
    runs = [RunFolder(file.parent).record for file in sorted(folder.glob("runs/*/*/run.json"))]
    split = provenance["counts"]["split"]
    reproduced = int((numbers["verdict"] == "reproduced").sum())
    hold = int((claims["claim_verdict"] == "holds").sum())
    first = "\n".join(first_table(numbers))
    planned = read_plan(folder / "plan.json")["runs"]
    undone = "; ".join(map(in_markdown, not_done(provenance, runs, len(planned))))
    return f"""
**{reproduced} of the paper's {plural(len(numbers), "number")} are reproduced and {hold} of its \
{plural(len(claims), "claim")} hold** in {plural(len(runs), "run")} on {split["train"]:,} training \
and {split["test"]:,} test images of the {in_markdown(provenance["display_name"])}.

- Numbers: {counts(numbers["verdict"])}.
- Claims: {counts(claims["claim_verdict"])}{of_networks(claims)}.
- Not done: {undone or "nothing"}.

{first}

Table 1, the paper's values and ours with 95 % intervals. [The other tables, figures and claims]\
({path}/report.html) are in the report; each row has [the command that repeats it]\
({path}/commands.md).

{picture(folder, path)}
"""


def picture(folder: Path, path: str) -> str:
    """Figure 8 as Markdown; empty while runs that it shows are missing."""
    figure = folder / f"figures/{FIGURE}.svg"
    if not figure.is_file():
        return ""
    return f"![Figure 8: {in_markdown(about(figure)['title'])}]({path}/figures/{FIGURE}.svg)\n"


def counts(verdicts: pd.Series) -> str:
    """How often each verdict was given, the most frequent first."""
    return ", ".join(f"{number} {word}" for word, number in verdicts.value_counts().items())


def of_networks(claims: pd.DataFrame) -> str:
    """The results for claims that are judged on the trained networks only; empty without any."""
    judged = claims.loc[claims["claim_verdict"] == ON_THESE_NETWORKS, "judged_claim"]
    return f"; on these networks: {counts(judged)}" if len(judged) else ""


def first_table(numbers: pd.DataFrame) -> Iterator[str]:
    """The paper's Table 1 beside ours, accuracies and best epochs, as lines of Markdown."""
    yield "| | Test accuracy, paper | ours | verdict | Best epoch, paper | ours | verdict |"
    yield "| :-- | --: | --: | :-- | --: | --: | :-- |"
    of_table = numbers[numbers["table"] == 1]
    for label, rows in of_table.groupby("row", sort=False):
        by_metric = {row["metric"]: row for row in rows.to_dict("records")}
        cells = [
            cell
            for metric in ("test_accuracy", "best_epoch")
            for cell in _cells(by_metric.get(metric))
        ]
        yield f"| {in_markdown(str(label))} | {' | '.join(cells)} |"


def _cells(row: dict[Any, Any] | None) -> tuple[str, str, str]:
    if row is None:
        return "", "", ""
    unit, (low, high) = row["unit"], (row["ours_low"], row["ours_high"])
    ours = number(row["ours"], unit)
    if row["at_least"] is True:
        ours = f"at least {ours}"
    elif pd.notna(low):
        ours += f" [{number(low, unit)}, {number(high, unit)}]"
    return number(row["paper"], unit), ours, in_markdown(str(row["verdict"]))


def not_done(provenance: dict[str, Any], runs: list[dict[str, Any]], planned: int) -> Iterator[str]:
    """What separates the runs from the paper's experiment."""
    if not provenance["official"]:
        yield f"the official EMNIST Balanced archive (ours: {provenance['display_name']})"
    images = provenance["counts"]["split"]["train"]
    if images < PAPER_IMAGES["train"]:
        yield f"{PAPER_IMAGES['train']:,} training images (ours: {images:,})"
    devices = sorted({run["device_name"] for run in runs})
    if not any(run["device"] == "cuda" for run in runs):
        yield f"training on a GPU (ours: {', '.join(devices)})"
    epochs = [run.get("epochs_trained", run["epochs"]) for run in runs]
    fewer = [number for number in epochs if number < PAPER_EPOCHS]
    if fewer:
        span = f"{min(fewer)} to {max(fewer)}" if min(fewer) < max(fewer) else f"{fewer[0]}"
        yield f"{PAPER_EPOCHS} epochs in {len(fewer)} of {len(runs)} runs (ours: {span})"
    if planned > len(runs):
        yield f"{plural(planned - len(runs), 'planned run')}"


if __name__ == "__main__":
    run_script(main)
