"""Draw Figure 6, a test image pooled in different ways: PREFIX.svg and PREFIX.png."""

from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script
from convnets.data.dataset import load_dataset
from convnets.exhibits.pooling_figure import draw_pooling
from convnets.exhibits.style import save_figure, use_style

CLASS = "B"
"""The character to show, where the test images have it: it has straight and round strokes."""


def main() -> None:
    arguments = option_parser(__doc__, "data", output=PREFIX).parse_args()
    dataset = load_dataset(arguments.data)
    classes = dataset.provenance["classes"]
    images, labels = dataset.part("test")
    names = [classes[label] for label in labels]
    chosen = names.index(CLASS) if CLASS in names else 0
    about = f"A test image of class {names[chosen]}, {dataset.provenance['display_name']}"
    footnote = f"{about}. White is 0, black the largest value of the panel."
    image = images[chosen].reshape(-1, *images.shape[-2:]).mean(axis=0)  # colours as grey
    use_style()
    title = "Pooling layer outputs for a sample image"
    description = (
        f"{about}, and its outputs by max, average and max+average pooling (rows) with windows "
        "of 2, 3, and 2 followed by 3 pixels (columns). Max pooling keeps strokes dark and "
        "wide, average pooling blurs them, the sum lies between."
    )
    save_figure(draw_pooling(image, footnote), str(arguments.output), title, description)


if __name__ == "__main__":
    run_script(main)
