"""What the report says of the cost of layers; the lesson has all of it."""

from pathlib import Path

from markupsafe import Markup

from convnets import lesson, lesson_plots, lesson_remarks, markup
from convnets.cases import LARGE
from convnets.style import use_style


def section(results: Path) -> Markup:
    """Ways to convolve, and where the time of each network goes; a note where not measured."""
    if not (results / "lesson/convolutions.csv").is_file():
        return Markup('<p class="missing">Missing: not measured yet.</p>')
    use_style()
    measured = lesson.load_measured(results)
    parts = [
        lesson.machine(measured),
        lesson.costs_with_caption(measured, LARGE),
        lesson_plots.plot_costs(measured, LARGE),
        lesson.duplication(measured),
        lesson_plots.plot_shares(measured),
        lesson_remarks.on_shares(measured),
    ]
    return markup.join(parts, "\n")
