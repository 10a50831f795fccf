"""The settings of data and training as frozen values, with an attribute for each key.

pydantic validates the configuration and the JSON arguments of scripts into these classes.
`config/README.md` and `config/schema.json` are generated from the docstrings below.
"""

import dataclasses
import json
from argparse import Namespace
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from convnets.architectures.images import EMNIST, ImageKind
from convnets.config.messages import lines_of
from convnets.core.errors import UserError, explain_damage
from convnets.core.kinds import PathText, Positive, Seed, Several, Sha256, Strict, Url, section

OFFICIAL_SHA256 = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
"""SHA-256 of the official archive, which alone is called EMNIST Balanced."""
OFFICIAL_TEST_IMAGES = 18_800
"""Images of the official EMNIST Balanced test file."""
MACHINE_FOLDER = "machine"
"""Folder of the measurements of this machine, which all sweeps share."""

Source = Literal["nist", "archive", "npz", "glyphs", "torchvision"]
TorchvisionName = Literal["KMNIST", "FashionMNIST", "CIFAR10"]
T = TypeVar("T")
IMAGE_KINDS: dict[TorchvisionName, ImageKind] = {
    "KMNIST": ImageKind(28, 1, 10),
    "FashionMNIST": ImageKind(28, 1, 10),
    "CIFAR10": ImageKind(32, 3, 10),
}
"""The images of each supported data set of torchvision."""


@dataclass(frozen=True)
class NistSettings(Strict):
    """The official EMNIST archive."""

    urls: Several[Url] = ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",)
    """Addresses to try, in this order."""
    path: PathText = "resources/emnist/gzip.zip"
    """Place of the archive. Runs, users and clones can share one copy."""
    size: Annotated[int, Field(gt=0)] = 561753746
    """Size of the archive in bytes."""
    sha256: Sha256 = OFFICIAL_SHA256
    """SHA-256 of the archive, which is checked."""


@dataclass(frozen=True)
class ArchiveSettings(Strict):
    """A local zip in the official layout (`gzip/emnist-balanced-*`)."""

    path: PathText = "resources/emnist/emnist-balanced-style.zip"
    """The zip file."""
    sha256: Sha256 | None = None
    """Its expected SHA-256; not checked when empty."""


@dataclass(frozen=True)
class NpzSettings(Strict):
    """The course's split files `emnist-train.npz`, `emnist-valid.npz`, `emnist-test.npz`."""

    folder: PathText = "resources/emnist"
    """Folder of the three files (keys `inputs` and `targets`)."""

    @property
    def files(self) -> list[str]:
        """The files of the training, validation and test images."""
        return [f"{self.folder}/emnist-{part}.npz" for part in ("train", "valid", "test")]


@dataclass(frozen=True)
class GlyphSettings(Strict):
    """Synthetic characters drawn from fonts, for trials without a download."""

    train: Positive = 12000
    """Images of the training file."""
    test: Positive = 3000
    """Images of the test file."""


@dataclass(frozen=True)
class TorchvisionSettings(Strict):
    """A data set of torchvision other than EMNIST, not to be compared with the paper."""

    name: TorchvisionName = "KMNIST"
    """KMNIST and FashionMNIST have 28x28 grey images, CIFAR10 has 32x32 in colour; ten classes
    each."""
    folder: PathText = "resources/torchvision"
    """Folder of torchvision's files; missing ones are downloaded and checked."""


@dataclass(frozen=True)
class SplitSettings(Strict):
    """Numbers of images for training, validation and testing (paper, Section 1)."""

    protocol: Literal["leftover", "train_file"] = "leftover"
    """`leftover`: training images are from the training file, test images from the test file, and
    validation images from the rest of both, which gives the paper's sizes exactly. `train_file`:
    validation images are from the training file only. Split files (`npz`) are used as they are."""
    train: Positive = 100000
    """Training images."""
    validation: Positive = 15800
    """Validation images."""
    test: Positive = 15800
    """Test images."""


