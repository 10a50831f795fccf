"""Fingerprints of code: what decides whether a stage has to run again.

Snakemake runs a job again when its parameters change, so each rule has the fingerprint of
its stage among them. It covers the script (or notebook) and all modules of this library that
it imports, without comments, docstrings and layout: these and file times change nothing, a
changed computation does, and only where it is used. The workflow calls this, and train.py,
which goes on from the state of an interrupted run only if the code of the training is the same.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent
PACKAGE = Path(__file__).parent.name
NOTEBOOK = ".ipynb"


def fingerprint(script: str, *files: str | Path) -> str:
    """Fingerprint of `scripts/SCRIPT` and of `files`, with all that the code among them imports."""
    digest = hashlib.sha256()
    paths = [Path(file) for file in files]
    code = _closure([SCRIPTS / script, *(path for path in paths if path.suffix == NOTEBOOK)])
    for module in sorted(code):
        digest.update(f"{module.name}\n{_code(module)}\n".encode())
    for path in paths:
        digest.update(_content(path))
    return digest.hexdigest()[:16]


def _closure(waiting: list[Path]) -> set[Path]:
    found: set[Path] = set()
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(_imports(module))
    return found


@cache
def _imports(module: Path) -> tuple[Path, ...]:
    """Files of this library that `module` imports anywhere, packages' `__init__` included."""
    names: list[str] = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(path for name in names for path in _files_of(name))


def _files_of(name: str) -> Iterator[Path]:
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return
    for length in range(1, len(parts) + 1):
        base = SCRIPTS.joinpath(*parts[:length])
        for candidate in (base / "__init__.py", base.with_suffix(".py")):
            if candidate.is_file():
                yield candidate


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(_source(module), filename=str(module))


@cache
def _code(module: Path) -> str:
    """The code of `module` as Python writes it, without comments, docstrings and layout."""
    tree = ast.parse(_source(module))
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [item for item in value if not _is_text(item)])
    return ast.unparse(tree)  # unlike ast.dump the same in every version of Python


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _source(module: Path) -> str:
    if module.suffix != NOTEBOOK:
        return module.read_text()
    return "\n".join(text for kind, text in _cells(module) if kind == "code")


@cache
def _content(file: Path) -> bytes:
    """What `file` says: its bytes; of a notebook its text, not how it was last shown."""
    if file.suffix != NOTEBOOK:
        return file.read_bytes()
    return "\n".join(text for kind, text in _cells(file) if kind != "code").encode()


def _cells(notebook: Path) -> list[tuple[str, str]]:
    cells = json.loads(notebook.read_text())["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
