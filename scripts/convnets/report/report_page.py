"""The report: which values each of its sections shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.display import HTML

from convnets.architectures.methods import METHODS
from convnets.config.settings import OFFICIAL_TEST_IMAGES
from convnets.exhibits.style import use_style
from convnets.exhibits.tables import HEADINGS
from convnets.lesson import plots as lesson_plots
from convnets.lesson.tables import for_templates
from convnets.report import details as report_details
from convnets.report.claims import claims_of
from convnets.report.exhibits import exhibits
from convnets.report.page import Sections
from convnets.report.results import Results, load_results
from convnets.report.summary import official, summary, witnesses

VALUES: dict[str, Callable[[Results], dict[str, Any]]] = {
    "summary": summary,
    "witnesses": witnesses,
    "numbers": lambda results: summary(results) | {"official": official(results)},
    "analyses": lambda results: report_details.analyses(results) | for_templates(results.folder),
    "readings": lambda _: report_details.readings(),
    "provenance": lambda _: report_details.provenance(),
}
"""Values of a section beside those that all sections see, by its template in report/sections."""


class ReportPage(Sections):
    """The sections of the report on the results in a folder."""

    def __init__(self, folder: str | Path) -> None:
        use_style()
        self.results = load_results(Path(folder))
        super().__init__(
            results=self.results,
            claims=claims_of(self.results.claims),
            exhibits=exhibits(self.results),
            plots=lesson_plots,
            methods=METHODS,
            measures=HEADINGS,
            official_images=OFFICIAL_TEST_IMAGES,
        )

    def show(self, name: str, /, **values: Any) -> HTML:
        """One section for the notebook."""
        return super().show(name, **VALUES.get(name, lambda _: {})(self.results), **values)
