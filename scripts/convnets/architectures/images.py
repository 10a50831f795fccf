"""Images: their size, channels and classes."""

from dataclasses import dataclass

from convnets.core.kinds import Strict

IMAGE_SIZE = 28
"""Height and width of an image in pixels (paper, Section 1)."""
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
"""The 47 classes of EMNIST Balanced, in the order of their labels (paper, Section 1).

The letters C I J K L M O P S U V W X Y Z stand for both cases.
"""


@dataclass(frozen=True)
class ImageKind(Strict):
    """The size, channels and classes of images; the defaults are those of EMNIST Balanced."""

    size: int = IMAGE_SIZE
    """Height and width in pixels."""
    channels: int = 1
    """1 for grey, 3 for colour."""
    classes: int = len(CLASSES)
    """Number of classes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of an image: channels come first, and a single one has no axis."""
        sides = (self.size, self.size)
        return sides if self.channels == 1 else (self.channels, *sides)


EMNIST = ImageKind()
