"""Synthetic characters: distorted glyphs of fonts that look handwritten, prepared like EMNIST.

They are for trials of the pipeline without a download. A glyph is stored as a distance field (the
depth of each pixel inside the stroke), so that one interpolation bends it and one addition makes
its stroke thinner or thicker.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from convnets.architectures.images import CLASSES, IMAGE_SIZE
from convnets.config.settings import GlyphSettings
from convnets.data.source import LabelledImages, RawDataset

FONTS = (
    *(f"DejaVuSans{style}.ttf" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *("DejaVuSansMono.ttf", "DejaVuSansMono-Oblique.ttf"),
    *("DejaVuSerif.ttf", "DejaVuSerif-Italic.ttf"),
    *("STIXGeneral.ttf", "STIXGeneralItalic.ttf", "STIXGeneralBolIta.ttf"),
    *("cmb10.ttf", "cmr10.ttf", "cmss10.ttf", "cmti10.ttf", "cmtt10.ttf"),
)
"""The fonts of matplotlib with all letters and digits."""
FONT_FOLDER = Path(matplotlib.get_data_path(), "fonts/ttf")
BOTH_CASES = "CIJKLMOPSUVWXYZ"
"""Classes of both the capital and the small letter."""

CANVAS = 64
"""Height and width in pixels on which a glyph is drawn and distorted."""
GLYPH = 40
"""The longer side of an undistorted glyph in pixels of the canvas."""
CONTROLS = 5
"""Number of control points of a random field in each direction."""
ROTATION, SHEAR, ASPECT = 0.20, 0.25, 0.20
"""Standard deviations: radians, tangent of the angle, logarithm of width over height."""
BEND = 1.5
"""Standard deviation of the displacement of a control point, in pixels of the canvas."""
THICKENING = (0.0, 2.5)
"""Range of the outward shift of a stroke's edges, in pixels of the canvas."""
PRESSURE = 0.5
"""Standard deviation of this shift along the stroke, large enough to break some strokes."""
BLUR = 1.0
"""Standard deviation of the blur in pixels of the canvas. EMNIST's is 1 pixel of a 128-pixel
field, of which the character fills a part; relative to the character, it is the same."""
BORDER = 2
"""Empty pixels on each side of an image, as in EMNIST."""
SPLINES = ndimage.zoom(np.eye(CONTROLS), (CANVAS / CONTROLS, 1), order=3)
"""Cubic spline of each control point at each pixel, (64, 5)."""


def make_glyphs(settings: GlyphSettings, seed: np.random.SeedSequence) -> RawDataset:
    """A training and a test file of characters, drawn independently, classes in turn."""
    train_seed, test_seed = seed.spawn(2)
    train, test = _draw_images(settings.train, train_seed), _draw_images(settings.test, test_seed)
    fonts = [FONT_FOLDER / name for name in FONTS]
    return RawDataset("Synthetic glyphs", {"train": train, "test": test}, fonts)


def _draw_images(count: int, seed: np.random.SeedSequence) -> LabelledImages:
    """`count` images; image i depends only on the seed and i."""
    labels = (np.arange(count) % len(CLASSES)).astype(np.uint8)
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for i, child in enumerate(seed.spawn(count)):
        images[i] = _draw_image(CLASSES[labels[i]], np.random.default_rng(child))
    return LabelledImages(images, labels)


def _draw_image(character: str, rng: np.random.Generator) -> np.ndarray:
    """One image of a class, uint8 (28, 28)."""
    if character in BOTH_CASES and rng.random() < 0.5:
        character = character.lower()
    field = _distance_field(FONTS[rng.integers(len(FONTS))], character)
    depth = ndimage.map_coordinates(field, _coordinates(rng), order=1, mode="nearest")
    depth += rng.uniform(*THICKENING) + _random_field(PRESSURE, rng)
    depth += max(0.0, 1.0 - depth.max())  # A thin stroke never vanishes.
    return _prepare_as_emnist(np.clip(depth + 0.5, 0, 1))


@cache
def _distance_field(font_name: str, character: str) -> np.ndarray:
    """Signed distance to the outline, positive inside, float32 (64, 64) pixels."""
    path = str(FONT_FOLDER / font_name)
    left, top, right, bottom = ImageFont.truetype(path, 100).getbbox(character)
    font = ImageFont.truetype(path, 100 * GLYPH / max(right - left, bottom - top))
    left, top, right, bottom = font.getbbox(character)
    image = Image.new("L", (CANVAS, CANVAS))
    corner = ((CANVAS - left - right) / 2, (CANVAS - top - bottom) / 2)
    ImageDraw.Draw(image).text(corner, character, fill=255, font=font)
    inside = np.asarray(image) > 127
    field = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return field.astype(np.float32)


def _coordinates(rng: np.random.Generator) -> np.ndarray:
    """Sampling positions of the pixels of the canvas, affine and bent, float (2, 64, 64)."""
    angle, shear, aspect = rng.normal(0, (ROTATION, SHEAR, ASPECT / 2))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = rotation @ np.array([[np.exp(aspect), 0], [shear, np.exp(-aspect)]])
    centre = (CANVAS - 1) / 2
    grid = np.indices((CANVAS, CANVAS)) - centre
    bend = np.stack([_random_field(BEND, rng), _random_field(BEND, rng)])
    return np.tensordot(matrix, grid, 1) + bend + centre


def _random_field(deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise, (64, 64): cubic splines through normal values at the control points."""
    return SPLINES @ rng.normal(0, deviation, (CONTROLS, CONTROLS)) @ SPLINES.T


def _prepare_as_emnist(ink: np.ndarray) -> np.ndarray:
    """Blur, crop, centre in a square with a border, downsample (Cohen et al., Section II).

    `ink` is float (64, 64) from 0 to 1; the result uint8 (28, 28) from 0 to 255.
    """
    ink = ndimage.gaussian_filter(ink, BLUR)
    rows, columns = (np.flatnonzero((ink > 0.1).any(axis)) for axis in (1, 0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = cropped.shape
    side = round(max(height, width) * IMAGE_SIZE / (IMAGE_SIZE - 2 * BORDER))
    square = np.zeros((side, side), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = cropped
    small = Image.fromarray(square).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    pixels = np.clip(np.asarray(small), 0, None)
    return np.rint(pixels * (255 / pixels.max())).astype(np.uint8)
