"""Cost of convolutions by implementation, and of a network's layers by kind (paper, Section 2)."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_input, conv2d_weight

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings
from convnets.core.timing import Call, fastest, peak_of_numpy, peak_of_process
from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.convolution_fourier import FourierConvolution
from convnets.layers.convolution_im2col import Im2colConvolution, im2col
from convnets.layers.convolution_loops import LoopConvolution
from convnets.layers.convolution_views import ViewConvolution
from convnets.lesson.cases import PASSES, Case
from convnets.training.hardware import choose_plan
from convnets.training.network import build_network, place

Precision = Literal["float32", "float64"]

IMPLEMENTATIONS: dict[str, type[ConvolutionLayer]] = {
    "loops": LoopConvolution,
    "im2col": Im2colConvolution,
    "views": ViewConvolution,
    "fourier": FourierConvolution,
}
MOST_LOOP_PRODUCTS = 400_000
"""Loops are left out where they would take more products, and so many seconds."""
ENOUGH_SECONDS = 0.1
"""To measure each call for, so that the whole study takes about a minute."""
MATRIX_SIZE = 2048
"""Rows and columns of a large matrix."""
BATCH = 100
"""Images at once (paper, Section 1)."""
KINDS: dict[type[nn.Module], str] = {nn.Conv2d: "convolution", nn.Linear: "fully_connected"}
OTHER = "other"
"""Kind of a module by its class; `OTHER` is activation, pooling and the like."""
SETTINGS = TrainingSettings(precision="float32", device="cpu")
ENOUGH_SECONDS_A_LAYER = 0.02
"""To measure each layer for; one that takes longer is measured twice."""


def measure_convolutions(cases: list[Case]) -> Iterator[dict[str, Any]]:
    """The rows of convolutions.csv (docs/results.md), for one thread and float32."""
    machine = machine_rate()
    for case in cases:
        for (implementation, name), call in calls_of(case).items():
            peak = peak_of_process if implementation == "pytorch" else peak_of_numpy
            seconds = fastest(call, ENOUGH_SECONDS)
            yield {
                "implementation": implementation,
                **case._asdict(),
                "pass": name,
                "seconds": seconds,
                "peak_bytes": peak(call),
                "multiply_adds": case.multiply_adds,
                "rate": 2 * case.multiply_adds / seconds,
                "machine_rate": machine,
            }


def measure_duplication(cases: list[Case]) -> Iterator[dict[str, Any]]:
    """The rows of duplication.csv: the size of im2col's columns over that of the input."""
    for case in cases:
        features = np.zeros((case.batch, case.channels, case.size, case.size), np.float32)
        columns = im2col(case.window.pad(features), case.window)
        yield {
            **case._asdict(),
            "input_bytes": features.nbytes,
            "column_bytes": columns.nbytes,
            "duplication": columns.nbytes / features.nbytes,
            "theory": case.kernel**2 / case.stride**2,
        }


def measure_agreement(cases: list[Case]) -> Iterator[dict[str, Any]]:
    """The rows of agreement.csv: the largest difference of each implementation from PyTorch."""
    dtypes: tuple[Precision, ...] = ("float32", "float64")
    for case, dtype in itertools.product(cases, dtypes):
        calls = calls_of(case, dtype)
        references = {name: np.asarray(calls["pytorch", name]()) for name in PASSES}
        for implementation, name in calls:
            if implementation in IMPLEMENTATIONS:
                # The gradients with respect to parameters are a list, here of the weights' alone.
                found = np.asarray(calls[implementation, name]()).reshape(references[name].shape)
                difference = np.abs(found - references[name]).max()
                yield {
                    "implementation": implementation,
                    **case._asdict(),
                    "pass": name,
                    "dtype": dtype,
                    "difference": float(difference / np.abs(references[name]).max()),
                }


def measure_layer_times(variants: list[Variant]) -> Iterator[dict[str, Any]]:
    """The rows of layer_times.csv, for one processor, float32 and the memory layout of training.

    The paper quotes 89 % of a processor's time for AlexNet's convolutional and fully-connected
    layers.
    """
    for variant in variants:
        for name, by_kind in _seconds(variant).items():
            total = sum(by_kind.values())
            for kind, seconds in by_kind.items():
                row = {"variant": variant.id, "pass": name, "kind": kind, "seconds": seconds}
                yield row | {"share": seconds / total}


