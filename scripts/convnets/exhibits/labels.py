"""Variants in words, for figures: `max_pool_2to3_f128` is "max pooling, F = 2→3, 128 filters"."""

from itertools import groupby

from convnets.architectures.variant import Variant

METHODS = {
    "fully_connected": "fully connected",
    "no_pooling": "no pooling",
    "stride": "stride",
    "dilation": "dilation",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "max_avg_pool": "max+average pooling",
    "mix_pool": "mixed pooling",
}
"""Name of each method."""
FILTERS = 64
"""Filters of each layer unless a label says otherwise (paper, Section 4)."""
OWN_WORDS = ("id", "method", "filters", "pool_size", "stride", "dilation")
"""Keys of a variant that a label has its own words for."""
UNNAMED = ("dilated_stride", "dilated_padding", "image_kind")
"""Keys that a label leaves out: the paper has one value for each dilation."""


def label(variant: Variant) -> str:
    """The method, its hyperparameter, and all else in which the variant is not the default."""
    words = METHODS[variant.method]
    if variant.method == "stride":
        words += f" {arrow(variant.per_layer('stride'))}"
    elif variant.method == "dilation":
        words += f" {_dilation(variant.per_layer('dilation'))}"
    elif variant.method.endswith("pool"):
        words += f", F\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{arrow(variant.per_layer('pool_size'))}"
    filters = arrow(variant.per_layer("filters"))
    if filters != str(FILTERS):
        words += (
            f", {filters}\N{NO-BREAK SPACE}{'filters' if variant.is_convolutional else 'units'}"
        )
    default = Variant(variant.id, variant.method)
    for key, value in variant.specification().items():
        if key not in (*OWN_WORDS, *UNNAMED) and value != getattr(default, key):
            words += f", {key.replace('_', ' ')} {value}"
    return words


def arrow(values: tuple[int, ...]) -> str:
    """Numbers by layer, such as `2→3`; of more than two different ones, the first and the last."""
    distinct = [str(value) for value, _ in groupby(values)]
    return "→".join(distinct if len(distinct) < 3 else (distinct[0], distinct[-1]))


def _dilation(rates: tuple[int, ...]) -> str:
    """Dilation by depth i, as the paper writes it: `i+2`, or `2` at every depth."""
    steps = {rate - depth for depth, rate in enumerate(rates)}
    return f"i+{rates[0]}" if len(steps) == 1 and len(rates) > 1 else arrow(rates)
