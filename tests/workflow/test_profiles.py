"""Configuration files under a profile that does not check them before Snakemake reads them."""

from pathlib import Path

import pytest
from workflow_tree import append, copy_of_the_tree, snakemake

pytestmark = pytest.mark.workflow
WARNING = "warning: the profile in use lets Snakemake read configuration files"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_tree(tmp_path_factory.mktemp("profiles") / "tree")


def refusal(tree: Path, *files: str) -> str:
    """What Snakemake says to configuration files that it must refuse before any job."""
    options = ("--workflow-profile", "none", "--dry-run", "--configfile", "tiny.yaml")
    done = snakemake(tree, *options, *files)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert WARNING in said
    assert "Traceback" not in said
    assert "Job stats" not in said
    return said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: 2\nepochs: 3", "other.yaml, line 2, column 1: found the key 'epochs' again"),
        ("__use_yte__: true", "other.yaml has __use_yte__, with which Snakemake would run code"),
        ("epochs: -1", "other.yaml: epochs is -1"),
        ("epoch: 2", "other.yaml: epoch is not a key here"),
    ],
)
def test_files_are_read_strictly(tree: Path, text: str, message: str) -> None:
    (tree / "other.yaml").write_text(text)
    assert message in refusal(tree, "other.yaml")


def test_the_paper_s_configuration_is_read_strictly(tree: Path, tmp_path: Path) -> None:
    changed = copy_of_the_tree(tmp_path / "tree")
    append(changed / "config/config.yaml", "epochs: 3")
    done = snakemake(changed, "--workflow-profile", "none", "--dry-run")
    assert done.returncode != 0
    assert "found the key 'epochs' again" in done.stdout + done.stderr


def test_the_default_profile_checks_files(tree: Path) -> None:
    done = snakemake(tree, "--dry-run", "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert WARNING not in done.stdout + done.stderr
