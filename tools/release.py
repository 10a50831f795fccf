"""Bundle a release as an RO-Crate: code, configuration, provenance and published results.

The crate is a zip file of everything that git has at a commit, with `ro-crate-metadata.json`: who
wrote it, its licence, the workflow, the paper it reproduces, and each published result with the
data it came from. Needs `rocrate`, from the optional dependencies: pip install ".[release]".
"""

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import yaml

from convnets.core.errors import UserError, run_script
from convnets.core.files import ROOT

try:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate
except ModuleNotFoundError:
    sys.exit('error: rocrate is not installed: pip install ".[release]"')

PARTS = {
    "config": "Configuration: the paper's experiments, published values, claims and readings",
    "scripts": "Programs and library",
    "workflow": "Rules and profiles of the workflow",
    "benchmarks": "Measurements of speed, accuracy and of the rules of judging",
    "docs": "Documentation",
    "report": "Notebooks and templates of report and lesson",
    "tests": "Tests",
    "tools": "Programs for the maintainers of the project",
}
"""Folders that the crate describes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default="HEAD", help="what to bundle (HEAD)")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder (dist)")
    arguments = parser.parse_args()
    if git("status", "--porcelain", "--untracked-files=no"):
        raise UserError("there are uncommitted changes: commit them first, the crate has none")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "crate")
        unpack(arguments.commit, folder)
        crate = describe(folder, git("show", "-s", "--format=%cI", arguments.commit).strip())
        version = crate.root_dataset["version"]
        arguments.output.mkdir(parents=True, exist_ok=True)
        file = arguments.output / f"exploring-convolutional-networks-{version}.crate.zip"
        crate.write_zip(file)
    print(f"wrote {file}, {file.stat().st_size / 1e6:.1f} MB")


def unpack(commit: str, folder: Path) -> None:
    """The files of `commit` in `folder`."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as files:
        files.extractall(folder, filter="data")


def describe(folder: Path, date: str) -> ROCrate:
    """The crate of the files in `folder`, whose commit is of `date` (ISO 8601)."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    crate = ROCrate()
    crate.name, crate.description = citation["title"], project["description"]
    crate.license = "https://spdx.org/licenses/MIT"
    crate.datePublished = date
    crate.root_dataset["version"] = project["version"]
    authors = [
        entity(crate, f"#author-{number}", "Organization", name=author["name"])
        for number, author in enumerate(citation["authors"], 1)
    ]
    crate.root_dataset["author"] = authors
    crate.root_dataset["citation"] = [
        entity(crate, reference.get("url", f"#reference-{number}"), "ScholarlyArticle",
               name=reference["title"])
        for number, reference in enumerate(citation["references"], 1)
    ]  # fmt: skip
    snakefile = folder / "Snakefile"
    crate.add_workflow(snakefile, "Snakefile", main=True, lang="snakemake", properties={
        "name": "The workflow: from the images to the report", "version": project["version"]
    })  # fmt: skip
    for path in sorted(folder.iterdir()):
        if path.is_file() and path != snakefile:
            crate.add_file(path, path.name)
        elif path.name in PARTS:
            crate.add_directory(path, path.name, properties={"name": PARTS[path.name]})
        elif path.is_dir() and path.name != "results":
            crate.add_directory(path, path.name)
    for provenance in sorted(folder.glob("results/published/*/data/provenance.json")):
        add_results(crate, provenance.parents[1], folder)
    for path in sorted((folder / "results/published").iterdir()):
        if path.is_file():
            crate.add_file(path, path.relative_to(folder))
        elif not (path / "plan.json").is_file():
            crate.add_directory(path, path.relative_to(folder))
    return crate


def add_results(crate: ROCrate, results: Path, folder: Path) -> None:
    """A published folder, with the images that it came from."""
    provenance = json.loads((results / "data/provenance.json").read_text(encoding="utf-8"))
    plan = json.loads((results / "plan.json").read_text(encoding="utf-8"))
    name = str(results.relative_to(folder))
    images = [
        entity(crate, f"#{results.name}-{file['name']}", "Dataset", name=file["name"],
               description=provenance["display_name"], sha256=file["sha256"],
               contentSize=str(file["bytes"]))
        for file in provenance["files"]
    ]  # fmt: skip
    properties = {
        "name": f"Published results: {results.name}",
        "description": f"Made by: {plan['command']}",
        "isBasedOn": [{"@id": image.id} for image in images],
    }
    crate.add_directory(results, name, properties=properties)


def entity(crate: ROCrate, id: str, kind: str, **properties: Any) -> ContextEntity:
    """Something that the crate mentions, added to it."""
    return crate.add(ContextEntity(crate, id, properties={"@type": kind, **properties}))


def git(*arguments: str) -> str:
    """Output of git in this repository."""
    return _git(*arguments).decode()


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], check=False, capture_output=True)
    if done.returncode:
        raise UserError(f"git {arguments[0]} failed: {done.stderr.decode().strip()}")
    return done.stdout


if __name__ == "__main__":
    run_script(main)
