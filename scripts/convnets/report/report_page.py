"""The page of the report, section by section."""

from pathlib import Path
from typing import Any

from IPython.display import HTML

from convnets.architectures.methods import METHODS
from convnets.config.settings import OFFICIAL_TEST_IMAGES
from convnets.exhibits.style import use_style
from convnets.exhibits.tables import HEADINGS
from convnets.report.claims import claims_of
from convnets.report.exhibits import exhibits
from convnets.report.page import Sections
from convnets.report.results import Results
from convnets.report.sections import VALUES


class ReportPage(Sections):
    """The sections of the report on the results in a folder."""

    def __init__(self, folder: str | Path) -> None:
        use_style()
        self.results = Results(Path(folder))
        super().__init__(
            results=self.results,
            claims=claims_of(self.results.claims),
            exhibits=exhibits(self.results),
            methods=METHODS,
            measures=HEADINGS,
            official_images=OFFICIAL_TEST_IMAGES,
        )

    def show(self, name: str, /, **values: Any) -> HTML:
        """One section for the notebook."""
        own = VALUES[name](self.results) if name in VALUES else {}
        return super().show(name, **own, **values)
