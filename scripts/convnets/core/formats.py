"""The format of values in tables, report, lesson, README and evidence."""

import math
import re
from collections.abc import Iterable
from typing import Any

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def decimals(unit: str, value: float, exact: bool = True) -> int:
    """Digits after the decimal point; only `exact` values, which are not means, can have none."""
    if unit in ("fraction", "points"):
        return 3 if unit == "fraction" else 2
    if abs(value) >= 100 or (exact and value == round(value)):
        return 0
    return 1 if abs(value) >= 10 or unit == "epoch" else 2


def number(value: Any, unit: str = "", sign: str = "", digits: int | None = None) -> str:
    """A value for readers: accuracies with 3 decimals, most others with 3 digits or more.

    `points` are percentage points of a fraction; a `ratio` has 3 significant digits. `sign` is `+`
    for differences; `digits` replaces the result of `decimals`.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, str):
        return value.replace("->", "→")
    if unit == "points":
        value *= 100
    if unit == "ratio" and digits is None:
        text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    else:
        text = f"{value:{sign},.{decimals(unit, value) if digits is None else digits}f}"
    return text.replace("-", MINUS)


def in_markdown(text: str) -> str:
    """A text that Markdown shows unchanged, without emphasis, links, HTML or ends of cells."""
    return re.sub(r"[\\`*_<&|]|\[(?=[^]]*\]\()", r"\\\g<0>", text)


def interval(low: Any, high: Any, unit: str = "", sign: str = "") -> str:
    """The ends of an interval; `MISSING` if an end is missing."""
    ends = (number(low, unit, sign), number(high, unit, sign))
    return MISSING if MISSING in ends else " to ".join(ends)


def p_value(value: float) -> str:
    """A p-value with its letter."""
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def plural(count: int, noun: str) -> str:
    """The number with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shown(value: Any) -> str:
    """A setting: booleans as words, thousands separated, lists with arrows between layers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "→".join(map(shown, value))
    if value is None:
        return MISSING
    return f"{value:,}" if isinstance(value, int) else number(str(value))


def listed(values: Iterable[Any]) -> str:
    """Settings separated by commas."""
    return ", ".join(map(shown, values)) or MISSING
