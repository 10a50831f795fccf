"""The report's section on the cost of layers; the lesson has all measurements."""

from pathlib import Path

from markupsafe import Markup

from convnets import markup
from convnets.exhibits.style import use_style
from convnets.lesson import plots as lesson_plots
from convnets.lesson import remarks as lesson_remarks
from convnets.lesson import tables as lesson
from convnets.lesson.cases import LARGE


def section(results: Path) -> Markup:
    """Ways to convolve, and where the time of each network goes; a note if nothing is measured."""
    measured = lesson.load_measured(results)
    if measured is None:
        return Markup(
            '<p class="missing">Not measured on this machine yet: <code>make lesson</code> '
            "measures it once, for the reports of all runs.</p>"
        )
    use_style()
    parts = [
        lesson.machine(measured),
        lesson.costs_with_caption(measured, LARGE),
        lesson_plots.plot_costs(measured, LARGE),
        lesson.duplication(measured),
        lesson_plots.plot_shares(measured),
        lesson_remarks.on_shares(measured),
    ]
    return markup.join(parts, "\n")
