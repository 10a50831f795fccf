"""Small multiples: a panel for each variant, in rows."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.layout_engine import ConstrainedLayoutEngine

from convnets.exhibits.style import WIDTH

COLUMNS = 5
TINY = 6.5
"""Size of the text at a panel, in points."""
LONGEST = 17
"""Characters of a name that fit on a line."""


def variant_panels(
    variants: Sequence[str], panel_height: float, *, shared: bool
) -> tuple[Drawing, list[Axes]]:
    """A panel with the name of each of `variants`, `panel_height` inches high with its text.

    Panels have the same scales if they are `shared`.
    """
    rows = -(-len(variants) // COLUMNS)
    drawing = Drawing(
        figsize=(WIDTH, rows * panel_height), layout=ConstrainedLayoutEngine(h_pad=0.06)
    )
    grid = drawing.subplots(rows, COLUMNS, squeeze=False, sharex=shared, sharey=shared)
    panels = list(grid.flat)
    for axes in panels[len(variants) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, variants, strict=False):
        axes.tick_params(labelsize=TINY, length=0, pad=1)
        axes.set_title("\n".join(textwrap.wrap(name, LONGEST)), fontsize=TINY, linespacing=1.0)
    for axes in panels[: len(variants)][-COLUMNS:]:
        axes.tick_params(labelbottom=True)
    return drawing, panels[: len(variants)]
