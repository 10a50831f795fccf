"""Stride: a second convolution, which moves by `stride` pixels (paper, Section 3)."""

from convnets.architectures.method import Key, Method
from convnets.architectures.operations import Convolution
from convnets.core.kinds import Pixels

KEYS = {"stride": Key(Pixels, 2, "Stride of the second convolution (paper, Section 4).", " {}")}
METHOD = Method("stride", colour="#56B4E9", marker="v", context=Convolution.again, keys=KEYS)
