"""Draw one analysis of trained networks: FIGURE.svg and FIGURE.png, and its numbers as TABLE.

The images for confusions are beside the provenance, and what measure_receptive_fields.py wrote for
receptive_fields is in analyses/ beside the metrics.
"""

from pathlib import Path

from convnets.analyses.registry import ANALYSES, draw_analysis
from convnets.analyses.study import Study
from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script


def main() -> None:
    parser = option_parser(__doc__, "runs", "metrics", "provenance", output=PREFIX)
    parser.add_argument("analysis", choices=ANALYSES, help="the analysis to draw")
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write")
    given = parser.parse_args()
    study = Study(given.runs, given.metrics, given.provenance)
    draw_analysis(given.analysis, study, given.table, given.output)


if __name__ == "__main__":
    run_script(main)
