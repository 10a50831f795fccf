"""The release: all committed files in one RO-Crate that says what they are."""

import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("rocrate", reason='pip install ".[release]"')

from tools.release import ROOT, describe, git, unpack


def test_the_crate_holds_and_describes_what_is_committed(tmp_path: Path) -> None:
    unpack("HEAD", tmp_path / "files")
    file = tmp_path / "crate.zip"
    describe(tmp_path / "files", "2026-01-01T00:00:00+00:00").write_zip(file)
    with zipfile.ZipFile(file) as crate:
        names = crate.namelist()
        graph = json.loads(crate.read("ro-crate-metadata.json"))["@graph"]
    assert len(names) == len(set(names))
    committed = set(git("ls-tree", "-r", "--name-only", "HEAD").splitlines()) - {
        "profiles"
    }  # a link
    assert committed <= set(names)
    entities = {item["@id"]: item for item in graph}
    assert entities["./"]["mainEntity"] == {"@id": "Snakefile"}
    for plan in ROOT.glob("results/published/*/plan.json"):
        results = entities[f"{plan.parent.relative_to(ROOT)}/"]
        assert entities[results["isBasedOn"][0]["@id"]]["sha256"]
