"""Draw test accuracy against parameters, multiply-adds and seconds an epoch."""

from convnets.analyses.arguments import analysis_parser, read_sweep
from convnets.analyses.pareto import collect_costs, describe_pareto, draw_pareto
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.style import save_figure, use_style
from convnets.judging.conditions import conditions, runtime_conditions


def main() -> None:
    arguments = analysis_parser(__doc__).parse_args()
    sweep = read_sweep(arguments)
    table = collect_costs(sweep.runs, sweep.metrics)
    remark = f"{conditions(sweep.provenance, sweep.metrics)}. {runtime_conditions(sweep.metrics)}"
    write_text(arguments.table, table.to_csv(index=False))
    use_style()
    save_figure(
        draw_pareto(table, remark),
        arguments.figure,
        "Test accuracy against cost",
        describe_pareto(table, remark),
    )


if __name__ == "__main__":
    run_script(main)
