"""Draw one of Figures 1 to 5 and 7, how layers compute: PREFIX.svg and PREFIX.png."""

import argparse

from convnets.errors import run_script
from convnets.layer_figures import FIGURES
from convnets.style import save_figure, use_style


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, choices=FIGURES, help="its number in the paper")
    parser.add_argument(
        "--output", required=True, metavar="PREFIX", help="path of the files without their ending"
    )
    arguments = parser.parse_args()
    use_style()
    figure = FIGURES[arguments.figure]
    save_figure(figure.draw(), arguments.output, figure.title, figure.description)


if __name__ == "__main__":
    run_script(main)
