"""Each thing done for speed, one at a time, gives what the plain loop gives.

The rungs lead from the plain loop (`benchmarks.reference`) to the Trainer: resident uint8
images, fused Adam, ReLU after max pooling, the head's fixed windows, channels last, bfloat16,
and at the end all of them together.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, max_pool2d, relu

from benchmarks.reference import Reference, plain_network, scaled
from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.training.hardware import Plan
from convnets.training.network import AverageTo2x2, build_network, class_scores, place
from convnets.training.trainer import Trainer, shuffled

METHODS = (
    "fully_connected",
    "no_pooling",
    "stride",
    "dilation",
    "max_pool",
    "avg_pool",
    "max_avg_pool",
)
SETTINGS = TrainingSettings(batch_size=20, learning_rate=0.01)
SEED = 3
FLOAT32 = Plan("cpu", "float32", channels_last=False, cuda_graph=False)
FLOAT32_CHANNELS_LAST = Plan("cpu", "float32", channels_last=True, cuda_graph=False)
BFLOAT16 = Plan("cpu", "bfloat16", channels_last=True, cuda_graph=False)
ROUNDING = 2e-5
"""Relative difference that another order of float32 sums may make in a single result."""
DRIFT = 1e-4
"""Relative difference of a loss to which such differences may grow in the steps of the test."""
BFLOAT16_DIFFERENCE, BFLOAT16_COSINE = 0.05, 0.999
"""What 8 significant bits in the products may change of a gradient: length and direction."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The order of sums must not depend on the machine's cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def variant(method: str) -> Variant:
    """A small network of a family."""
    return Variant(id=method, method=method, filters=8)


def bars(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Images whose class, 0 to 3, is where a bright bar stands: the loss falls when trained."""
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 4, number).astype(np.uint8)
    images = generator.integers(0, 60, (number, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 7 * label : 7 * label + 4] = 250
    return images, labels


IMAGES, LABELS = bars(400)
PART = torch.from_numpy(IMAGES), torch.from_numpy(LABELS).long()
STEPS = len(LABELS) // SETTINGS.batch_size


def plain_losses(method: str, seed: int = SEED, epoch: int = 1) -> np.ndarray:
    """Losses of the plain loop, step by step."""
    reference = Reference(variant(method), SETTINGS, seed)
    return np.array([loss for loss, _ in reference.train_epoch(scaled(IMAGES), LABELS, epoch)])


def batches(epoch: int = 1) -> tuple[Tensor, ...]:
    """Indices of the images of each step."""
    return shuffled(len(LABELS), SEED, epoch).split(SETTINGS.batch_size)


def relative(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference over the norm of what was expected."""
    return ((found - expected).norm() / expected.norm()).item()


def gradients(network: nn.Module, scores: Tensor, labels: Tensor) -> list[Tensor]:
    """Gradient of the loss by each of the network's weights."""
    return list(torch.autograd.grad(cross_entropy(scores, labels), list(network.parameters())))


@pytest.mark.parametrize("method", METHODS)
def test_images_scaled_on_the_device_are_the_same_bits(method: str) -> None:
    reference = Reference(variant(method), SETTINGS, SEED)
    expected = [loss for loss, _ in reference.train_epoch(scaled(IMAGES), LABELS, epoch=1)]

    network = plain_network(variant(method), SEED)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=SETTINGS.learning_rate, weight_decay=SETTINGS.weight_decay
    )
    images, labels = PART
    losses = torch.zeros(STEPS)
    for step, batch in enumerate(batches()):
        loss = cross_entropy(network(images[batch].unsqueeze(1).float().div_(255)), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[step] = loss.detach()

    assert losses.tolist() == expected
    for found, weights in zip(network.parameters(), reference.network.parameters(), strict=True):
        assert torch.equal(found, weights)


def test_fused_adam_is_plain_adam() -> None:
    generator = torch.Generator().manual_seed(SEED)
    start = torch.randn(1000, generator=generator)
    slopes = torch.randn(100, 1000, generator=generator)
    results = []
    for fused in (False, True):
        weights = nn.Parameter(start.clone())
        optimizer = torch.optim.Adam([weights], lr=1e-3, weight_decay=1e-5, fused=fused)
        for slope in slopes:
            weights.grad = slope.clone()
            optimizer.step()
        results.append(weights.detach())
    plain, fast = results
    assert relative(fast, plain) < 1e-6
    assert relative(start, plain) > 1e-3


WINDOWS = {
    "random": torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(0)),
    "ties": torch.randint(-2, 3, (4, 3, 12, 12), generator=torch.Generator().manual_seed(1)),
    "all negative": -torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(2)) - 0.1,
    "all zero": torch.zeros(4, 3, 12, 12),
}


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize(("window", "padding"), [(2, 0), (2, 1), (3, 1)])
def test_relu_after_max_pooling_is_relu_before(kind: str, window: int, padding: int) -> None:
    results = []
    for relu_first in (True, False):
        features = WINDOWS[kind].float().requires_grad_()
        if relu_first:
            pooled = max_pool2d(relu(features), window, padding=padding)
        else:
            pooled = relu(max_pool2d(features, window, padding=padding))
        weights = torch.arange(1, pooled.numel() + 1).view_as(pooled)
        (gradient,) = torch.autograd.grad((pooled * weights).sum(), features)
        results.append((pooled, gradient))
    (first_output, first_gradient), (output, gradient) = results
    assert torch.equal(output, first_output)
    assert torch.equal(gradient, first_gradient)