@dataclass(frozen=True)
class DataSettings(Strict):
    """The source of the images, and their split."""

    source: Source = "nist"
    """`nist` downloads the official archive; `archive` reads a local zip in the same layout;
    `npz` reads the course's split files; `glyphs` draws synthetic characters; `torchvision` reads
    another data set."""
    seed: Seed = 0
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
        """The size, channels and classes of the images."""
        return IMAGE_KINDS[self.torchvision.name] if self.source == "torchvision" else EMNIST

    @property
    def available(self) -> tuple[int, int] | None:
        """Numbers of training and test images of the source, if known before it is read."""
        known = {
            "nist": (112_800, OFFICIAL_TEST_IMAGES),
            "glyphs": (self.glyphs.train, self.glyphs.test),
            "torchvision": (50_000 if self.torchvision.name == "CIFAR10" else 60_000, 10_000),
        }
        return known.get(self.source)

    @property
    def local_files(self) -> list[str]:
        """The local files that the source reads."""
        return {"archive": [self.archive.path], "npz": self.npz.files}.get(self.source, [])

    def shaping(self) -> dict[str, Any]:
        """The settings that determine the arrays, without paths: files have checksums."""
        used = {key: value for key, value in self.used().items() if key != self.source}
        if self.source == "npz":
            del used["split"]["protocol"]
        if self.source == "glyphs":
            used["glyphs"] = dataclasses.asdict(self.glyphs)
        if self.source == "torchvision":
            used["torchvision"] = {"name": self.torchvision.name}
        return used

    def used(self) -> dict[str, Any]:
        """The settings of the chosen source, without those of the other sources."""
        values = dataclasses.asdict(self)
        return {key: values[key] for key in ("source", "seed", "split", self.source)}


@dataclass(frozen=True)
class TrainingSettings(Strict):
    """The training procedure. Where the paper is silent, a reading (see the report)."""

    batch_size: Positive = 100
    """Images per step (paper, Section 1)."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Reading: the paper only says mini-batch SGD; the matching course framework uses Adam."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Reading: the course framework's."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5
    """Reading: the course framework's (L2, added to the gradient)."""
    patience: Positive | None = None
    """Early stopping: a run ends when its validation accuracy has not improved for this many
    epochs. Empty, as in the paper: every run trains for all `epochs`."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """`auto`: bfloat16 products with float32 weights if the hardware multiplies bfloat16, else
    float32. `float32` is the paper's arithmetic."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` uses a GPU if there is one."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Processor threads per run. One thread per run is fastest for a whole sweep."""


def parse(cls: type[T], values: str | dict[str, Any] | None, what: str) -> T:
    """The dataclass `cls` from an object or its JSON. Raises `UserError` with each wrong key."""
    text = values if isinstance(values, str) else json.dumps(values)
    try:
        value: T = _adapter(cls).validate_json(text)  # type: ignore[arg-type]
    except ValidationError as error:
        raise UserError("\n  ".join(f"{what}: {line}" for line in lines_of(error))) from None
    return value


def check_numbers(arguments: Namespace, **kinds: Any) -> None:
    """Raise `UserError` unless these arguments of a program have values of these types."""
    values = {key: getattr(arguments, key) for key in kinds}
    parse(section(**kinds), values, "command line")


def read_as(cls: Any, path: Path, remedy: str) -> dict[str, Any]:
    """The JSON object in a file, checked as a `cls`. Raises `UserError` with the remedy."""
    with explain_damage(path, "a JSON file", remedy):
        text = path.read_text(encoding="utf-8")
        try:
            _adapter(cls).validate_json(text)
        except ValidationError as error:
            raise ValueError("; ".join(islice(lines_of(error), 5))) from None
        values: dict[str, Any] = json.loads(text)
    return values


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def to_json(settings: Any) -> str:
    """A dataclass or dictionary as compact JSON with sorted keys: equal settings, equal text."""
    values = settings if isinstance(settings, dict) else dataclasses.asdict(settings)
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
