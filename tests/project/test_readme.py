"""What the README says of speed is what was measured; its results are the published ones."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.tables import markdown
from summarise import BLOCK, block_of

ROOT = Path(__file__).parents[2]
RESULTS = sorted(
    file for file in (ROOT / "benchmarks/results").glob("*-*.csv") if "_" not in file.name
)


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_the_readme_has_the_measured_speeds(file: Path) -> None:
    assert markdown(pd.read_csv(file)) in (ROOT / "README.md").read_text()


def test_the_readme_has_the_summary_of_the_published_results() -> None:
    (block,) = BLOCK.finditer((ROOT / "README.md").read_text())
    assert block[0] == block_of(ROOT / block[1]), "make publish writes it"


def test_there_is_something_measured() -> None:
    assert RESULTS
