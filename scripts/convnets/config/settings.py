"""The settings of data and training: frozen values, one attribute a key of the configuration.

Plain dataclasses, so that the scripts need nothing but the standard library to read them.
The workflow validates the configuration into these same classes (`convnets.config.schema`) and
generates `config/README.md` from the docstrings below.
"""

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from convnets.architectures.images import EMNIST, ImageKind
from convnets.core.errors import UserError
from convnets.core.validation import STRICT

OFFICIAL_SHA256 = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
"""SHA-256 of the official archive: what has it, and nothing else, is EMNIST Balanced."""

OFFICIAL_TEST_IMAGES = 18_800
"""Images of the official EMNIST Balanced test file."""

MACHINE_FOLDER = "machine"
"""Measurements of this machine, beside the folders of the runs, which share them."""

Source = Literal["nist", "archive", "npz", "glyphs", "torchvision"]
TorchvisionName = Literal["KMNIST", "FashionMNIST", "CIFAR10"]
T = TypeVar("T")


IMAGE_KINDS: dict[TorchvisionName, ImageKind] = {
    "KMNIST": ImageKind(28, 1, 10),
    "FashionMNIST": ImageKind(28, 1, 10),
    "CIFAR10": ImageKind(32, 3, 10),
}
"""The data sets of torchvision that can be used."""


@dataclass(frozen=True)
class NistSettings:
    """The official EMNIST archive."""

    __pydantic_config__ = STRICT

    urls: tuple[str, ...] = ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",)
    """Addresses to try, in this order."""
    path: str = "resources/emnist/gzip.zip"
    """Where the archive is kept. Runs, users and clones can share one copy."""
    size: int = 561753746
    """Size of the archive in bytes."""
    sha256: str = OFFICIAL_SHA256
    """SHA-256 of the archive; a file with another is refused."""


@dataclass(frozen=True)
class ArchiveSettings:
    """A local zip in the official layout (`gzip/emnist-balanced-*`)."""

    __pydantic_config__ = STRICT

    path: str = "resources/emnist/emnist-balanced-style.zip"
    """The zip file."""
    sha256: str | None = None
    """Its expected SHA-256; not checked when empty."""


@dataclass(frozen=True)
class NpzSettings:
    """The course's split files `emnist-train.npz`, `emnist-valid.npz`, `emnist-test.npz`."""

    __pydantic_config__ = STRICT

    folder: str = "resources/emnist"
    """The folder that holds the three files (keys `inputs` and `targets`)."""


@dataclass(frozen=True)
class GlyphSettings:
    """Synthetic characters drawn from fonts, for trying things without a download."""

    __pydantic_config__ = STRICT

    train: int = 12000
    """Images in the training file that is made."""
    test: int = 3000
    """Images in the test file that is made."""


@dataclass(frozen=True)
class TorchvisionSettings:
    """A data set that torchvision knows; other than EMNIST, so not to be held against the paper."""

    __pydantic_config__ = STRICT

    name: TorchvisionName = "KMNIST"
    """KMNIST and FashionMNIST have 28x28 grey images, CIFAR10 has 32x32 in colour; ten classes
    each."""
    folder: str = "resources/torchvision"
    """Where torchvision keeps its files; what is not there is downloaded and checked."""


@dataclass(frozen=True)
class SplitSettings:
    """How many images train, validate and test (paper, Section 1)."""

    __pydantic_config__ = STRICT

    protocol: Literal["leftover", "train_file"] = "leftover"
    """`leftover`: train from the training file, test from the test file, validation from what
    is left of both, which gives the paper's sizes exactly. `train_file`: validation from the
    training file only. Split files (`npz`) are taken as they are."""
    train: int = 100000
    """Training images."""
    validation: int = 15800
    """Validation images."""
    test: int = 15800
    """Test images."""


