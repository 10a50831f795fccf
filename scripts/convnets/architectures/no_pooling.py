"""No pooling: nothing follows the convolution (paper, Section 4)."""

from convnets.architectures.method import Method

METHOD = Method("no pooling", colour="#E69F00", marker="P")
