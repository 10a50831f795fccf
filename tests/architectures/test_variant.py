"""Variants against hand-worked values and against the modules built from them."""

import ctypes
import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convnets.architectures import avg_pool, max_avg_pool, max_pool
from convnets.architectures.images import ImageKind
from convnets.architectures.methods import METHODS
from convnets.architectures.operations import Pooling
from convnets.architectures.pytorch import PoolingLayer
from convnets.architectures.variant import METHOD_KEYS, Variant
from convnets.config.checks import load_config
from convnets.config.schema import Config
from convnets.config.settings import parse, to_json
from convnets.core.errors import UserError
from convnets.training.hardware import Plan
from convnets.training.network import AverageTo2x2, build_network, class_scores, place

CONFIG_FILE = "config/config.yaml"
M_PERTURB = -6
"""Switch of glibc's `mallopt`."""


def paper() -> Config:
    return load_config([CONFIG_FILE], {})


PAPER = paper()
BFLOAT16 = Plan("cpu", "bfloat16", channels_last=True, cuda_graph=False)
FLOAT32 = Plan("cpu", "float32", channels_last=True, cuda_graph=False)
VARIANTS = [PAPER.variant(id) for id in PAPER.variant_ids]

SIZES = {
    "fully_connected": (28,),
    "no_pooling": (28, 28, 28, 28, 28),
    "stride_2": (28, 14, 7, 4, 2),
    "stride_3": (28, 10, 4, 2, 1),
    "stride_4": (28, 7, 2, 1, 1),
    "dilation_plus1": (28, 28, 26, 22, 16),
    "dilation_plus2": (28, 26, 22, 16, 8),
    "dilation_plus3": (28, 26, 22, 16, 4),
    "dilation_const2": (28, 26, 24, 22, 20),
    "max_pool_2": (28, 15, 8, 5, 3),
    "avg_pool_3": (28, 10, 4, 2, 1),
    "max_avg_pool_2to3": (28, 15, 8, 3, 1),
}

# One convolution from 1 channel: 9 x 64 weights; each further: 9 x 64 x 64; the last layer
# sees 64 channels of 2 x 2.
FIRST, FURTHER, LAST = 9 * 64, 9 * 64 * 64, 64 * 4 * 47
PARAMETERS = {
    "fully_connected": 784 * 64 + 3 * 64 * 64 + 64 * 47,
    "no_pooling": FIRST + 3 * FURTHER + LAST,
    "max_pool_2": FIRST + 3 * FURTHER + LAST,
    "stride_2": FIRST + 7 * FURTHER + LAST,
    "dilation_plus3": FIRST + 7 * FURTHER + LAST,
    "max_pool_2_f16": 9 * 16 + 3 * 9 * 16 * 16 + 16 * 4 * 47,
    "avg_pool_2_f16to128": 9 * (16 + 16 * 32 + 32 * 64 + 64 * 128) + 128 * 4 * 47,
}
MULTIPLY_ADDS = {
    "fully_connected": 784 * 64 + 3 * 64 * 64 + 64 * 47,
    "no_pooling": (FIRST + 3 * FURTHER) * 28**2 + LAST,
    "max_pool_2": FIRST * 28**2 + FURTHER * (15**2 + 8**2 + 5**2) + LAST,
    "stride_2": FIRST * 28**2 + FURTHER * (2 * 14**2 + 2 * 7**2 + 2 * 4**2 + 2**2) + LAST,
    "dilation_plus2": FIRST * 28**2 + FURTHER * (2 * 26**2 + 2 * 22**2 + 2 * 16**2 + 8**2) + LAST,
}
RECEPTIVE_FIELDS = {
    "no_pooling": 3 + 2 + 2 + 2,
    "max_pool_2": 1 + (2 + 1) + 2 * (2 + 1) + 4 * (2 + 1) + 8 * (2 + 1),
    "stride_2": 1 + 4 + 2 * 4 + 4 * 4 + 8 * 4,
    "dilation_plus2": 1 + (2 + 4) + (2 + 6) + (2 + 8) + (2 + 10),
    "dilation_const2": 1 + 4 * (2 + 4),
}


def test_the_paper_has_34_variants() -> None:
    assert len(VARIANTS) == 34
    assert len({str(variant.specification() | {"id": ""}) for variant in VARIANTS}) == 34


@pytest.mark.parametrize(("id", "sizes"), SIZES.items())
def test_sizes_are_those_worked_by_hand(id: str, sizes: tuple[int, ...]) -> None:
    assert PAPER.variant(id).sizes == sizes


@pytest.mark.parametrize(("id", "number"), PARAMETERS.items())
def test_parameters_are_those_worked_by_hand(id: str, number: int) -> None:
    assert PAPER.variant(id).parameters == number


