"""Receptive fields: measured gradients, and the figure that they become."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from analysed_sweep import MAX_3, PLAIN, study_of
from convnets.analyses import receptive_fields
from convnets.analyses.receptive_fields import effective_width
from convnets.architectures.variant import Variant
from convnets.core.templates import texts
from convnets.training.network import build_network
from measure_receptive_fields import features_of, mean_gradient


def images(number: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (number, 28, 28), dtype=torch.uint8, generator=generator)


def convolution(dilation: int) -> nn.Conv2d:
    layer = nn.Conv2d(1, 2, 3, padding=dilation, dilation=dilation, bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([0.5, 1.5])[:, None, None, None]
    return layer


def test_the_gradient_of_a_convolution_is_its_kernel() -> None:
    gradient = mean_gradient(convolution(1), images(), 10)
    expected = np.zeros((28, 28))
    expected[9:12, 9:12] = 2.0  # of both channels together
    np.testing.assert_array_equal(gradient, expected)
    assert effective_width(gradient) == 3


def test_a_dilated_convolution_sees_nine_pixels() -> None:
    gradient = mean_gradient(convolution(4), images(), 13)
    rows, columns = np.nonzero(gradient)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (row, column) for row in (9, 13, 17) for column in (9, 13, 17)
    }
    assert effective_width(gradient) == 3  # as many pixels as without dilation


def test_the_gradients_of_colours_are_added_up() -> None:
    layer = nn.Conv2d(3, 1, 1, bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([1.0, -2.0, 3.0])[None, :, None, None]
    gradient = mean_gradient(layer, torch.ones(150, 3, 32, 32, dtype=torch.uint8), 5)
    assert gradient[5, 5] == pytest.approx(6)
    assert gradient.sum() == gradient[5, 5]


@pytest.mark.parametrize(
    "variant",
    [
        PLAIN,
        Variant("stride_2", "stride"),
        Variant("stride_3", "stride", stride=3),
        Variant("dilation_const2", "dilation", dilation=2),
        Variant("max_pool_2to3", "max_pool", pool_size=(2, 2, 3, 3)),
        Variant("avg_pool_3", "avg_pool", pool_size=3),
    ],
    ids=lambda variant: variant.id,
)
def test_no_gradient_leaves_the_theoretical_field(variant: Variant) -> None:
    layers = features_of(build_network(variant, seed=0))
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.abs_()  # nothing cancels, and no unit is silent
    feature, centre = variant.middle_feature
    gradient = mean_gradient(layers, images(), feature)
    reach = np.abs(np.arange(28) - centre) <= (variant.receptive_field - 1) / 2
    assert not gradient[~reach].any()
    assert not gradient[:, ~reach].any()
    if variant.method != "max_pool":  # the maxima of some windows lie elsewhere
        edge = np.flatnonzero(reach)[[0, -1]]
        assert gradient[edge].any(axis=1).all()


def test_the_middle_feature_is_the_nearest_to_the_middle_of_the_image() -> None:
    assert PLAIN.middle_feature[1] == 13
    # Strides move the first field's centre nowhere: fields of 2 features lie at 0 and 16.
    assert Variant("stride_2", "stride").middle_feature == (1, 16)


def test_effective_width_of_an_even_gradient() -> None:
    assert effective_width(np.ones((10, 10))) == pytest.approx(np.sqrt(95))


def test_a_clipped_receptive_field_has_dashed_edges(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "gradients.npz"
    np.savez(file, variants=[PLAIN.id, MAX_3.id], gradients=np.ones((2, 28, 28)), images=500)
    study = study_of(small)
    study.gradients = file
    _, drawing, values = receptive_fields.analyse(study)
    footnote = texts("analysis_receptive_fields", **values)["footnote"]
    assert "1 of 2 fields reach beyond the image of 28 pixels" in footnote
    inside, clipped = drawing.axes[:2]
    assert {line.get_linestyle() for line in inside.get_lines()} == {"-"}
    assert {line.get_linestyle() for line in clipped.get_lines()} == {"--"}
