"""The Slurm profile and its helpers, as far as they can be tested without Slurm."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SACCT = ROOT / "workflow/slurm/sacct"


def call_sacct(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask our sacct, with a shell script in `folder` for the real one."""
    real = folder / "sacct"
    real.write_text(f"#!/bin/sh\n{program}\n")
    real.chmod(0o755)
    path = os.pathsep.join([str(SACCT.parent), str(folder), os.environ["PATH"]])
    return subprocess.run(
        ["sacct", *arguments],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_cancelled_job_is_just_cancelled(tmp_path: Path) -> None:
    said = call_sacct(tmp_path, "printf '7|CANCELLED by 1000\\n8|RUNNING\\n'", "--name", "run")
    assert said.stdout == "7|CANCELLED\n8|RUNNING\n"
    assert said.returncode == 0


def test_a_query_in_vain_is_repeated(tmp_path: Path) -> None:
    program = f"mkdir {tmp_path}/asked && exit 1; echo '7|RUNNING'"
    said = call_sacct(tmp_path, f"{program} 2>/dev/null", "--name", "run")
    assert (said.stdout, said.returncode) == ("7|RUNNING\n", 0)


def test_other_questions_fail_at_once(tmp_path: Path) -> None:
    program = f"mkdir {tmp_path}/asked && echo 'no such field' >&2 && exit 1; echo again"
    said = call_sacct(tmp_path, program, "-j", "7")
    assert (said.stdout, said.stderr, said.returncode) == ("", "no such field\n", 1)


@pytest.mark.parametrize("site", ["workflow/profiles/site", "tests/slurm/site"])
def test_the_site_replaces_no_key_of_the_slurm_profile(site: str) -> None:
    keys = [
        yaml.safe_load((ROOT / folder / "config.yaml").read_text()).keys()
        for folder in ("workflow/profiles/slurm", site)
    ]
    assert not keys[0] & keys[1]
