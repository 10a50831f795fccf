"""Labels that do not overlap, and colours that are legible."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnets.architectures.method import Method
from convnets.architectures.methods import METHODS
from convnets.exhibits.style import CONTRAST, contrast, spread_apart, text_colour


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9))
def test_labels_are_spread_apart(places: list[float]) -> None:
    found = spread_apart(places, 1.0, 0.0, 10.0)
    assert np.argsort(found).tolist() == np.argsort(places, kind="stable").tolist()
    assert (np.diff(np.sort(found)) >= 1 - 1e-9).all()
    assert found.min() >= -1e-9
    assert found.max() <= 10 + 1e-9
    if (np.diff(np.sort(places)) >= 1).all():
        np.testing.assert_allclose(found, places, atol=1e-9)


@pytest.mark.parametrize("method", METHODS.values())
def test_every_colour_can_be_text(method: Method) -> None:
    assert contrast(text_colour(method.colour), "white") >= CONTRAST
    assert contrast("black", "white") == pytest.approx(21)
