"""What is wrong with a configuration, in words that name file, key and remedy."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from convnets.core.errors import UserError

UNION_BRANCH = "int"
"""How pydantic calls the first branch of `variant.PerLayer` in a location."""
Location = tuple[str | int, ...]
Problem = tuple[Location, str]
"""Where, and what."""
UNKNOWN, MISSING = "is not a key here", "is missing"


def problems_of(error: ValidationError) -> list[Problem]:
    """What pydantic found, with one problem for a value that fits neither type of a union."""
    problems: dict[Location, str] = {}
    for details in error.errors():
        location = details["loc"]
        if UNION_BRANCH in location:
            location = location[: location.index(UNION_BRANCH)]
            text = f"is {details['input']!r}: expected a whole number or a list of them"
        elif any(str(part).startswith("tuple[") for part in location):
            continue
        else:
            text = _explain(details)
        problems.setdefault(location, text)
    return list(problems.items())


def _explain(details: ErrorDetails) -> str:
    if details["type"] == "unexpected_keyword_argument":
        return UNKNOWN
    if details["type"] in ("missing", "missing_argument"):
        return MISSING
    return f"is {details['input']!r}: {details['msg'].lower()}"


def report(
    problems: Sequence[Problem],
    values: dict[str, Any],
    files: Sequence[str | Path],
    keys_at: Callable[[Location], list[str]],
) -> UserError:
    """The error that lists each problem with file, key and remedy.

    `keys_at` gives the keys that are known at a location.
    """
    contents = [(Path(file), yaml.safe_load(Path(file).read_text()) or {}) for file in files]
    lines = []
    for location, text in dict.fromkeys(problems):
        hint = nearest(str(location[-1]), keys_at(location[:-1])) if text == UNKNOWN else ""
        key = ".".join(str(part) for part in location)
        lines.append(f"{_origin(location, values, contents)}: {key} {text}{hint}")
    return UserError("the configuration is not valid\n  " + "\n  ".join(lines))


def _origin(
    location: Location, values: dict[str, Any], contents: Sequence[tuple[Path, Any]]
) -> str:
    """The last file that has `location`, or most of it, as in the merged `values`."""
    complete, value = _follow(values, location)
    is_missing = complete < len(location) and bool(contents)
    deepest, origin = 0, str(contents[0][0]) if is_missing else "command line (--config)"
    for file, content in contents:
        depth, found = _follow(content, location)
        overridden = depth == complete == len(location) and found != value
        if depth >= max(deepest, 1) and not overridden:
            deepest, origin = depth, str(file)
    return origin


def _follow(content: Any, location: Location) -> tuple[int, Any]:
    """How many parts of `location` exist in `content`, and what stands there."""
    for depth, part in enumerate(location):
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return depth, content
    return len(location), content


def nearest(name: str, candidates: Iterable[str]) -> str:
    """A hint at what `name` was meant to be, or at what there is."""
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.5)
    if matches:
        return f"; did you mean {matches[0]!r}?"
    return f"; there are {', '.join(candidates)}"
