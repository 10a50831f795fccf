"""The convolutions and networks whose cost is measured."""

from typing import NamedTuple

from convnets.architectures.variant import Variant
from convnets.layers.window import Window

PASSES = ("outputs", "input_gradients", "weight_gradients")
"""The three computations of a convolution in a step of training."""


class Case(NamedTuple):
    """A convolution to measure: square, as many channels out as in, padded by half its kernel."""

    batch: int
    channels: int
    kernel: int
    stride: int
    size: int
    """Height and width of the features in pixels."""

    @property
    def window(self) -> Window:
        """The kernel, and how it slides."""
        return Window((self.kernel, self.kernel), self.stride, padding=self.kernel // 2)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of equation 1 for the batch; each gradient takes as many."""
        height, width = self.window.output_size(self.size, self.size)
        return self.batch * self.channels**2 * self.window.area * height * width


def around(base: Case, **values: tuple[int, ...]) -> list[Case]:
    """`base`, and copies of it in which one number is replaced by each of its `values`."""
    changes = [(name, value) for name, numbers in values.items() for value in numbers]
    return [base, *(base._replace(**{name: value}) for name, value in changes)]


SMALL = Case(batch=2, channels=4, kernel=3, stride=1, size=14)
"""A convolution that loops compute in less than a second."""
LARGE = Case(batch=20, channels=64, kernel=3, stride=1, size=28)
"""A convolution of the size that the paper's networks have."""
CASES = [
    *around(SMALL, batch=(1, 8), channels=(2, 8), kernel=(1, 5), stride=(2, 3), size=(7, 28)),
    *around(LARGE, batch=(5, 100), channels=(16, 32), kernel=(1, 5), stride=(2, 3), size=(7, 14)),
]
"""Both, and variations of each in one number."""
NETWORKS = [
    Variant("fully_connected", "fully_connected"),
    Variant("no_pooling", "no_pooling"),
    Variant("stride_2", "stride"),
    Variant("dilation_plus2", "dilation"),
    Variant("max_pool_2", "max_pool"),
    Variant("avg_pool_2", "avg_pool"),
    Variant("max_avg_pool_2", "max_avg_pool"),
]
"""The paper's network of each method, whatever a sweep trains."""
