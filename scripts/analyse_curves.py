"""Draw training and validation accuracy by epoch, a panel for each variant."""

from convnets.analyses.arguments import analysis_parser, read_sweep
from convnets.analyses.curves import collect_curves, describe_curves, draw_curves
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.style import save_figure, use_style
from convnets.judging.conditions import conditions


def main() -> None:
    arguments = analysis_parser(__doc__).parse_args()
    sweep = read_sweep(arguments)
    curves = collect_curves(sweep.runs)
    remark = conditions(sweep.provenance, sweep.metrics)
    write_text(arguments.table, curves.to_csv(index=False))
    use_style()
    save_figure(
        draw_curves(curves, remark),
        arguments.figure,
        "Learning curves",
        describe_curves(curves, remark),
    )


if __name__ == "__main__":
    run_script(main)
