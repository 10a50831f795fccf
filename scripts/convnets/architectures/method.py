"""A method: how a layer widens the context of its features, from configuration to figures."""

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
    """A key that only some methods have."""

    kind: Any
    """Type of its value in a layer, which pydantic checks. Users give one value, or one a layer."""
    default: int | tuple[int, ...] | None
    """None: the key can be empty."""
    meaning: str
    """Documentation."""
    words: str | None = None
    """How labels in figures show its values, `{}`. None: only where they are not `default`."""

    @property
    def annotation(self) -> Any:
        """Type and description of the key for pydantic."""
        kind: Any = PerLayer[self.kind]  # type: ignore[misc, name-defined]
        kind = kind | None if self.default is None else kind
        return Annotated[kind, Field(description=self.meaning)]


@dataclass(frozen=True)
class Method:
    """How a layer widens the context of its features, and how that looks in figures."""

    title: str
    """Name in prose."""
    colour: str
    """In every figure; the paper's methods have the colours of Okabe and Ito, which colour-blind
    readers can distinguish."""
    marker: str
    """A marker of Matplotlib, for greyscale."""
    context: Callable[..., Spatial] | None = None
    """Returns the operation that follows the convolution of a layer, given that convolution and,
    by name, the values of `keys` in this layer; it keeps the number of channels. None: nothing
    follows."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """Keys of its variants; the first one is its main hyperparameter."""
    is_convolutional: bool = True
    """Whether its layers begin with a convolution, or are fully-connected."""
