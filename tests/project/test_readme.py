"""Speeds in the documentation were measured; results in the README are the published ones."""

import re
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.tables import markdown
from tools.summarise import BLOCK, block_of

ROOT = Path(__file__).parents[2]
RESULTS = sorted(
    file for file in (ROOT / "benchmarks/results").glob("*-*.csv") if "_" not in file.name
)


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_the_documentation_has_the_measured_speeds(file: Path) -> None:
    assert markdown(pd.read_csv(file)) in (ROOT / "docs/speed.md").read_text()


def test_the_readme_has_the_summary_of_the_published_results() -> None:
    (block,) = BLOCK.finditer((ROOT / "README.md").read_text())
    assert block[0] == block_of(ROOT / block[1]), "make publish writes it"


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    ]
    assert links and not [link for link in links if not (link[0].parent / link[1]).exists()]


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_there_is_something_measured() -> None:
    assert RESULTS
