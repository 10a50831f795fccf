"""Copies of the tree, and Snakemake in them on a small configuration."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".snakemake", "resources", "__pycache__", ".*_cache"
)
TINY = """
run_name: tiny
epochs: 2
seeds: [0, 1]
experiments: [table_2, mine]
data:
  source: glyphs
  glyphs: {train: 470, test: 188}
  split: {train: 376, validation: 94, test: 188}
architecture: {filters: 4}
variants:
  max_pool_2to3_late: {method: max_pool, pool_size: [2, 2, 2, 3]}
tables:
  mine:
    title: A pool size of my own
    header: [Pool size]
    columns: [test_accuracy, parameters]
    rows:
      - {label: ["2→3"], variants: [max_pool_2to3_late]}
figures:
  figure_mine:
    title: My curves
    x: epoch
    curves:
      - {label: my pooling, variants: [max_pool_2to3_late]}
"""


def environment() -> dict[str, str]:
    """The environment variables, with this Python's programs first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path}


def snakemake(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `clone`."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        command,
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def jobs(clone: Path, *arguments: str) -> dict[str, int]:
    """How many jobs of each rule Snakemake would run."""
    done = snakemake(clone, "--configfile", "tiny.yaml", "--dry-run", *arguments)
    assert done.returncode == 0, done.stderr
    if "Nothing to be done" in done.stdout + done.stderr:
        return {}
    table = (done.stdout + done.stderr).split("Job stats:")[1].split("total")[0]
    return {rule: int(number) for rule, number in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


def copy_of_the_tree(folder: Path) -> Path:
    own_results = str(ROOT / "results")

    def left_out(path: str, names: list[str]) -> set[str]:
        return set(names) if path == own_results else NOT_COPIED(path, names)

    shutil.copytree(ROOT, folder, ignore=left_out, symlinks=True)
    (folder / "tiny.yaml").write_text(TINY)
    return folder


def append(file: Path, text: str) -> None:
    assert file.is_file()
    file.write_text(f"{file.read_text()}\n{text}\n")


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))
