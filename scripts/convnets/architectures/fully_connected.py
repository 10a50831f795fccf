"""The baseline without convolutions: layers of `filters` units (paper, Section 4)."""

from convnets.architectures.method import Method

METHOD = Method("fully connected", colour="#000000", marker="X", is_convolutional=False)
