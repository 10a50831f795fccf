"""Measure what the paper claims of layers as such; write the numbers as JSON."""

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_json
from convnets.judging.mechanism import measure_mechanism


def main() -> None:
    arguments = option_parser(__doc__, output="the JSON file to write").parse_args()
    measures = measure_mechanism()
    write_json(arguments.output, measures)
    for name, measure in measures.items():
        print(f"{name}: {measure['value']:.4g}")


if __name__ == "__main__":
    run_script(main)
