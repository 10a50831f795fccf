"""Convolutions alone (paper, Section 4)."""

from convnets.architectures.method import Method

METHOD = Method(
    title="no pooling",
    meaning="Nothing follows the convolution (paper, Section 4).",
    colour="#E69F00",
    marker="P",
)
