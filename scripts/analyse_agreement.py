"""Draw on how many test images two networks name the same class."""

from convnets.analyses.agreement import (
    describe_agreement,
    draw_agreement,
    measure_agreement,
    yardstick,
)
from convnets.analyses.arguments import analysis_parser, read_sweep
from convnets.analyses.runs import load_predictions
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.style import save_figure, use_style
from convnets.judging.conditions import conditions


def main() -> None:
    arguments = analysis_parser(__doc__).parse_args()
    sweep = read_sweep(arguments)
    table = measure_agreement(load_predictions(sweep.runs))
    remark = conditions(sweep.provenance, sweep.metrics)
    write_text(arguments.table, table.to_csv(index=False))
    use_style()
    save_figure(
        draw_agreement(table, list(sweep.runs), f"{yardstick(table)} {remark}."),
        arguments.figure,
        "Agreement between variants",
        describe_agreement(table, remark),
    )


if __name__ == "__main__":
    run_script(main)
