"""The fully-connected baseline (paper, Section 4)."""

from convnets.architectures.method import Method

METHOD = Method(
    title="fully connected",
    meaning="No convolutions, but layers of `filters` units (paper, Section 4).",
    colour="#000000",
    marker="X",
    is_convolutional=False,
)
