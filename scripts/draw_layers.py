"""Draw how layers compute: Figures 1 to 5 and 7, and animations of them (NAME_animated.svg)."""

from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.core.files import write_text
from convnets.exhibits.layer_figures import ANIMATIONS, FIGURES, WORDS, animated
from convnets.exhibits.style import save_figure, use_style


def main() -> None:
    folder = option_parser(__doc__, output="folder for the files").parse_args().output
    use_style()
    for name, draw in FIGURES.items():
        save_figure(draw(), str(folder / name), **WORDS[name])
    for name in ANIMATIONS:
        write_text(folder / f"{name}_animated.svg", animated(name))


if __name__ == "__main__":
    run_script(main)
