"""Dilation: a second convolution, whose kernel has gaps (paper, Section 3)."""

from convnets.architectures.method import Key, Method
from convnets.architectures.operations import Convolution
from convnets.core.kinds import Padding, Pixels

KEYS = {
    "dilation": Key(
        Pixels,
        (2, 3, 4, 5),
        "Dilation of the second convolution: i+2 at depth i = 0..3 (paper, Section 4).",
        " {}",
    ),
    # Labels leave the others out: the paper has one value for each dilation.
    "dilated_stride": Key(
        Pixels, 1, "Stride of the dilated convolutions; the paper needs 2 for i+3.", ""
    ),
    "dilated_padding": Key(
        Padding, 1, "Padding of the dilated convolutions; the paper needs 2 for i+3.", ""
    ),
}


def dilated(
    before: Convolution, dilation: int, dilated_stride: int, dilated_padding: int
) -> Convolution:
    """The dilated convolution."""
    return before.again(dilation=dilation, stride=dilated_stride, padding=dilated_padding)


METHOD = Method("dilation", colour="#009E73", marker="D", context=dilated, keys=KEYS)
