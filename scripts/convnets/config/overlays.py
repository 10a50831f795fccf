"""Configuration files, read strictly, and merged so that the file of each key is known.

Snakemake reads configuration files before the Snakefile, reports no lines in its errors, accepts
duplicate keys and runs code in YAML templates. So the default profile, which it reads even earlier,
calls `check_command_line`.
"""

import argparse
import contextlib
import json
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from convnets.config.messages import Location, dotted, shown
from convnets.core.errors import UserError

COMMAND_LINE = "command line (--config)"
MOST_VALUES = 100_000
"""Largest number of values in a file, with its aliases filled in."""
DEEPEST = 100
"""Largest number of nested levels in a file."""
FAULTS = (yaml.YAMLError, TypeError, ValueError, LookupError, AttributeError)
"""Exceptions of PyYAML for texts that are not plain YAML."""
CHANGE = re.compile(r"[a-zA-Z_][\w-]*\w=.*", re.DOTALL)
"""Pattern of the arguments of --config, as in Snakemake."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain YAML: keys are text and unique, 1e-3 is a number, a date is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag.endswith(":merge"):
                continue
            if not key.tag.endswith(":str"):
                raise _problem("a key that is not text (put it in quotes)", key)
            if key.value in lines:
                before = lines[key.value]
                raise _problem(f"the key {key.value!r} again, first in line {before}", key)
            lines[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


@dataclass
class Layers:
    """Several configurations, merged: a later one overrides single keys of those before it."""

    names: list[str] = field(default_factory=list)
    """The files in this order, and the command line."""
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Location, int] = field(default_factory=dict)
    """Position in `names` of the last layer with each key, else 0."""

    def add(self, name: str, values: dict[str, Any]) -> None:
        """Put `values` over the layers so far."""
        self.names.append(name)
        self.values = self._merged(self.values, values, ())

    def _merged(self, below: Any, above: Any, here: Location) -> Any:
        self.origins[here] = len(self.names) - 1 if here else 0
        if not isinstance(above, dict):
            return above
        known = below if isinstance(below, dict) else {}
        return known | {
            key: self._merged(known.get(key), value, (*here, key)) for key, value in above.items()
        }

    def position(self, location: Location) -> int:
        """Position of the last layer with the key at `location`, or else a key above it."""
        while location not in self.origins:
            location = location[:-1]
        return self.origins[location]

    def latest(self, locations: Iterable[Location]) -> Location:
        """The location of the last layer, of several keys that do not fit together."""
        return max((key for key in locations if key in self.origins), key=self.position)

    def line(self, location: Location, text: str) -> str:
        """A problem with its file and key."""
        return f"{self.names[self.position(location)]}: {dotted(location)} {text}"


def read_layers(files: Iterable[Path | str], changes: dict[str, Any]) -> Layers:
    """Configuration files, each over the previous one, and `changes` of the command line."""
    layers = Layers()
    for file in files:
        layers.add(str(file), read_config(Path(file)))
    try:
        json.dumps(changes, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{COMMAND_LINE}: {error}: write UTF-8") from None
    if changes:
        layers.add(COMMAND_LINE, {key: _typed(value) for key, value in changes.items()})
    return layers


def read_config(path: Path) -> dict[str, Any]:
    """The content of a configuration file. Raises `UserError` with file, line and remedy."""
    values = read_yaml(path) or {}
    if not isinstance(values, dict):
        raise UserError(f"{path} has {shown(values)} without a key, expected KEY: VALUE at the top")
    if "__use_yte__" in values:
        raise UserError(f"{path} has __use_yte__, with which Snakemake would run code: remove it")
    return values


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, None if it is empty. Raises as `read_config`."""
    try:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no file" if path.exists() else "no such file"
            raise UserError(f"{path}: {found}, expected a YAML file: give the path of one")
        return _load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Make it readable") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    except FAULTS as error:
        raise UserError(f"{path}{_describe(error)}: write plain YAML, keys at the top, each "
                        "once, indented with spaces") from None  # fmt: skip


def check_command_line(arguments: Sequence[str]) -> None:
    """Check the configuration in Snakemake's `arguments`, and exit if it is wrong.

    Snakemake rejects empty files, so it is started again without them.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    given, others = parser.parse_known_args(arguments)
    parser.add_argument("--config", "-C", nargs="*", default=[])
    try:
        for change in parser.parse_known_args(arguments)[0].config:
            if not CHANGE.fullmatch(change):
                raise UserError(
                    f"{COMMAND_LINE}: {change!r}, expected KEY=VALUE such as epochs=3, or in "
                    "sections training='{threads: 2}'"
                )
        filled = [file for file in given.configfile if read_config(file)]
    except UserError as error:
        sys.exit(f"error: {error}")
    if len(filled) < len(given.configfile):
        files = ["--configfile", *map(str, filled)] if filled else []
        os.execv(sys.executable, [sys.executable, sys.argv[0], *others, *files])


def _typed(value: Any, nested: bool = False) -> Any:
    """A value of the command line. In lists and sections, Snakemake leaves all values as text."""
    if isinstance(value, dict):
        return {key: _typed(item, nested=True) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item, nested=True) for item in value]
    if nested and isinstance(value, str):
        with contextlib.suppress(*FAULTS):
            return _load(value)
    return value


def _load(text: str) -> Any:
    """The values in a YAML text. Raises one of `FAULTS`."""
    _check_depth(text)
    loader = _Loader(text)
    node = loader.get_single_node()
    if node is not None and _size(node, {}) > MOST_VALUES:
        raise _problem(f"more than {MOST_VALUES:,} values, those of aliases included", node)
    values = loader.construct_document(node) if node else None
    json.dumps(values, ensure_ascii=False).encode()  # fails on binary and on half characters
    return values


def _size(node: yaml.Node, sizes: dict[int, float]) -> float:
    """Number of values in `node` with aliases filled in; infinite if one contains itself."""
    if id(node) not in sizes:
        sizes[id(node)] = math.inf
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        pairs = (part if isinstance(part, tuple) else (part,) for part in parts)
        sizes[id(node)] = 1 + sum(_size(part, sizes) for pair in pairs for part in pair)
    return sizes[id(node)]


def _check_depth(text: str) -> None:
    """Raise an error for nesting that could exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _problem(f"more than {DEEPEST} levels of nesting", event)


def _problem(found: str, node: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"found {found}", problem_mark=node.start_mark)


def _describe(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f", line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return f": {' '.join(str(error).split())}"
