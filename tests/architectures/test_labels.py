"""Variants in words."""

import pytest

from convnets.architectures.variant import Variant

GROWING = (16, 32, 64, 128)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (Variant("a", "no_pooling"), "no pooling"),
        (Variant("a", "fully_connected", filters=32), "fully connected, 32 units"),
        (Variant("a", "stride", stride=3, filters=GROWING), "stride 3, 16→128 filters"),
        (Variant("a", "dilation", dilation=(1, 2, 3, 4)), "dilation i+1"),
        (Variant("a", "dilation", dilation=2), "dilation 2"),
        (Variant("a", "max_pool", pool_size=(2, 2, 3, 3)), "max pooling, F = 2→3"),
        (Variant("a", "avg_pool", filters=128), "average pooling, F = 2, 128 filters"),
        (Variant("a", "max_pool", pool_padding=0), "max pooling, F = 2, pool padding 0"),
        (Variant("a", "max_pool", pool_size=3, pool_stride=2), "max pooling, F = 3, pool stride 2"),
        (Variant("a", "no_pooling", num_layers=2), "no pooling, num layers 2"),
    ],
)
def test_a_label_says_what_is_not_the_default(variant: Variant, expected: str) -> None:
    assert variant.label.replace("\N{NO-BREAK SPACE}", " ") == expected
