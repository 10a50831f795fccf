"""Draw which classes networks take for each other, one variant of each method."""

from pathlib import Path

from convnets.analyses.arguments import analysis_parser, read_sweep
from convnets.analyses.confusion_figure import describe_confusions, draw_confusions, legend
from convnets.analyses.confusions import collect_confusions
from convnets.analyses.runs import load_predictions, one_of_each_method
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.data.dataset import load_dataset
from convnets.exhibits.style import save_figure, use_style
from convnets.judging.conditions import conditions
from convnets.runs.metrics import runs_of


def main() -> None:
    parser = analysis_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare_data wrote")
    arguments = parser.parse_args()
    sweep = read_sweep(arguments)
    dataset = load_dataset(arguments.data)
    classes = list(dataset.provenance["classes"])
    variants = one_of_each_method(sweep.runs)
    predictions = load_predictions({id: sweep.runs[id] for id in variants.values()})
    table = collect_confusions(predictions, variants, classes)
    remark = conditions(sweep.provenance, runs_of(sweep.metrics, *variants.values()))
    write_text(arguments.table, table[table["share"] > 0].to_csv(index=False))
    use_style()
    images = dataset.images[predictions.images]
    save_figure(
        draw_confusions(
            table, predictions, variants, images, classes, f"{legend(table)} {remark}."
        ),
        arguments.figure,
        "Confused classes",
        describe_confusions(table, remark),
    )


if __name__ == "__main__":
    run_script(main)
