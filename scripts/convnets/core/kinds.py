"""Types of values in the configuration: names, texts, seeds, one number or one per layer."""

from collections.abc import Mapping, Sequence
from dataclasses import make_dataclass
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

T = TypeVar("T")
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)
"""Validation by pydantic: no unknown keys, no conversions (`true` is not a number), no NaN."""
LOOSE = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)
"""Validation of files of this project, also of other versions: unknown keys are ignored."""
ONE, EACH = "one value", "a value for each layer"
"""Branches of `PerLayer`, which pydantic adds to the location of an error."""
UNSEEN = r"\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
"""Characters that control, separate lines, reverse text, are invisible or are not characters."""
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
LINE = f"^[^{UNSEEN}]*$"
PATH = f"^[^-{UNSEEN}{{}}][^{UNSEEN}{{}}]*$"
SHA256 = "^[0-9a-fA-F]{64}$"
URL = r"^(https?|ftp|file)://[^\s{}]+$"
PATTERNS = {
    NAME: "a name for files, of letters, digits, _ . -, with a letter or digit first",
    LINE: "one line of text without control characters",
    PATH: "a path without braces, control characters and a dash in front",
    SHA256: "64 hexadecimal digits",
    URL: "an address that begins with https://, http://, ftp:// or file://",
}


class Strict:
    """Base of the frozen dataclasses that pydantic validates as `STRICT`."""

    __pydantic_config__ = STRICT


def section(optional: Mapping[str, Any] = MappingProxyType({}), /, **keys: Any) -> Any:
    """A section of a file with these keys and possibly the optional ones; others are ignored."""
    fields: list[Any] = [*keys.items(), *((key, kind, None) for key, kind in optional.items())]
    return make_dataclass("Section", fields, namespace={"__pydantic_config__": LOOSE})


def _distinct(values: Sequence[T]) -> Sequence[T]:
    if any(value in values[:place] for place, value in enumerate(values)):
        raise ValueError("each only once")
    return values


Name = Annotated[str, Field(pattern=NAME, max_length=100)]
"""A valid name of files and folders."""
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=LINE, min_length=1, max_length=500)
]
"""One line of text to show."""
PathText = Annotated[str, Field(pattern=PATH)]
"""A path without characters that are special to Snakemake."""
Sha256 = Annotated[str, Field(pattern=SHA256)]
Url = Annotated[str, Field(pattern=URL)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Positive = Annotated[int, Field(ge=1, le=1_000_000)]
Pixels = Annotated[int, Field(ge=1, le=64)]
Padding = Annotated[int, Field(ge=0, le=64)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Share = Annotated[float, Field(ge=0, le=1)]
"""A fraction."""
PerGpu = Annotated[int, Field(ge=1, le=64)]
Several = Annotated[
    tuple[T, ...],
    Field(min_length=1, max_length=1000, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
"""One or more different values."""
PerLayer = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[tuple[T, ...], Tag(EACH)],
    Discriminator(lambda value: EACH if isinstance(value, list | tuple) else ONE),
]
"""One value for all layers, or one value per layer."""