@pytest.mark.parametrize("method", ["max_pool", "avg_pool", "max_avg_pool"])
def test_only_max_pooling_comes_before_relu(method: str) -> None:
    names = [type(module).__name__ for module in build_network(variant(method), SEED)][:3]
    expected = {
        "max_pool": ["Conv2d", "PoolingLayer", "ReLU"],
        "avg_pool": ["Conv2d", "ReLU", "PoolingLayer"],
        "max_avg_pool": ["Conv2d", "ReLU", "PoolingLayer"],
    }
    assert names == expected[method]


@pytest.mark.parametrize("width", range(1, 29))
def test_fixed_windows_of_the_head_are_adaptive_pooling(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    values = torch.randn(2, 3, width, width, generator=generator, dtype=torch.float64)
    slope = torch.randn(2, 3, 2, 2, generator=generator, dtype=torch.float64)
    results = []
    for head in (AverageTo2x2(), lambda features: adaptive_avg_pool2d(features, 2)):
        features = values.clone().requires_grad_()
        output = head(features)
        results.append((output, *torch.autograd.grad(output, features, slope)))
    (output, gradient), (expected, expected_gradient) = results
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_channels_last_is_contiguous(method: str) -> None:
    x, labels = torch.from_numpy(scaled(IMAGES[:50])), PART[1][:50]
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        network = plain_network(variant(method), SEED)
        network.to(memory_format=layout)  # type: ignore[call-overload]
        scores = network(x.contiguous(memory_format=layout))
        results.append([scores, *gradients(network, scores, labels)])
    for contiguous, last in zip(*results, strict=True):
        assert relative(last, contiguous) < ROUNDING
    if method != "fully_connected":
        assert last_layout(network), "no weights were in channels-last order: nothing was compared"


def last_layout(network: nn.Module) -> bool:
    """Whether weights of several channels lie channel by channel within a pixel."""
    return any(
        weights.is_contiguous(memory_format=torch.channels_last) and not weights.is_contiguous()
        for weights in network.parameters()
        if weights.ndim == 4
    )


def gradient_of_batch(method: str, plan: Plan) -> Tensor:
    """All gradients of the first batch in a row, as the Trainer computes them."""
    network = place(build_network(variant(method), SEED), plan)
    images, labels = (tensor[:100] for tensor in PART)
    with plan.autocast():
        scores = class_scores(network, images)
    found = gradients(network, scores, labels)
    assert {gradient.dtype for gradient in found} == {torch.float32}
    return torch.cat([gradient.flatten() for gradient in found])


@pytest.mark.parametrize("method", METHODS)
def test_gradients_in_bfloat16_point_where_those_in_float32_do(method: str) -> None:
    expected = gradient_of_batch(method, FLOAT32)
    found = gradient_of_batch(method, BFLOAT16)
    assert 0 < relative(found, expected) < BFLOAT16_DIFFERENCE
    assert torch.cosine_similarity(found, expected, dim=0) > BFLOAT16_COSINE


@pytest.mark.parametrize("plan", [FLOAT32, BFLOAT16])
def test_weights_and_moments_stay_float32(plan: Plan) -> None:
    trainer = Trainer(variant("max_pool"), SETTINGS, SEED, plan, PART)
    train(trainer, epoch=1)
    tensors = [*trainer.network.parameters()]
    tensors += [value for state in trainer.optimizer.state.values() for value in state.values()]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


def train(trainer: Trainer, epoch: int) -> np.ndarray:
    """Losses of the Trainer, step by step."""
    trainer.begin_epoch(epoch)
    for step in range(STEPS):
        trainer.train_step(step)
    return trainer.losses.numpy()


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of the loss of a step, relative to it."""
    return float(np.abs(found / expected - 1).max())


@pytest.mark.parametrize("plan", [FLOAT32, FLOAT32_CHANNELS_LAST])
@pytest.mark.parametrize("method", METHODS)
def test_the_trainer_is_the_plain_loop(method: str, plan: Plan) -> None:
    reference = Reference(variant(method), SETTINGS, SEED)
    expected = np.array(reference.train_epoch(scaled(IMAGES), LABELS, epoch=1))
    trainer = Trainer(variant(method), SETTINGS, SEED, plan, PART)
    losses = train(trainer, epoch=1)
    assert difference(losses, expected[:, 0]) < DRIFT
    assert trainer.corrects.numpy() / SETTINGS.batch_size == pytest.approx(expected[:, 1])
    accuracy = reference.accuracy(scaled(IMAGES), LABELS)
    assert trainer.validate(PART)[1] == pytest.approx(accuracy)
    assert losses[-1] < 0.5 * losses[0], "little was learnt: any two runs would agree"


@pytest.mark.parametrize("method", METHODS)
def test_other_weights_or_another_order_are_told_apart(method: str) -> None:
    losses = train(Trainer(variant(method), SETTINGS, SEED, FLOAT32, PART), epoch=1)
    assert difference(losses, plain_losses(method)) < DRIFT
    assert difference(losses, plain_losses(method, seed=SEED + 1)) > 100 * DRIFT
    assert difference(losses, plain_losses(method, epoch=2)) > 100 * DRIFT
