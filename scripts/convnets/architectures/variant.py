"""A variant: one architecture of the paper as a frozen, validated value.

Everything about an architecture follows from it without building it: the operations that
an image passes, their spatial sizes, parameters, multiply-adds and receptive field.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from convnets.architectures.images import CLASSES, EMNIST, ImageKind
from convnets.architectures.operations import Convolution, Linear, Operation, Pooling, PoolingMethod
from convnets.core.errors import UserError
from convnets.core.kinds import STRICT, Name, PerLayer

NUM_CLASSES = len(CLASSES)
HEAD_SIZE = 2
"""Width to which the averaged head reduces the last feature maps."""

Method = Literal["fully_connected", "no_pooling", "stride", "dilation", PoolingMethod]
Width = Annotated[int, Field(ge=1, le=4096)]
Pixels = Annotated[int, Field(ge=1, le=64)]
Padding = Annotated[int, Field(ge=0, le=64)]

KEYS_OF_METHOD: dict[str, tuple[str, ...]] = {
    "fully_connected": (),
    "no_pooling": (),
    "stride": ("stride",),
    "dilation": ("dilation", "dilated_stride", "dilated_padding"),
    **dict.fromkeys(get_args(PoolingMethod), ("pool_size", "pool_padding", "pool_stride")),
}
SHARED_KEYS = ("id", "method", "num_layers", "filters", "bias")
CONVOLUTION_KEYS = ("kernel_size", "padding", "head")


class VariantError(UserError):
    """Keys of a variant that do not fit together."""

    def __init__(self, id: str, problem: str, keys: tuple[str, ...]) -> None:
        super().__init__(f"variant {id}: {problem}")
        self.problem, self.keys = problem, keys


@dataclass(frozen=True)
class Variant:
    """One architecture (paper, Section 4). Values given once hold for every layer."""

    __pydantic_config__ = STRICT

    id: Name
    """Stable readable name, also of the run's folder."""
    method: Method
    """How context is widened after each convolution."""
    num_layers: Pixels = 4
    """Number of layers (paper, Section 4)."""
    filters: PerLayer[Width] = 64
    """Filters of each layer; units of a fully-connected one (paper, Section 4)."""
    kernel_size: Pixels = 3
    """Kernel size F of every convolution (paper, Section 4)."""
    padding: Padding = 1
    """Zero padding of every convolution (paper, Section 4)."""
    pool_size: PerLayer[Pixels] = 2
    """Pooling window F (paper, Section 4)."""
    pool_stride: PerLayer[Pixels] | None = None
    """Stride of the pooling windows, which overlap where it is smaller than `pool_size`. Empty:
    `pool_size` (paper, Section 4)."""
    pool_padding: PerLayer[Padding] = 1
    """Reading: padding of the pooling windows; the paper's default padding is 1."""
    stride: PerLayer[Pixels] = 2
    """Stride of the second convolution of method `stride` (paper, Section 4)."""
    dilation: PerLayer[Pixels] = (2, 3, 4, 5)
    """Dilation of the second convolution of method `dilation`: i+2 at depth i = 0..3 (paper,
    Section 4)."""
    dilated_stride: PerLayer[Pixels] = 1
    """Stride of the dilated convolutions; the paper needs 2 for i+3."""
    dilated_padding: PerLayer[Padding] = 1
    """Padding of the dilated convolutions; the paper needs 2 for i+3."""
    head: Literal["averaged", "flattened"] = "averaged"
    """Reading: before the last layer, features are averaged to 2x2 unless they are 2 wide
    already, or flattened as they are."""
    bias: bool = False
    """Reading: whether layers have a bias. The course framework has none, equation 1 has."""
    image_kind: ImageKind = EMNIST
    """What the images are like; the data tell."""

    def __post_init__(self) -> None:
        self._check_numbers()
        _ = self.operations  # impossible shapes are an error now, not in a job hours later

    @property
    def used_keys(self) -> tuple[str, ...]:
        """The keys that matter to this network."""
        convolutional = CONVOLUTION_KEYS if self.is_convolutional else ()
        return (*SHARED_KEYS, *convolutional, *KEYS_OF_METHOD[self.method])

    @property
    def is_convolutional(self) -> bool:
        """Whether the variant has convolutions at all."""
        return self.method != "fully_connected"

    def per_layer(self, key: str) -> tuple[int, ...]:
        """The value of `key` at each layer."""
        key = "pool_size" if self._follows_window(key) else key
        value: int | tuple[int, ...] = getattr(self, key)
        return (value,) * self.num_layers if isinstance(value, int) else value

    def specification(self) -> dict[str, Any]:
        """Only the keys that matter to this network: equal networks, equal specification."""
        keys = (key for key in self.used_keys if not self._follows_window(key))
        values = {key: getattr(self, key) for key in keys}
        if self.image_kind != EMNIST:
            values["image_kind"] = dataclasses.asdict(self.image_kind)
        return values

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """What an image passes, in order; the last one gives the class scores."""
        hidden = self._convolutional() if self.is_convolutional else self._fully_connected()
        features = self._head_features(hidden)
        return (*hidden, Linear((features, self.image_kind.classes), self.bias))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width in pixels of the image and of the features after each layer."""
        per_layer = 1 if self.method == "no_pooling" else 2
        spatial = [op.size[1] for op in self.operations if not isinstance(op, Linear)]
        return (self.image_kind.size, *spatial[per_layer - 1 :: per_layer])

    @property
    def parameters(self) -> int:
        """Number of learnable parameters."""
        return sum(operation.parameters for operation in self.operations)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions and linear layers, for one image forward."""
        return sum(operation.multiply_adds for operation in self.operations)

    @property
    def receptive_field(self) -> int:
        """Width in pixels of the input that one feature before the head can see.

        The theoretical one: it can be wider than the image. The head adds nothing to it.
        """
        field, step = 1, 1
        for operation in self.operations:
            if isinstance(operation, Linear):
                break
            field += (operation.window - 1) * step
            step *= operation.stride
        return field if self.is_convolutional else self.image_kind.size

    def _convolutional(self) -> tuple[Operation, ...]:
        operations: list[Operation] = []
        channels, size = self.image_kind.channels, self.image_kind.size
        for layer, filters in enumerate(self.per_layer("filters")):
            out = self._output_size(size, self.kernel_size, self.padding, 1, layer, "kernel_size")
            operations.append(
                Convolution(
                    (channels, filters), (size, out), self.kernel_size, self.padding, bias=self.bias
                )
            )
            channels, size = filters, out
            context = self._context(layer, channels, size)
            if context is not None:
                operations.append(context)
                size = context.size[1]
        return tuple(operations)

    def _context(self, layer: int, channels: int, size: int) -> Convolution | Pooling | None:
        """The context-widening operation of a layer (paper, Section 3)."""
        if self.method == "no_pooling":
            return None
        if self.method == "stride":
            stride, dilation, padding = self.per_layer("stride")[layer], 1, self.padding
            blamed = "stride"
        elif self.method == "dilation":
            stride, dilation, padding = (
                self.per_layer(key)[layer]
                for key in ("dilated_stride", "dilation", "dilated_padding")
            )
            blamed = "dilation"
        else:
            window, padding, stride = (
                self.per_layer(key)[layer] for key in ("pool_size", "pool_padding", "pool_stride")
            )
            out = self._output_size(size, window, padding, stride, layer, "pool_size")
            assert self.method != "fully_connected"
            return Pooling(self.method, channels, (size, out), window, padding, stride)
        window = dilation * (self.kernel_size - 1) + 1
        out = self._output_size(size, window, padding, stride, layer, blamed)
        return Convolution(
            (channels, channels),
            (size, out),
            self.kernel_size,
            padding,
            stride,
            dilation,
            self.bias,
        )

    def _fully_connected(self) -> tuple[Linear, ...]:
        widths = (self.image_kind.channels * self.image_kind.size**2, *self.per_layer("filters"))
        return tuple(Linear(pair, self.bias) for pair in itertools.pairwise(widths))

    def _follows_window(self, key: str) -> bool:
        """Whether `key` is the stride of pooling windows, and they do not overlap."""
        return key == "pool_stride" and self.pool_stride is None

    def _head_features(self, hidden: tuple[Operation, ...]) -> int:
        last = hidden[-1]
        if isinstance(last, Linear):
            return last.features[1]
        channels = last.channels[1] if isinstance(last, Convolution) else last.channels
        width = HEAD_SIZE if self.head == "averaged" else last.size[1]
        return channels * width**2

    def _output_size(
        self, size: int, window: int, padding: int, stride: int, layer: int, blamed: str
    ) -> int:
        out = (size + 2 * padding - window) // stride + 1
        if out < 1:
            raise VariantError(
                self.id,
                f"at layer {layer + 1} of {self.num_layers} a window of {window} pixels does not "
                f"fit features of {size} pixels with padding {padding}; make {blamed} smaller "
                "there, or its padding larger",
                (blamed, "num_layers", *CONVOLUTION_KEYS, *KEYS_OF_METHOD[self.method]),
            )
        return out

    def _check_numbers(self) -> None:
        used = ("filters", *KEYS_OF_METHOD[self.method])
        for key in used:
            number = len(self.per_layer(key))
            if number != self.num_layers:
                text = f"{key} has {number} values, expected one or {self.num_layers}"
                raise VariantError(self.id, text, (key, "num_layers"))
        if "pool_size" in used:
            pairs = zip(self.per_layer("pool_size"), self.per_layer("pool_padding"), strict=True)
            if any(padding > window // 2 for window, padding in pairs):
                text = (
                    f"pool_padding is {self.pool_padding} with pool_size {self.pool_size}, "
                    "expected at most half the pool size"
                )
                raise VariantError(self.id, text, ("pool_padding", "pool_size"))
