"""Methods of widening the context of features, from configuration to figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from convnets.architectures.operations import Spatial
from convnets.core.errors import UserError
from convnets.core.kinds import PerLayer


class VariantError(UserError):
    """Keys of a variant that do not fit together."""

    def __init__(self, problem: str, *keys: str) -> None:
        super().__init__(problem)
        self.problem, self.keys = problem, keys


@dataclass(frozen=True)
class Key:
    """A key of some methods."""

    kind: Any
    """Type of its value in one layer, for pydantic. Users set one value, or one per layer."""
    default: int | tuple[int, ...] | None
    """None: the key can be empty."""
    meaning: str
    """Documentation."""
    words: str | None = None
    """Text for its values `{}` in the labels of figures. None: only other values than `default`."""

    @property
    def annotation(self) -> Any:
        """Type and description of the key for pydantic."""
        kind: Any = PerLayer[self.kind]  # type: ignore[misc, name-defined]
        kind = kind | None if self.default is None else kind
        return Annotated[kind, Field(description=self.meaning)]


@dataclass(frozen=True)
class Method:
    """A method of widening the context of a layer's features, with its style in figures."""

    title: str
    """Name in prose."""
    colour: str
    """Colour in figures; the paper's methods have the colours of Okabe and Ito, which colour-blind
    readers can distinguish."""
    marker: str
    """A marker of Matplotlib, for greyscale."""
    context: Callable[..., Spatial] | None = None
    """Function of a layer's convolution and the values of `keys`, by name. It returns the operation
    that follows, with the same number of channels. None: no operation follows."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """Keys of its variants; the first one is its main hyperparameter."""
    is_convolutional: bool = True
    """Whether its layers begin with a convolution; else they are fully connected."""