@pytest.mark.parametrize(("id", "number"), MULTIPLY_ADDS.items())
def test_multiply_adds_are_those_worked_by_hand(id: str, number: int) -> None:
    assert PAPER.variant(id).multiply_adds == number


@pytest.mark.parametrize(("id", "number"), RECEPTIVE_FIELDS.items())
def test_receptive_fields_are_those_worked_by_hand(id: str, number: int) -> None:
    assert PAPER.variant(id).receptive_field == number


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)
@pytest.mark.parametrize("head", ["averaged", "flattened"])
@pytest.mark.parametrize("bias", [False, True])
def test_the_built_network_is_what_the_variant_says(
    variant: Variant, head: str, bias: bool
) -> None:
    variant = dataclasses.replace(variant, head=head, bias=bias)
    network = build_network(variant, seed=0)
    widths = [28]
    context_ends = nn.Conv2d if variant.method == "no_pooling" else _ends_layer(variant)
    for module in network:
        if isinstance(module, context_ends):
            module.register_forward_hook(lambda _, __, out: widths.append(out.shape[-1]))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        scores = class_scores(network, torch.zeros(1, 28, 28, dtype=torch.uint8))
    assert scores.shape == (1, 47)
    assert sum(weights.numel() for weights in network.parameters()) == variant.parameters
    assert counter.get_total_flops() == 2 * variant.multiply_adds
    if variant.is_convolutional:
        every = 2 if variant.method in ("stride", "dilation") else 1
        assert (28, *widths[every::every]) == variant.sizes


def _ends_layer(variant: Variant) -> type | tuple[type, ...]:
    if variant.method in ("stride", "dilation"):
        return nn.Conv2d
    return PoolingLayer


@pytest.mark.parametrize(
    "id",
    ["no_pooling", "stride_2", "stride_3", "dilation_plus2", "dilation_const2", "avg_pool_2to3"],
)
def test_the_receptive_field_is_what_a_gradient_reaches(id: str) -> None:
    variant = dataclasses.replace(PAPER.variant(id), filters=2)
    hidden = [m for m in build_network(variant, 0) if isinstance(m, nn.Conv2d | PoolingLayer)]
    network = nn.Sequential(*hidden).double()
    for weights in network.parameters():
        nn.init.ones_(weights)
    image = torch.ones(1, 1, 501, 501, dtype=torch.float64, requires_grad=True)
    features = network(image)
    middle = features.shape[-1] // 2
    features[0, 0, middle, middle].backward()
    assert image.grad is not None
    reached = image.grad[0, 0].ne(0).any(dim=0).sum().item()
    assert reached == variant.receptive_field


