"""Fingerprints change with what a stage computes, and with nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from convnets import fingerprint as module


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the scripts, which the fingerprints are taken of."""
    copy = tmp_path / "scripts"
    shutil.copytree(module.SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "SCRIPTS", copy)
    return copy


def fingerprint(script: str, *files: Path) -> str:
    for cached in (module._imports, module._tree, module._code, module._content):
        cached.cache_clear()
    return module.fingerprint(script, *files)


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_comments_docstrings_layout_and_times_change_nothing(scripts: Path) -> None:
    before = fingerprint("train.py")
    state = scripts / "convnets/state.py"
    replace(state, "import csv\n", "import csv  # a comment\n\n\n")
    replace(state, '"""One row of `history.csv`.', '"""Another text.')
    state.touch()
    assert fingerprint("train.py") == before


def test_a_changed_computation_changes_the_stages_that_use_it(scripts: Path) -> None:
    stages = ("prepare_data.py", "train.py", "evaluate.py", "make_table.py")
    before = {stage: fingerprint(stage) for stage in stages}
    replace(scripts / "convnets/evaluation.py", "correct.sum()", "correct.long().sum()")
    changed = {stage for stage in stages if fingerprint(stage) != before[stage]}
    assert changed == {"evaluate.py"}
    replace(scripts / "convnets/network.py", "HEAD_SIZE:", "HEAD_SIZE + 0:")
    changed = {stage for stage in stages if fingerprint(stage) != before[stage]}
    assert changed == {"train.py", "evaluate.py"}


def test_the_script_itself_counts(scripts: Path) -> None:
    before = fingerprint("train.py")
    replace(scripts / "train.py", "flush=True", "flush=False")
    assert fingerprint("train.py") != before


def test_a_file_counts_by_its_content(scripts: Path, tmp_path: Path) -> None:
    values = tmp_path / "values.csv"
    values.write_text("a,b\n")
    before = fingerprint("compare.py", values)
    values.touch()
    assert fingerprint("compare.py", values) == before
    values.write_text("a,c\n")
    assert fingerprint("compare.py", values) != before


def test_a_notebook_counts_by_its_cells_and_imports(scripts: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "report.ipynb"

    def write(source: str, outputs: list[str]) -> None:
        cell = {"cell_type": "code", "source": source, "outputs": outputs, "metadata": {}}
        text = {"cell_type": "markdown", "source": "Text", "metadata": {}}
        notebook.write_text(json.dumps({"cells": [cell, text], "metadata": {}}))

    write("from convnets import published", [])
    before = fingerprint("prepare_data.py", notebook)
    write("from convnets import published  # why", ["an output"])
    assert fingerprint("prepare_data.py", notebook) == before
    replace(scripts / "convnets/published.py", "import pandas as pd", "import pandas as pd, csv")
    assert fingerprint("prepare_data.py", notebook) != before
