"""Draw Figures 1 to 5 and 7, how layers compute."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.exhibits.layer_figures import FIGURES
from convnets.exhibits.style import save_figure, use_style


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for NAME.svg and NAME.png"
    )
    arguments = parser.parse_args()
    use_style()
    for name, figure in FIGURES.items():
        save_figure(figure.draw(), str(arguments.output / name), figure.title, figure.description)


if __name__ == "__main__":
    run_script(main)
