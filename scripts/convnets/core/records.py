"""The software, commit and time that a run records."""

import datetime
import importlib.metadata
import platform
import subprocess
from pathlib import Path


def software() -> dict[str, str]:
    """Versions of Python, PyTorch, NumPy and the operating system."""
    versions = {package: importlib.metadata.version(package) for package in ("torch", "numpy")}
    return {"python": platform.python_version(), **versions, "platform": platform.platform()}


def git_commit() -> str:
    """The commit of this code, with `+` for uncommitted changes; `unknown` without git."""
    options = ("--always", "--abbrev=40", "--exclude=*", "--dirty=+")
    command = ["git", "-C", str(Path(__file__).parent), "describe", *options]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def now() -> str:
    """The current time in UTC, as ISO 8601 with seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