def machine_rate() -> float:
    """Floating-point operations a second of the fastest operation found.

    A large matrix product by NumPy or PyTorch, or a convolution by PyTorch: libraries have
    convolutions that beat their matrix products.
    """
    matrix = np.ones((MATRIX_SIZE, MATRIX_SIZE), np.float32)
    tensor = torch.from_numpy(matrix)
    features = torch.ones(20, 256, 14, 14).contiguous(memory_format=torch.channels_last)
    weights = torch.ones(256, 256, 3, 3).contiguous(memory_format=torch.channels_last)
    candidates: list[tuple[int, Call]] = [
        (MATRIX_SIZE**3, lambda: matrix @ matrix),
        (MATRIX_SIZE**3, lambda: tensor @ tensor),
        (features.numel() * 256 * 9, partial(conv2d, features, weights, padding=1)),
    ]
    return max(2 * products / fastest(call, 1.0) for products, call in candidates)


def calls_of(case: Case, dtype: Precision = "float32") -> dict[tuple[str, str], Call]:
    """The calls to measure, by implementation and pass."""
    rng, window = np.random.default_rng(0), case.window
    inputs = rng.standard_normal((case.batch, case.channels, case.size, case.size), dtype)
    weights = rng.standard_normal((case.channels, case.channels, case.kernel, case.kernel), dtype)
    layers = {
        name: implementation(weights, None, window.stride, window.padding)
        for name, implementation in IMPLEMENTATIONS.items()
        if name != "loops" or case.multiply_adds <= MOST_LOOP_PRODUCTS
    }
    outputs = layers["im2col"].fprop(inputs)
    grads = np.ascontiguousarray(outputs)
    calls: dict[str, tuple[Call, Call, Call]] = {
        name: (
            partial(layer.fprop, inputs),
            partial(layer.bprop, inputs, outputs, grads),
            partial(layer.grads_wrt_params, inputs, grads),
        )
        for name, layer in layers.items()
    }
    x, w, g = map(torch.from_numpy, (inputs, weights, grads))
    sliding = {"stride": window.stride, "padding": window.padding}
    calls["pytorch"] = (
        partial(conv2d, x, w, **sliding),
        partial(conv2d_input, x.shape, w, g, **sliding),
        partial(conv2d_weight, x, w.shape, g, **sliding),
    )
    columns, kernels = im2col(window.pad(inputs), window), weights.reshape(len(weights), -1)
    rows = np.ascontiguousarray(grads.transpose(1, 0, 2, 3)).reshape(len(weights), -1)
    calls["matrix_product"] = (
        lambda: kernels @ columns,
        lambda: kernels.T @ rows,
        lambda: rows @ columns.T,
    )
    return {
        (implementation, name): call
        for implementation, three in calls.items()
        for name, call in zip(PASSES, three, strict=True)
    }


def _seconds(variant: Variant) -> dict[str, dict[str, float]]:
    """Seconds for a batch by pass and kind of layer, each module measured by itself."""
    plan = replace(choose_plan(SETTINGS, variant), kernels="pytorch")  # a module for each layer
    network = place(build_network(variant, seed=0), plan)
    forward, backward = (dict.fromkeys((*KINDS.values(), OTHER), 0.0) for _ in range(2))
    images = variant.image_kind
    features = torch.rand(BATCH, images.channels, images.size, images.size)
    for module in network.children():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # or the second call would find other inputs than the first
        kind = next((kind for cls, kind in KINDS.items() if isinstance(module, cls)), OTHER)
        with torch.no_grad():
            forward[kind] += fastest(partial(module, features), ENOUGH_SECONDS_A_LAYER)
        outputs = module(features)
        wanted = [*module.parameters(), *([features] if features.requires_grad else [])]
        if wanted:  # images need no gradient
            grads = torch.rand_like(outputs)
            call = partial(torch.autograd.grad, outputs, wanted, grads, retain_graph=True)
            backward[kind] += fastest(call, ENOUGH_SECONDS_A_LAYER)
        features = outputs.detach().requires_grad_()
    return {"forward": forward, "backward": backward}