@pytest.mark.parametrize("width", range(1, 31))
def test_the_averaged_head_is_adaptive_average_pooling(width: int) -> None:
    features = torch.rand(2, 3, width, width, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(AverageTo2x2()(features), nn.AdaptiveAvgPool2d(2)(features))
    ours, theirs = (
        torch.autograd.grad(layer(features).square().sum(), features)[0]
        for layer in (AverageTo2x2(), nn.AdaptiveAvgPool2d(2))
    )
    torch.testing.assert_close(ours, theirs)


@pytest.fixture
def spoilt_memory() -> Iterator[None]:
    """Memory is full of huge numbers until it is written."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("only glibc can spoil memory")
    libc.mallopt(M_PERTURB, 0x01)  # allocated bytes are the complement: -1.7e38 in float32
    yield
    libc.mallopt(M_PERTURB, 0)


@pytest.mark.parametrize("plan", [BFLOAT16, FLOAT32], ids=lambda plan: plan.precision)
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)
def test_gradients_read_no_unwritten_memory(
    variant: Variant, plan: Plan, spoilt_memory: None
) -> None:
    network = place(build_network(variant, seed=0), plan)
    with plan.autocast():
        scores = class_scores(network, torch.full((4, 28, 28), 200, dtype=torch.uint8))
    scores.square().sum().backward()
    for weights in network.parameters():
        assert weights.grad is not None
        assert weights.grad.abs().max() < 1e3


def test_max_average_pooling_is_the_sum_of_both() -> None:
    features = torch.rand(1, 2, 9, 9)
    both = nn.MaxPool2d(3, 3, 1)(features) + nn.AvgPool2d(3, 3, 1)(features)
    torch.testing.assert_close(max_avg_pool.pool(features, 3, 3, 1), both)


def test_mixed_pooling_begins_halfway_and_learns_the_share_of_the_maximum() -> None:
    features = torch.rand(2, 3, 9, 9)
    pooling = Variant("a", "mix_pool", pool_size=3).operations[1]
    assert isinstance(pooling, Pooling)
    layer = pooling.module()
    maximum, average = (method.pool(features, 3, 3, 1) for method in (max_pool, avg_pool))
    torch.testing.assert_close(layer(features), (maximum + average) / 2)
    layer(features).sum().backward()
    # The sigmoid's slope is 1/4 where it is 1/2.
    torch.testing.assert_close(layer.mixture.grad, (maximum - average).sum() / 4)
    with torch.no_grad():
        layer.mixture.fill_(20.0)
    torch.testing.assert_close(layer(features), maximum)


def test_each_mixed_pooling_adds_one_parameter() -> None:
    mixed, plain = (Variant("a", method) for method in ("mix_pool", "max_pool"))
    assert mixed.parameters == plain.parameters + 4
    assert sum(p.numel() for p in build_network(mixed, 0).parameters()) == mixed.parameters


@pytest.mark.parametrize("method", ["max_pool", "avg_pool", "max_avg_pool", "mix_pool"])
def test_pooling_windows_may_overlap(method: str) -> None:
    variant = Variant("a", method, pool_size=3, pool_stride=2)
    assert variant.sizes == (28, 14, 7, 4, 2)
    # Two layers: a convolution widens by 2 steps, a window by 2; steps of 1, then of 2 pixels.
    assert Variant("a", method, num_layers=2, pool_size=3, pool_stride=2).receptive_field == 13
    features = torch.rand(1, 1, 28, 28)
    hidden = build_network(variant, 0)[:3](features)
    assert hidden.shape == (1, 64, 14, 14)
    assert variant.specification()["pool_stride"] == 2


def test_windows_side_by_side_need_no_stride() -> None:
    assert "pool_stride" not in Variant("a", "max_pool").specification()
    pools = Variant("a", "max_pool", pool_size=(2, 2, 3, 3)).operations[1:8:2]
    assert [pool.stride for pool in pools if isinstance(pool, Pooling)] == [2, 2, 3, 3]


def test_other_images_change_the_ends_of_a_network() -> None:
    colour = ImageKind(size=32, channels=3, classes=10)
    variant = Variant("a", "max_pool", image_kind=colour)
    assert variant.sizes == (32, 17, 9, 5, 3)
    assert variant.parameters == 9 * 3 * 64 + 3 * 9 * 64 * 64 + 64 * 4 * 10
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    assert class_scores(build_network(variant, 0), images).shape == (2, 10)
    flat = Variant("a", "fully_connected", image_kind=colour)
    assert class_scores(build_network(flat, 0), images).shape == (2, 10)
    assert variant.specification()["image_kind"] == {"size": 32, "channels": 3, "classes": 10}
    assert parse(Variant, to_json(variant.specification()), "it") == variant
    assert "image_kind" not in Variant("a", "max_pool").specification()


def test_weights_follow_from_the_seed_alone() -> None:
    variant = PAPER.variant("max_pool_2")
    torch.manual_seed(1)
    first = build_network(variant, seed=7).state_dict()
    torch.manual_seed(2)
    second = build_network(variant, seed=7).state_dict()
    other = build_network(variant, seed=8).state_dict()
    for name, weights in first.items():
        assert torch.equal(weights, second[name])
        assert not torch.equal(weights, other[name])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "dilation", "dilation": (3, 4, 5, 9)}, "layer 4 of 4.*make dilation smaller"),
        ({"method": "max_pool", "pool_size": (2, 3)}, "pool_size has 2 values, expected one or 4"),
        ({"method": "stride", "stride": 0}, "mine: stride is 0: expected 1 or more"),
        ({"method": "max_pool", "pool_padding": 2}, "pool_padding .* at most half"),
        (
            {"method": "no_pooling", "filters": (8, 8, 0, 8)},
            "mine: filters.2 is 0: expected 1 or more",
        ),
        ({"method": "no_pooling", "num_layers": 0}, "num_layers is 0"),
        ({"method": "max"}, "method is 'max': expected 'fully_connected', 'no_pooling', 'str"),
    ],
)
def test_impossible_variants_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(Variant, values | {"id": "a"}, "mine")


def test_methods_with_a_common_key_mean_the_same() -> None:
    own = Variant.__annotations__.keys()
    for method in METHODS.values():
        assert not own & method.keys.keys()
        assert all(METHOD_KEYS[name] is key for name, key in method.keys.items())


def test_keys_of_other_methods_do_not_change_a_specification() -> None:
    variant = PAPER.variant("max_pool_2")
    assert dataclasses.replace(variant, stride=3).specification() == variant.specification()
    assert dataclasses.replace(variant, pool_size=3).specification() != variant.specification()
