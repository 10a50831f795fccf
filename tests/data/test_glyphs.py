"""Synthetic characters: right shapes, repeatable, all different, and learnable."""

import numpy as np
import pytest

from convnets.config.settings import GlyphSettings
from convnets.data.glyphs import FONTS, make_glyphs
from convnets.data.source import RawDataset


def glyphs(train: int, test: int, seed: int = 0) -> RawDataset:
    return make_glyphs(GlyphSettings(train, test), np.random.SeedSequence(seed))


@pytest.fixture(scope="module")
def source() -> RawDataset:
    return glyphs(47 * 12, 47 * 4)


def test_arrays_and_balance(source: RawDataset) -> None:
    for part, per_class in (("train", 12), ("test", 4)):
        images, labels = source.parts[part]
        assert images.shape == (47 * per_class, 28, 28) and images.dtype == np.uint8
        assert (np.bincount(labels, minlength=47) == per_class).all()
    assert not source.official
    assert len(source.files) == len(FONTS)


def test_images_are_prepared_as_emnist(source: RawDataset) -> None:
    images = source.parts["train"].images
    assert (images.max((1, 2)) == 255).all()
    border = np.ones((28, 28), bool)
    border[1:-1, 1:-1] = False
    assert images[:, border].mean() < 1
    ink = images > 25
    rows, columns = (ink.any(axis).sum(1) for axis in (2, 1))
    # The longer side fills the 24 pixels inside the border, give or take the resampling.
    assert np.isin(np.maximum(rows, columns), range(21, 27)).mean() > 0.99
    # EMNIST's own mean intensity is about 45 of 255.
    assert 30 < images.mean() < 70


def test_a_seed_gives_the_same_images_however_many_are_made(source: RawDataset) -> None:
    again = glyphs(47, 47)
    assert np.array_equal(again.parts["train"].images, source.parts["train"].images[:47])
    other = glyphs(47, 47, seed=1)
    assert not np.array_equal(other.parts["train"].images, again.parts["train"].images)


def test_no_image_occurs_twice(source: RawDataset) -> None:
    images = np.concatenate([part.images for part in source.parts.values()])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_classes_can_be_told_apart_but_not_by_their_means() -> None:
    """The nearest class mean is far better than chance, and far from right."""
    source = glyphs(47 * 30, 47 * 10)
    (images, labels), (test_images, test_labels) = source.parts.values()
    means = np.stack([images[labels == label].mean(0) for label in range(47)]).reshape(47, -1)
    flat = test_images.reshape(len(test_images), -1).astype(float)
    distances = ((flat[:, None] - means) ** 2).sum(-1)
    accuracy = (distances.argmin(1) == test_labels).mean()
    assert 0.2 < accuracy < 0.7
