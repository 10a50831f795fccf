"""Variants in words, for figures: `max_pool_2to3_f128` is "max pooling, F = 2→3, 128 filters"."""

from itertools import groupby

from convnets.architectures.methods import METHODS
from convnets.architectures.variant import Variant

FILTERS = 64
"""Filters of each layer unless a label says otherwise (paper, Section 4)."""
EQUALS = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
LEFT_OUT = ("id", "method", "filters", "image_kind")
"""Keys that a label does not append: it has its own words for them, or none."""


def label(variant: Variant) -> str:
    """The method, its hyperparameter, and all other settings that differ from the defaults."""
    method = METHODS[variant.method]
    shown = {name: key.words for name, key in method.keys.items() if key.words is not None}
    words = method.title
    for key, text in shown.items():
        words += text.format(by_layer(variant.per_layer(key))).replace(" = ", EQUALS)
    filters = by_layer(variant.per_layer("filters"))
    if filters != str(FILTERS):
        unit = "filters" if variant.is_convolutional else "units"
        words += f", {filters}\N{NO-BREAK SPACE}{unit}"
    for key, value in variant.specification().items():
        if key not in (*LEFT_OUT, *shown) and value != getattr(Variant, key):
            words += f", {key.replace('_', ' ')} {value}"
    return words


def by_layer(values: tuple[int, ...]) -> str:
    """Values in the paper's short form: `2→3`, `16→128`, or `i+2` where i is the depth."""
    if len(values) > 1 and all(value - values[0] == depth for depth, value in enumerate(values)):
        return f"i+{values[0]}"
    distinct = [str(value) for value, _ in groupby(values)]
    return "→".join(distinct if len(distinct) < 3 else (distinct[0], distinct[-1]))