@dataclass(frozen=True)
class DataSettings:
    """Where the images come from and how they are split."""

    __pydantic_config__ = STRICT

    source: Source = "nist"
    """`nist` downloads the official archive; `archive` reads a local zip in the same layout;
    `npz` reads the course's split files; `glyphs` makes synthetic characters; `torchvision` takes
    another data set."""
    seed: int = 0
    """Seed of the split, and of the glyphs. One split serves all training seeds."""
    split: SplitSettings = field(default_factory=SplitSettings)
    """Sizes and protocol of the split."""
    nist: NistSettings = field(default_factory=NistSettings)
    """Used by source `nist`."""
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    """Used by source `archive`."""
    npz: NpzSettings = field(default_factory=NpzSettings)
    """Used by source `npz`."""
    glyphs: GlyphSettings = field(default_factory=GlyphSettings)
    """Used by source `glyphs`."""
    torchvision: TorchvisionSettings = field(default_factory=TorchvisionSettings)
    """Used by source `torchvision`."""

    @property
    def image_kind(self) -> ImageKind:
        """What the images of the chosen source are like."""
        return IMAGE_KINDS[self.torchvision.name] if self.source == "torchvision" else EMNIST

    @property
    def local_files(self) -> list[str]:
        """The files of a source that reads files of the user's."""
        match self.source:
            case "archive":
                return [self.archive.path]
            case "npz":
                return [
                    f"{self.npz.folder}/emnist-{part}.npz" for part in ("train", "valid", "test")
                ]
            case _:
                return []

    def shaping(self) -> dict[str, Any]:
        """The settings that shape the arrays. Not where files are: their checksums tell more."""
        used: dict[str, Any] = {
            "source": self.source,
            "seed": self.seed,
            "split": {part: getattr(self.split, part) for part in ("train", "validation", "test")},
        }
        if self.source != "npz":
            used["split"]["protocol"] = self.split.protocol
        if self.source == "glyphs":
            used["glyphs"] = {"train": self.glyphs.train, "test": self.glyphs.test}
        if self.source == "torchvision":
            used["torchvision"] = {"name": self.torchvision.name}
        return used

    def used(self) -> dict[str, Any]:
        """The settings that matter to the chosen source, and none of the other sources'."""
        values = dataclasses.asdict(self)
        return {key: values[key] for key in ("source", "seed", "split", self.source)}


@dataclass(frozen=True)
class TrainingSettings:
    """The training procedure. Where the paper is silent, a reading (see the report)."""

    __pydantic_config__ = STRICT

    batch_size: int = 100
    """Images a step (paper, Section 1)."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Reading: the text says mini-batch SGD only; the course framework it matches uses Adam."""
    learning_rate: float = 1e-3
    """Reading: the course framework's."""
    weight_decay: float = 1e-5
    """Reading: the course framework's (L2, added to the gradient)."""
    patience: int | None = None
    """Early stopping: a run ends when its validation accuracy has not improved for this many
    epochs. Empty, as in the paper: every run trains for all `epochs`."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """`auto`: bfloat16 products with float32 weights where the processor has them, else
    float32. `float32` is the paper's arithmetic."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one."""
    threads: int = 1
    """Processor threads a run uses. One thread a run is fastest for a whole sweep."""


def from_json(cls: type[T], text: str) -> T:
    """The settings of class `cls` that `text`, a JSON object, describes."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{cls.__name__} in JSON: {error}, in {text!r}") from None
    return from_mapping(cls, values)


def from_mapping(cls: type[T], values: dict[str, Any]) -> T:
    """The (possibly nested) dataclass `cls` with `values`; lists become tuples."""
    hints = typing.get_type_hints(cls)
    unknown = sorted(values.keys() - hints.keys())
    if unknown:
        raise UserError(f"{cls.__name__} has no key {unknown[0]!r}; it knows {', '.join(hints)}")
    return cls(**{key: _convert(hints[key], value) for key, value in values.items()})


def to_json(settings: Any) -> str:
    """A dataclass or dictionary as compact JSON with sorted keys: equal settings, equal text."""
    values = settings if isinstance(settings, dict) else dataclasses.asdict(settings)
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def _convert(hint: Any, value: Any) -> Any:
    if isinstance(value, list):
        element = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else Any
        return tuple(_convert(element, item) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_mapping(typing.cast(type, hint), value)
    return value
