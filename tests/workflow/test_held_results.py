"""Two Snakemakes, or two clones, that want to make the same results."""

from pathlib import Path

import pytest
from workflow_tree import copy_of_the_tree, snakemake

from convnets.core.files import run_lock

pytestmark = pytest.mark.workflow


def test_results_that_another_process_makes_are_refused(tmp_path: Path) -> None:
    clone = copy_of_the_tree(tmp_path / "clone")
    changes = ["--config", f"results_folder={tmp_path}/shared"]
    drawing = tmp_path / "shared/tiny/figures/figure_01.svg"
    command = ["--configfile", "tiny.yaml", *changes, "--", str(drawing)]
    with run_lock(tmp_path / "shared/tiny"):
        done = snakemake(clone, *command)
        assert done.returncode != 0
        assert f"error: {tmp_path}/shared/tiny is in use by process" in done.stderr
        assert "Traceback" not in done.stderr and "File " not in done.stderr.split("error: ")[1]
        assert not drawing.exists()
    done = snakemake(clone, *command)
    assert done.returncode == 0, done.stderr
    assert drawing.is_file()
