"""Draw one analysis of trained networks: FIGURE.svg and FIGURE.png, and its numbers as TABLE."""

from pathlib import Path

from convnets.analyses import accuracies, agreement, confusions, curves, pareto, receptive_fields
from convnets.analyses.study import Study
from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.core.templates import texts
from convnets.exhibits.style import add_footnote, save_figure, use_style
from convnets.judging.conditions import conditions

ANALYSES = {
    module.__name__.rpartition(".")[2]: module.analyse
    for module in (accuracies, receptive_fields, pareto, confusions, agreement, curves)
}


def main() -> None:
    parser = option_parser(__doc__, "runs", "metrics", "provenance", output=PREFIX)
    parser.add_argument("analysis", choices=ANALYSES, help="the analysis to draw")
    parser.add_argument("--data", type=Path, help="folder of the prepared data, for confusions")
    text = "what measure_receptive_fields.py wrote, for receptive_fields"
    parser.add_argument("--gradients", type=Path, help=text)
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write")
    arguments = parser.parse_args()
    use_style()
    study = Study(arguments)
    table, drawing, values = ANALYSES[arguments.analysis](study)
    values = {"conditions": conditions(study.provenance, study.metrics)} | values
    words = texts(f"analysis_{arguments.analysis}", **values)
    write_text(arguments.table, table.to_csv(index=False))
    add_footnote(drawing, words["footnote"])
    save_figure(drawing, str(arguments.output), words["title"], words["description"])


if __name__ == "__main__":
    run_script(main)
