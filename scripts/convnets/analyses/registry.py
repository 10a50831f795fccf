"""The analyses by name, and the files that each of them makes."""

from pathlib import Path

from convnets.analyses import accuracies, agreement, confusions, curves, pareto, receptive_fields
from convnets.analyses.study import Study
from convnets.core.tables import write_table
from convnets.core.templates import texts
from convnets.exhibits.style import add_footnote, save_figure, use_style
from convnets.judging.conditions import conditions

ANALYSES = {
    module.__name__.rpartition(".")[2]: module.analyse
    for module in (accuracies, receptive_fields, pareto, confusions, agreement, curves)
}
OF_RECORDS = ("accuracies", "pareto", "agreement", "curves")
"""The analyses that need neither images nor checkpoints."""


def draw_analysis(name: str, study: Study, table: Path, prefix: Path) -> None:
    """Write the numbers as `table`, and the figure as PREFIX.svg and PREFIX.png."""
    use_style()
    numbers, drawing, values = ANALYSES[name](study)
    values = {"conditions": conditions(study.provenance, study.metrics)} | values
    words = texts(f"analysis_{name}", **values)
    write_table(table, numbers)
    add_footnote(drawing, words["footnote"])
    save_figure(drawing, str(prefix), words["title"], words["description"])
