"""A variant: one architecture of the paper as a frozen, validated value.

The operations of the network, their spatial sizes, parameters, multiply-adds and receptive field
follow from it without building the network.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from convnets.architectures.images import EMNIST, ImageKind
from convnets.architectures.method import VariantError
from convnets.architectures.methods import METHODS
from convnets.architectures.operations import Convolution, Linear, Operation, Spatial
from convnets.core.kinds import Name, Padding, PerLayer, Pixels, Strict

HEAD_SIZE = 2
"""Width to which the averaged head reduces the last feature maps."""

EQUALS = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
UNLABELLED = ("id", "method", "filters", "image_kind")
"""Keys that a label does not append: it has its own words for them, or none."""
Width = Annotated[int, Field(ge=1, le=4096)]
SHARED_KEYS = ("id", "method", "num_layers", "filters", "bias")
CONVOLUTION_KEYS = ("kernel_size", "padding", "head")
METHOD_KEYS = {name: key for method in METHODS.values() for name, key in method.keys.items()}
KeysOfMethods: Any = dataclasses.make_dataclass(
    "KeysOfMethods",
    [(name, key.annotation, key.default) for name, key in METHOD_KEYS.items()],
    frozen=True,
    kw_only=True,
)
"""The keys of all methods. A method ignores the keys of the others."""


@dataclass(frozen=True)
class Variant(KeysOfMethods, Strict):
    """One architecture (paper, Section 4). A single value applies to every layer."""

    id: Name
    """Stable readable name, also of the run directory."""
    method: Literal[tuple(METHODS)]  # type: ignore[valid-type]
    """Method of widening the context after each convolution."""
    num_layers: Pixels = 4
    """Number of layers (paper, Section 4)."""
    filters: PerLayer[Width] = 64
    """Filters of each layer; units of a fully-connected one (paper, Section 4)."""
    kernel_size: Pixels = 3
    """Kernel size F of every convolution (paper, Section 4)."""
    padding: Padding = 1
    """Zero padding of every convolution (paper, Section 4)."""
    head: Literal["averaged", "flattened"] = "averaged"
    """Reading: before the last layer, features are averaged to 2x2 unless they are already 2 wide,
    or flattened without averaging."""
    bias: bool = False
    """Reading: whether layers have a bias. The course framework has none, equation 1 has one."""
    image_kind: ImageKind = EMNIST
    """Size, channels and classes of the images, from the data."""

    def __post_init__(self) -> None:
        try:
            for key in ("filters", *METHODS[self.method].keys):
                if (number := len(self.per_layer(key))) != self.num_layers:
                    problem = f"{key} has {number} values, expected one or {self.num_layers}"
                    raise VariantError(problem, key, "num_layers")
            _ = self.operations  # fails on impossible shapes, before any job starts
        except VariantError as error:
            error.args = (f"variant {self.id}: {error.problem}",)
            raise

    @property
    def used_keys(self) -> tuple[str, ...]:
        """The keys on which this network depends."""
        convolutional = CONVOLUTION_KEYS if self.is_convolutional else ()
        return (*SHARED_KEYS, *convolutional, *METHODS[self.method].keys)

    @property
    def is_convolutional(self) -> bool:
        """Whether the variant has convolutions."""
        return METHODS[self.method].is_convolutional

    def per_layer(self, key: str) -> tuple[int, ...]:
        """The value of `key` at each layer."""
        value: Any = getattr(self, key)
        return tuple(value) if isinstance(value, tuple | list) else (value,) * self.num_layers

    def specification(self) -> dict[str, Any]:
        """The values of the keys in use: equal networks have equal specifications."""
        used = {key: getattr(self, key) for key in self.used_keys}
        values = {key: value for key, value in used.items() if value is not None}
        if self.image_kind != EMNIST:
            values["image_kind"] = dataclasses.asdict(self.image_kind)
        return values

    @property
    def label(self) -> str:
        """The variant in words: method, hyperparameter, other settings that are no defaults."""
        words, keys = METHODS[self.method].title, METHODS[self.method].keys
        shown = {name: key.words for name, key in keys.items() if key.words is not None}
        for key, text in shown.items():
            words += text.format(in_short(self.per_layer(key))).replace(" = ", EQUALS)
        if (filters := in_short(self.per_layer("filters"))) != str(Variant.filters):
            unit = "filters" if self.is_convolutional else "units"
            words += f", {filters}\N{NO-BREAK SPACE}{unit}"
        for key, value in self.specification().items():
            if key not in (*UNLABELLED, *shown) and value != getattr(Variant, key):
                words += f", {key.replace('_', ' ')} {value}"
        return words

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All operations in order; the last one computes the class scores."""
        images, filters = self.image_kind, self.per_layer("filters")
        features: tuple[int, ...] = (images.channels * images.size**2, *filters)
        if self.is_convolutional:
            width = HEAD_SIZE if self.head == "averaged" else self.sizes[-1]
            features = (filters[-1] * width**2,)
        pairs = itertools.pairwise((*features, images.classes))
        return (*itertools.chain(*self.layers), *(Linear(pair, self.bias) for pair in pairs))

    @cached_property
    def layers(self) -> tuple[tuple[Spatial, ...], ...]:
        """The convolution of each layer, and the operation of its method (paper, Section 3)."""
        if not self.is_convolutional:
            return ()
        method, layers = METHODS[self.method], []
        channels, width = self.image_kind.channels, self.image_kind.size
        for layer, filters in enumerate(self.per_layer("filters")):
            convolution = Convolution(
                (channels, filters), width, self.kernel_size, self.padding, bias=self.bias
            )
            self._check_size(convolution, layer, "kernel_size")
            operations: tuple[Spatial, ...] = (convolution,)
            if method.context:
                values = {key: self.per_layer(key)[layer] for key in method.keys}
                operations += (method.context(convolution, **values),)
                self._check_size(operations[-1], layer, next(iter(method.keys), "kernel_size"))
            layers.append(operations)
            channels, width = filters, operations[-1].size[1]
        return tuple(layers)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths of the image and of the features after each layer, in pixels."""
        return (self.image_kind.size, *(operations[-1].size[1] for operations in self.layers))

    @property
    def parameters(self) -> int:
        """Number of learnable parameters."""
        return sum(operation.parameters for operation in self.operations)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions and linear layers in the forward pass of one image."""
        return sum(operation.multiply_adds for operation in self.operations)

    @property
    def receptive_field(self) -> int:
        """Width of the input of one feature before the head, in pixels: it may exceed the image."""
        field, step = 1, 1
        for operation in itertools.chain(*self.layers):
            field += (operation.window - 1) * step
            step *= operation.stride
        return field if self.is_convolutional else self.image_kind.size

    @property
    def middle_feature(self) -> tuple[int, float]:
        """The feature before the head whose field is the nearest to the middle of the image.

        Its row and column, and those of the middle of its field; a half is between two pixels.
        """
        centre, step, middle = 0.0, 1, (self.image_kind.size - 1) / 2
        for operation in itertools.chain(*self.layers):
            centre += ((operation.window - 1) / 2 - operation.padding) * step
            step *= operation.stride
        index = min(range(self.sizes[-1]), key=lambda place: abs(centre + place * step - middle))
        return index, centre + index * step

    def _check_size(self, operation: Spatial, layer: int, blamed: str) -> None:
        if operation.size[1] < 1:
            raise VariantError(
                f"at layer {layer + 1} of {self.num_layers} a window of {operation.window} pixels "
                f"does not fit features of {operation.width} pixels with padding "
                f"{operation.padding}; make {blamed} smaller there, or its padding larger",
                *(blamed, "num_layers", *CONVOLUTION_KEYS, *METHODS[self.method].keys),
            )


def in_short(values: tuple[int, ...]) -> str:
    """Values in the paper's short form: `2→3`, `16→128`, or `i+2` where i is the depth."""
    if len(values) > 1 and all(value - values[0] == depth for depth, value in enumerate(values)):
        return f"i+{values[0]}"
    distinct = [str(value) for value, _ in itertools.groupby(values)]
    return "→".join(distinct if len(distinct) < 3 else (distinct[0], distinct[-1]))
