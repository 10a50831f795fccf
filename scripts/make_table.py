"""Make one table, our values beside the published ones: PREFIX.csv, PREFIX.md, PREFIX.tex."""

from convnets.config.experiments import Table
from convnets.config.settings import parse
from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script
from convnets.data.folder import read_provenance
from convnets.exhibits.tables import make_table
from convnets.runs.metrics import read_runs


def main() -> None:
    parser = option_parser(__doc__, "metrics", "provenance", output=PREFIX)
    parser.add_argument("--table", required=True, metavar="JSON", help="the table, as configured")
    arguments = parser.parse_args()
    table = parse(Table, arguments.table, "--table")
    runs, provenance = read_runs(arguments.metrics), read_provenance(arguments.provenance)
    make_table(table, runs, provenance, arguments.output)


if __name__ == "__main__":
    run_script(main)
