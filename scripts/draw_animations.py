"""Draw the animations of the layers, frame by frame: NAME_animated.svg."""

import argparse
from pathlib import Path

from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.animation import animated_svg
from convnets.exhibits.layer_animations import ANIMATIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for the files NAME_animated.svg"
    )
    arguments = parser.parse_args()
    for name, animation in ANIMATIONS.items():
        write_text(arguments.output / f"{name}_animated.svg", animated_svg(name, animation()))


if __name__ == "__main__":
    run_script(main)
