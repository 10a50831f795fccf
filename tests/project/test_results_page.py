"""docs/results.md: every column and measure of the published results is described."""

import re

import pandas as pd
import pytest

from convnets.core.files import ROOT

PUBLISHED = ROOT / "results/published"
FILES = [
    *sorted(PUBLISHED.glob("*/*.csv")),
    *sorted(PUBLISHED.glob("reference/[adflt]*/*.csv")),
    PUBLISHED / "reference/runs/max_pool_2/seed_0/history.csv",
]
KINDS = {  # columns of a kind, and those that describe them
    r"(\w+_)?round_\d+": r"\1round_1",
    r"filters_layer_\d": "filters_layer_1",
    r"(theirs|paper)_\w+": "theirs_...",
    r"(front|open)_\w+": r"\1_COST",
    r"(train|val)_(mean|low|high)": "train_mean",
    r"(best_|second_)?\w+_paper": "MEASURE_paper",
    r"(best_|second_)?\w+_ours(_\w+)?": "MEASURE_ours",
    r"(best_|second_)(variant|seeds)": r"\2",
}


def described() -> set[str]:
    page = (ROOT / "docs/results.md").read_text()
    return {"variant", "method", "label", "seed", *re.findall(r"`([\w.]+)`", page)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PUBLISHED)))
def test_every_column_is_described(file):
    table = pd.read_csv(file)
    names = [*table.columns, *(table["measure"].unique() if "measure" in table else ())]
    if file.parent.name == "tables":  # the leading columns have the headings of the configuration
        names = [name for name in names if name == name.lower()]
    known = described()
    for name in names:
        kinds = {re.sub(f"^{kind}$", word, name) for kind, word in KINDS.items()}
        assert {name, *kinds} & known, name


def test_every_file_is_there():
    page = (ROOT / "docs/results.md").read_text()
    for name in re.findall(r"`((?:analyses|lesson)/\w+\.csv)`", page):
        assert (PUBLISHED / "reference" / name).is_file(), name
    for name in re.findall(r"^\| `(\w+\.csv)` \|", page.partition("## The lesson")[2], re.M):
        assert (PUBLISHED / "machine" / name).is_file(), name
