"""CI: a test that has to run is not skipped in silence, and the last line counts everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = """
import pytest

@pytest.fixture
def program():
    pytest.skip("there is no program")

@pytest.mark.slurm
def test_in_a_fixture(program): pass

@pytest.mark.slurm
@pytest.mark.skipif(True, reason="not as this user")
def test_by_a_mark(): pass

def test_unmarked(program): pass

def test_passes(): pass
"""


def run_pytest(folder: Path, required: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in `folder` with this project's conftest; the results are in tests.xml."""
    path = os.pathsep.join([str(ROOT / "scripts"), str(ROOT / "tests")])
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  slurm: needs Slurm\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-rs", "--junitxml=tests.xml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "REQUIRED_TESTS": required},
        capture_output=True,
        text=True,
        check=False,
    )


def sum_up(folder: Path, statuses: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, status in statuses.items():
        (folder / f"{name}.status").write_text(f"{status}\n")
    command = [sys.executable, str(ROOT / ".ci/summary.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_skipped_test_that_is_required_fails(tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    assert run_pytest(tmp_path, required="").returncode == 0
    assert sum_up(tmp_path, {"tests": "0"}).stdout == "1 passed, 0 failed, 3 skipped\n"

    done = run_pytest(tmp_path, required="slurm")
    assert done.returncode == 1
    assert "REQUIRED_TESTS has slurm. Skipped: there is no program" in done.stdout
    assert "REQUIRED_TESTS has slurm. Skipped: not as this user" in done.stdout
    assert sum_up(tmp_path, {"tests": "1"}).stdout.endswith("\n1 passed, 2 failed, 1 skipped\n")


def test_a_marker_that_does_not_exist_cannot_be_required(tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    done = run_pytest(tmp_path, required="slurm slrum")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "REQUIRED_TESTS has slrum, which is no marker" in done.stderr


def test_a_part_that_breaks_counts_as_a_failure(tmp_path: Path) -> None:
    done = sum_up(tmp_path, {"lint": "2", "install": "0", "main": "unfinished"})
    assert done.returncode == 1
    assert done.stdout == "lint failed\nmain failed\n0 passed, 2 failed, 0 skipped\n"
