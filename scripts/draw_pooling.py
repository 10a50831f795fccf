"""Draw Figure 6, a test image pooled in different ways: PREFIX.svg and PREFIX.png."""

from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script
from convnets.core.templates import texts
from convnets.data.dataset import load_dataset
from convnets.exhibits.pooling_figure import draw_pooling
from convnets.exhibits.style import save_figure, use_style

CLASS = "B"
"""The character to show, where the test images have it: it has straight and round strokes."""


def main() -> None:
    arguments = option_parser(__doc__, "data", output=PREFIX).parse_args()
    dataset = load_dataset(arguments.data)
    images, labels = dataset.part("test")
    names = [dataset.provenance["classes"][label] for label in labels]
    chosen = names.index(CLASS) if CLASS in names else 0
    image = images[chosen].reshape(-1, *images.shape[-2:]).mean(axis=0)  # colours as grey
    words = texts("figure_06", name=names[chosen], data=dataset.provenance["display_name"])
    use_style()
    drawing = draw_pooling(image, words["footnote"])
    save_figure(drawing, str(arguments.output), words["title"], words["description"])


if __name__ == "__main__":
    run_script(main)
