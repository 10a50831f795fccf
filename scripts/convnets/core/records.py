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
    try:
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def now() -> str:
    """The current time in UTC, as ISO 8601 with seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
