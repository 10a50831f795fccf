"""Networks of hand-written layers: every layer's gradient, every variant, and training."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from convnets.architectures.images import CLASSES
from convnets.architectures.variant import Variant
from convnets.config.checks import load_config
from convnets.config.settings import TrainingSettings
from convnets.core.errors import UserError
from convnets.data.dataset import load_dataset
from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.convolution_im2col import Im2colConvolution
from convnets.layers.convolution_views import ViewConvolution
from convnets.layers.layer import Flatten, FullyConnected, Layer, ReLU, RepeatTo2x2
from convnets.layers.learning import Adam, softmax_cross_entropy
from convnets.layers.network import build_network
from convnets.lesson.from_scratch import scaled
from convnets.training import network
from layer_checks import assert_gradients_are_differences, numerical_gradient, random

CONFIG_FILE = Path("config/config.yaml")
SMALL = Variant("small", "max_pool", num_layers=2, filters=(4, 8), head="flattened", bias=True)
SETTINGS = TrainingSettings(batch_size=20)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (FullyConnected(random(3, 4), random(3, seed=2)), (5, 4)),
        (FullyConnected(random(3, 4)), (1, 4)),
        (Flatten(), (2, 3, 4, 5)),
        (RepeatTo2x2(), (2, 3, 1, 1)),
        (ReLU(), (2, 3, 4, 5)),
    ],
)
def test_gradients_are_finite_differences(layer: Layer, shape: tuple[int, ...]) -> None:
    assert_gradients_are_differences(layer, random(*shape))


def test_fully_connected_worked_by_hand() -> None:
    layer = FullyConnected(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([100.0, 200, 300]))
    inputs = np.array([[1.0, 10]])
    assert layer.fprop(inputs).tolist() == [[121, 243, 365]]
    grads = np.array([[1.0, 0, -1]])
    assert layer.bprop(inputs, layer.fprop(inputs), grads).tolist() == [[-4, -4]]
    weight_grads, bias_grads = layer.grads_wrt_params(inputs, grads)
    assert weight_grads.tolist() == [[1, 10], [0, 0], [-1, -10]]
    assert bias_grads.tolist() == [1, 0, -1]


def test_inputs_of_another_width_are_an_error() -> None:
    with pytest.raises(UserError, match=r"shape \(2, 5\), expected \(batch, 4\)"):
        FullyConnected(random(3, 4)).fprop(random(2, 5))


def test_relu_passes_no_gradient_at_zero() -> None:
    inputs = np.array([-1.0, 0.0, 2.0])
    outputs = ReLU().fprop(inputs)
    assert outputs.tolist() == [0, 0, 2]
    assert ReLU().bprop(inputs, outputs, np.ones(3)).tolist() == [0, 0, 1]


def test_cross_entropy_of_equal_scores_is_the_logarithm_of_their_number() -> None:
    scores, labels = np.zeros((2, 47)), np.array([0, 46])
    error, grads = softmax_cross_entropy(scores, labels)
    assert error == pytest.approx(np.log(47))
    assert grads[0, :2] == pytest.approx([(1 / 47 - 1) / 2, 1 / 47 / 2])


@pytest.mark.parametrize("scale", [1, 1e4])
def test_cross_entropy_agrees_with_pytorch(scale: float) -> None:
    scores, labels = random(6, 47) * scale, np.arange(6) * 9
    tensor = torch.from_numpy(scores).requires_grad_()
    expected = cross_entropy(tensor, torch.from_numpy(labels))
    expected.backward()
    assert tensor.grad is not None
    error, grads = softmax_cross_entropy(scores, labels)
    assert error == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(grads, tensor.grad.numpy(), atol=1e-15)


def test_the_gradient_of_cross_entropy_is_its_differences() -> None:
    scores, labels = random(3, 5), np.array([0, 4, 2])
    _, grads = softmax_cross_entropy(scores, labels)
    expected = numerical_gradient(lambda: softmax_cross_entropy(scores, labels)[0], scores)
    np.testing.assert_allclose(grads, expected, atol=1e-9)


def variants_of_the_paper() -> list[Variant]:
    """All of them, with few filters."""
    config = load_config([CONFIG_FILE], {})
    return [
        dataclasses.replace(config.variant(id), filters=(2, 3, 4, 5), bias=index % 2 == 0)
        for index, id in enumerate(config.variant_ids)
    ]


@pytest.mark.parametrize("convolution", [Im2colConvolution, ViewConvolution])
@pytest.mark.parametrize("variant", variants_of_the_paper(), ids=lambda variant: variant.id)
def test_every_variant_by_hand_is_that_of_pytorch(
    variant: Variant, convolution: type[ConvolutionLayer]
) -> None:
    images = np.random.default_rng(0).uniform(0, 1, (3, 1, 28, 28))
    labels = np.array([0, 46, 7])
    theirs = network.build_network(variant, seed=0).double()
    weights = [weight.detach().numpy() for weight in theirs.parameters()]
    by_hand = build_network(variant, weights, convolution)
    error, grads = by_hand.error_and_grads(images, labels)
    loss = cross_entropy(theirs(torch.from_numpy(images)), torch.from_numpy(labels))
    loss.backward()
    assert error == pytest.approx(loss.item(), rel=1e-12)
    for grad, weight in zip(grads, theirs.parameters(), strict=True):
        assert weight.grad is not None
        np.testing.assert_allclose(grad, weight.grad.numpy(), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_losses_are_those_of_pytorch_for_200_steps(
    data: Path, dtype: torch.dtype, tolerance: float
) -> None:
    theirs = network.build_network(SMALL, seed=0).to(dtype)
    by_hand = build_network(SMALL, [weight.detach().numpy() for weight in theirs.parameters()])
    rate, decay = SETTINGS.learning_rate, SETTINGS.weight_decay
    adam = Adam(by_hand.params, rate, decay)
    their_adam = torch.optim.Adam(theirs.parameters(), rate, weight_decay=decay)
    part = load_dataset(data).part("train")
    losses = []
    for step in range(200):
        batch = np.arange(20 * step, 20 * step + 20) % len(part.labels)
        images = torch.from_numpy(scaled(part.images[batch])).to(dtype)
        labels = part.labels[batch]
        error, grads = by_hand.error_and_grads(images.numpy(), labels)
        adam.step(grads)
        their_adam.zero_grad()
        loss = cross_entropy(theirs(images), torch.from_numpy(labels).long())
        loss.backward()
        their_adam.step()
        losses.append((error, loss.item()))
    ours, expected = np.transpose(losses)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance)
    assert ours[-20:].mean() < ours[:20].mean() / 2


def test_both_trainings_are_recorded(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "from_scratch.csv"
    command = [sys.executable, "scripts/train_from_scratch.py", "--data", str(data)]
    command += ["--batch-size", "20", "--epochs", "10"]
    subprocess.run([*command, "--output", str(output)], check=True)
    records = pd.read_csv(output)
    assert records.groupby(["implementation", "measure"]).size().to_dict() == {
        ("by_hand", "test_accuracy"): 10,
        ("by_hand", "train_loss"): 10 * 19,
        ("pytorch", "test_accuracy"): 10,
        ("pytorch", "train_loss"): 10 * 19,
    }
    values = records.pivot(index=["measure", "epoch", "step"], columns="implementation")["value"]
    np.testing.assert_allclose(values["by_hand"], values["pytorch"], atol=0.01)
    accuracies = values.loc["test_accuracy", "by_hand"]
    assert accuracies.iloc[0] < accuracies.iloc[-1]
    assert accuracies.iloc[-1] > 5 / len(CLASSES)


def test_the_layers_need_numpy_alone() -> None:
    program = "import sys, convnets.layers.network; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": "scripts"})
