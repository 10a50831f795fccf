"""What the README says of speed is what was measured."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.tables import markdown

ROOT = Path(__file__).parent.parent
RESULTS = sorted(
    file for file in (ROOT / "benchmarks/results").glob("*-*.csv") if "_" not in file.name
)


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_the_readme_has_the_measured_speeds(file: Path) -> None:
    assert markdown(pd.read_csv(file)) in (ROOT / "README.md").read_text()


def test_there_is_something_measured() -> None:
    assert RESULTS
