"""What a run writes down about itself: software, commit, machine, time."""

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path

PACKAGES = ("torch", "numpy")


def software() -> dict[str, str]:
    """Versions of Python, of the packages that compute, and of the operating system."""
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **versions, "platform": platform.platform()}


def git_commit() -> str:
    """The commit of the code that runs, with `+` for uncommitted changes; `unknown` without git."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def now() -> str:
    """The time, UTC, in ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
