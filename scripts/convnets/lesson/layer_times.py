"""Shares of a network's time by kind of layer (paper, Section 2).

The paper quotes that AlexNet spends 89 % of the time of a processor, and 95 % of a GPU's, in
convolutional and fully-connected layers.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import nn

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
        for name, by_kind in _seconds(variant).items():
            for kind, seconds in by_kind.items():
                yield {
                    "variant": variant.id,
                    "pass": name,
                    "kind": kind,
                    "seconds": seconds,
                    "share": seconds / sum(by_kind.values()),
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
        kind = next((kind for cls, kind in KINDS.items() if isinstance(module, cls)), OTHER)
        with torch.no_grad():
            forward[kind] += fastest(partial(module, features), ENOUGH_SECONDS)
        outputs = module(features)
        wanted = [*module.parameters(), *([features] if features.requires_grad else [])]
        if wanted:  # images need no gradient
            grads = torch.rand_like(outputs)
            call = partial(torch.autograd.grad, outputs, wanted, grads, retain_graph=True)
            backward[kind] += fastest(call, ENOUGH_SECONDS)
        features = outputs.detach().requires_grad_()
    return {"forward": forward, "backward": backward}
