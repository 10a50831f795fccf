"""Explanations of the errors of pydantic: key, found value, expected value."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from convnets.core.kinds import EACH, ONE, PATTERNS

Location = tuple[str | int, ...]
UNKNOWN, MISSING = "is not a key here", "is missing"
EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text (in quotes if it looks like a number)",
    "string_too_short": "text",
    "string_too_long": "at most {max_length} characters",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "dict_type": "keys with values",
    "dataclass_type": "keys with values",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "value_error": "{error}",
}
"""Templates by pydantic's type of error, for the context of the error."""


def problems_of(error: ValidationError) -> dict[Location, str]:
    """The problems of a validation, one per location."""
    found: dict[Location, str] = {}
    for details in error.errors(include_url=False):
        location = tuple(part for part in details["loc"] if part not in (ONE, EACH, "[key]"))
        if details["type"] != "too_short" or not details["input"]:
            found.setdefault(location, _explain(details))  # invalid elements also shorten a list
    return found


def lines_of(error: ValidationError) -> Iterator[str]:
    """Each problem after its dotted key."""
    return (f"{dotted(location)} {text}".strip() for location, text in problems_of(error).items())


def dotted(location: Location) -> str:
    """A key with the keys above it, separated by dots."""
    return ".".join(str(part) or "''" for part in location)


def shown(value: Any) -> str:
    """A value in a message, as YAML writes it."""
    if value is None:
        return "empty"
    value = list(value) if isinstance(value, tuple) else value
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def nearest(name: str, candidates: Iterable[str]) -> str:
    """A hint: the candidate most similar to `name`, or all candidates."""
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.5)
    if matches:
        return f"; did you mean {matches[0]!r}?"
    return f"; there are {', '.join(candidates)}"


def _explain(details: Any) -> str:
    kind, context, found = details["type"], details.get("ctx", {}), shown(details["input"])
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return UNKNOWN
    if kind in ("missing", "missing_argument"):
        return MISSING
    if kind == "json_invalid":
        return f"is not JSON ({context['error']}): {found}"
    expected = EXPECTED.get(kind, "{message}").format(**context, message=details["msg"].lower())
    if kind == "string_pattern_mismatch":
        expected = PATTERNS[context["pattern"]]
    if ONE in details["loc"] and kind == "int_type":
        expected += " or a list of them"
    return f"is {found}: expected {expected}"
