"""Shares of a network's time by kind of layer (paper, Section 2).

The paper quotes that AlexNet spends 89 % of the time of a processor, and 95 % of a GPU's, in
convolutional and fully-connected layers.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.timing import fastest
from convnets.training.hardware import choose_plan, with_kernels
from convnets.training.network import build_network
from convnets.training.trainer import place

BATCH = 100
"""Images at once (paper, Section 1)."""
KINDS: dict[type[nn.Module], str] = {nn.Conv2d: "convolution", nn.Linear: "fully_connected"}
OTHER = "other"
"""Kind of a module by its class; `OTHER` is activation, pooling and the like."""
SETTINGS = TrainingSettings(precision="float32", device="cpu")
ENOUGH_SECONDS = 0.02
"""Time to measure each module for; one that takes longer is measured twice."""


def measure_layer_times(variants: list[Variant]) -> Iterator[dict[str, Any]]:
    """One row for each of the variants, passes and kinds of layer.

    On one processor in float32, with the memory layout that training has there.

    Columns: `variant`, `pass` (`forward` or `backward`), `kind` (`KINDS` or `OTHER`),
    `seconds` for a batch, and `share` of the pass of the network. Loss and optimiser are not in
    it.
    """
    for variant in variants:
        for name, seconds in _seconds(variant).items():
            for kind in seconds:
                yield {
                    "variant": variant.id,
                    "pass": name,
                    "kind": kind,
                    "seconds": seconds[kind],
                    "share": seconds[kind] / sum(seconds.values()),
                }


def _seconds(variant: Variant) -> dict[str, dict[str, float]]:
    """Seconds for a batch by pass and kind of layer, each module measured by itself."""
    plan = with_kernels(choose_plan(SETTINGS, variant), "pytorch")  # a module for each layer
    network = place(build_network(variant, seed=0), plan)
    forward, backward = (dict.fromkeys((*KINDS.values(), OTHER), 0.0) for _ in range(2))
    images = variant.image_kind
    features = torch.rand(BATCH, images.channels, images.size, images.size)
    for module in network.children():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # or the second call would find other inputs than the first
        outputs = module(features)
        kind = _kind(module)
        forward[kind] += fastest(partial(_forward, module, features), ENOUGH_SECONDS)
        backward[kind] += _backward_seconds(module, features, outputs)
        features = outputs.detach().requires_grad_()
    return {"forward": forward, "backward": backward}


@torch.no_grad()
def _forward(module: nn.Module, features: Tensor) -> Tensor:
    return module(features)


def _backward_seconds(module: nn.Module, features: Tensor, outputs: Tensor) -> float:
    """Seconds of the gradients with respect to parameters and inputs; images need none."""
    wanted = [*module.parameters(), *([features] if features.requires_grad else [])]
    if not wanted:
        return 0.0
    grads = torch.rand_like(outputs)
    gradients = partial(torch.autograd.grad, outputs, wanted, grads, retain_graph=True)
    return fastest(gradients, ENOUGH_SECONDS)


def _kind(module: nn.Module) -> str:
    kinds = [name for type_, name in KINDS.items() if isinstance(module, type_)]
    return kinds[0] if kinds else OTHER
