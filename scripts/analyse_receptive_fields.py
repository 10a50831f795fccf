"""Draw the effective receptive fields that measure_receptive_fields.py measured."""

from pathlib import Path

import numpy as np

from convnets.analyses.arguments import analysis_parser, read_sweep
from convnets.analyses.receptive_field_figure import describe_fields, draw_fields, measure_fields
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.style import save_figure, use_style
from convnets.judging.conditions import conditions
from convnets.runs.metrics import runs_of


def main() -> None:
    parser = analysis_parser(__doc__)
    parser.add_argument(
        "--gradients", type=Path, required=True, help="what measure_receptive_fields.py wrote"
    )
    arguments = parser.parse_args()
    sweep = read_sweep(arguments)
    with np.load(arguments.gradients) as measured:
        names, gradients = measured["variants"].tolist(), measured["gradients"]
        images = int(measured["images"])
    fields = measure_fields([sweep.runs[name][0].variant for name in names], gradients)
    first_seeds = runs_of(sweep.metrics, *names).groupby("variant").head(1)
    remark = conditions(sweep.provenance, first_seeds)
    write_text(arguments.table, fields.to_csv(index=False))
    use_style()
    save_figure(
        draw_fields(fields, gradients, f"{images:,} test images. {remark}."),
        arguments.figure,
        "Effective receptive fields",
        describe_fields(fields, images, remark),
    )


if __name__ == "__main__":
    run_script(main)
