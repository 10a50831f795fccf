"""Summarise published results as Markdown, and write the summary into the README.

Everything comes from the published files: the verdicts, Table 1 beside the paper's, test accuracies
by seed, and what was not done. In the README the summary replaces what is between its two comments.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convnets.core.arguments import results_parser
from convnets.core.errors import UserError, run_script
from convnets.core.files import ROOT, write_text
from convnets.core.formats import plural
from convnets.core.templates import text_environment
from convnets.data.folder import read_provenance
from convnets.judging.conditions import PAPER_EPOCHS, PAPER_IMAGES
from convnets.judging.numbers import agreement, read_comparison
from convnets.judging.table import read_claims
from convnets.judging.verdicts import FAILS, HOLDS, ON_THESE_NETWORKS, UNDECIDED
from convnets.report.page import about
from convnets.report.results import read_plan
from convnets.runs.run_folder import RunFolder

NEEDED = ("comparison.csv", "claims.csv", "data/provenance.json", "plan.json")
"""Files of a published folder that are summarised."""
FIGURE = "figures/analysis_accuracies.svg"
"""The figure to show: test accuracies beside the paper's and other people's."""
BLOCK = re.compile(
    r"<!-- Made by make publish from (\S+) -->\n.*?<!-- End of the results -->", re.S
)
"""The summary in the README."""


def main() -> None:
    parser = results_parser(__doc__)
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
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise UserError(
            f"{folder} has no {missing[0]}, expected a folder that make publish wrote, such as "
            "results/published/reference"
        )
    numbers = read_comparison(folder / "comparison.csv")
    claims = read_claims(folder / "claims.csv").drop_duplicates("claim")
    judged = {
        word: list(claims["sentence"][claims["judged_claim"] == word]) for word in (HOLDS, FAILS)
    }
    undecided = claims[claims["claim_verdict"] == UNDECIDED]
    provenance = read_provenance(folder / "data/provenance.json")
    runs = [RunFolder(file.parent).record for file in sorted(folder.glob("runs/*/*/run.json"))]
    planned = len(read_plan(folder / "plan.json")["runs"])
    rows: dict[str, dict[str, Any]] = {}
    for cell in numbers[numbers["table"] == 1].to_dict("records"):
        rows.setdefault(cell["row"], {})[cell["metric"]] = cell
    figure = folder / FIGURE
    return (
        text_environment()
        .get_template("summary.md")
        .render(
            path=folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder,
            numbers=numbers["verdict"].value_counts(),
            agreement=agreement(numbers).query("witness == 'ours'").to_dict("records"),
            claims=claims["claim_verdict"].value_counts(),
            limited=(claims["claim_verdict"] == ON_THESE_NETWORKS).any(),
            judged=judged,
            leans=undecided["lean"].value_counts(),
            runs=len(runs),
            split=provenance["counts"]["split"],
            data=provenance["display_name"],
            undone=list(not_done(provenance, runs, planned)),
            rows=rows,
            figure=FIGURE if figure.is_file() else "",
            title=about(figure)["title"] if figure.is_file() else "",
        )
    )


def not_done(provenance: dict[str, Any], runs: list[dict[str, Any]], planned: int) -> Iterator[str]:
    """Differences between the runs and the paper's experiment."""
    if not provenance["official"]:
        yield f"the official EMNIST Balanced archive (ours: {provenance['display_name']})"
    images = provenance["counts"]["split"]["train"]
    if images < PAPER_IMAGES["train"]:
        yield f"{PAPER_IMAGES['train']:,} training images (ours: {images:,})"
    devices = sorted({run["device_name"] for run in runs})
    if not any(run["device"] == "cuda" for run in runs):
        yield f"training on a GPU (ours: {', '.join(devices)})"
    epochs = [run.get("epochs_trained", run["epochs"]) for run in runs]
    if fewer := sorted(number for number in epochs if number < PAPER_EPOCHS):
        span = " to ".join(map(str, dict.fromkeys((fewer[0], fewer[-1]))))
        yield f"{PAPER_EPOCHS} epochs in {len(fewer)} of {len(runs)} runs (ours: {span})"
    if planned > len(runs):
        yield plural(planned - len(runs), "planned run")


if __name__ == "__main__":
    run_script(main)
