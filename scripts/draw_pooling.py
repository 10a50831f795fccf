"""Draw Figure 6, a test image pooled in different ways: PREFIX.svg and PREFIX.png."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from convnets.core.arguments import PREFIX, option_parser
from convnets.core.errors import run_script
from convnets.data.dataset import load_dataset
from convnets.exhibits.layer_figures import WORDS
from convnets.exhibits.style import SMALL, WIDTH, save_figure, use_style
from convnets.layers.pooling import AveragePooling, MaxPlusAveragePooling, MaxPooling

CLASS = "B"
"""The character to show, where the test images have it: it has straight and round strokes."""
POOLINGS: dict[str, type[MaxPooling | AveragePooling]] = {
    "Max": MaxPooling,
    "Average": AveragePooling,
    "Max+Average": MaxPlusAveragePooling,
}
"""Rows."""
SIZES = {"F = 2": (2,), "F = 3": (3,), "F = 2→3": (2, 3)}
"""Columns: the windows that are applied one after the other."""


def main() -> None:
    arguments = option_parser(__doc__, "data", output=PREFIX).parse_args()
    dataset = load_dataset(arguments.data)
    images, labels = dataset.part("test")
    names = [dataset.provenance["classes"][label] for label in labels]
    chosen = names.index(CLASS) if CLASS in names else 0
    image = images[chosen].reshape(-1, *images.shape[-2:]).mean(axis=0)  # colours as grey
    about = f"A test image of class {names[chosen]}, {dataset.provenance['display_name']}"
    use_style()
    drawing = draw_pooling(image, f"{about}. White is 0, black the largest value of the panel.")
    words = WORDS["figure_06"]
    save_figure(drawing, str(arguments.output), words["title"], f"{about}, {words['description']}")


def pooled(image: np.ndarray, kind: str, size: str) -> np.ndarray:
    """`image` (28, 28), scaled to 0..1, by the pooling layer of a row and the size of a column.

    The layers are those written by hand, without padding: it would only add a margin.
    """
    features = image[None, None] / 255
    for window in SIZES[size]:
        features = POOLINGS[kind](window).fprop(features)
    return np.asarray(features[0, 0])


def draw_pooling(image: np.ndarray, footnote: str) -> Drawing:
    """`image` (28, 28) and, in a grid, its poolings: the darker, the higher the value."""
    drawing = Drawing(figsize=(WIDTH, 0.83 * WIDTH), layout="constrained")
    panels = drawing.subplots(3, 4)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    for axes in panels[[0, 2], 0]:
        axes.set_axis_off()
    _show(panels[1, 0], image, f"Input, {len(image)}×{len(image)}")
    for row, kind in zip(panels[:, 1:], POOLINGS, strict=True):
        row[0].set_ylabel(kind)
        for axes, size in zip(row, SIZES, strict=True):
            output = pooled(image, kind, size)
            _show(axes, output, f"{size}, {len(output)}×{len(output)}" if kind == "Max" else "")
    drawing.supxlabel(footnote, fontsize=SMALL, color="0.3")
    return drawing


def _show(axes: Axes, values: np.ndarray, title: str) -> None:
    axes.imshow(values, cmap="Greys", vmin=0)
    axes.set_title(title, fontsize=SMALL)


if __name__ == "__main__":
    run_script(main)
