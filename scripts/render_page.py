"""Execute the notebook of a page on the results and render it as one self-contained file."""

from pathlib import Path

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.report.notebook import publish


def main() -> None:
    parser = option_parser(__doc__, output="page to write; the notebook goes beside it")
    parser.add_argument("page", choices=["report", "lesson"], help="the page, report/PAGE.ipynb")
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    arguments = parser.parse_args()
    publish(arguments.page, arguments.results, arguments.output)


if __name__ == "__main__":
    run_script(main)
