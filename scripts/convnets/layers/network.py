"""A network of hand-written layers: error and gradients of a batch of images."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from convnets.architectures import avg_pool, max_avg_pool, max_pool
from convnets.architectures.operations import Convolution, Linear, Operation, Pooling
from convnets.architectures.variant import HEAD_SIZE, Variant
from convnets.core.errors import UserError
from convnets.layers.convolution import ConvolutionLayer
from convnets.layers.convolution_im2col import Im2colConvolution
from convnets.layers.layer import Array, Flatten, FullyConnected, Layer, ReLU, RepeatTo2x2
from convnets.layers.learning import softmax_cross_entropy
from convnets.layers.pooling import AveragePooling, MaxPlusAveragePooling, MaxPooling

POOLINGS: dict[Callable[..., Any], type[MaxPooling | AveragePooling]] = {
    max_pool.pool: MaxPooling,
    avg_pool.pool: AveragePooling,
    max_avg_pool.pool: MaxPlusAveragePooling,
}


class Network:
    """A sequence of layers, and the error of the last one's outputs."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers

    @property
    def params(self) -> list[Array]:
        """The parameters of all layers, first layer first."""
        return [param for layer in self.layers for param in layer.params]

    def fprop(self, images: Array) -> list[Array]:
        """The images and the outputs of each layer; the last ones are the class scores."""
        activations = [images]
        for layer in self.layers:
            activations.append(layer.fprop(activations[-1]))
        return activations

    def error_and_grads(self, images: Array, labels: Array) -> tuple[float, list[Array]]:
        """The error E of a batch, and its gradient with respect to each of `params`.

        Back-propagation: from the last layer to the first, each turns the gradient with respect
        to its outputs into those with respect to its parameters and inputs.
        """
        *activations, outputs = self.fprop(images)
        error, grads_wrt_outputs = softmax_cross_entropy(outputs, labels)
        grads: list[Array] = []
        for layer, inputs in zip(reversed(self.layers), reversed(activations), strict=True):
            grads = layer.grads_wrt_params(inputs, grads_wrt_outputs) + grads
            grads_wrt_outputs = layer.bprop(inputs, outputs, grads_wrt_outputs)
            outputs = inputs
        return error, grads


def build_network(
    variant: Variant,
    weights: Sequence[Array],
    convolution: type[ConvolutionLayer] = Im2colConvolution,
) -> Network:
    """The network of `variant`, with (copies of) these parameters in the order of `params`.

    It takes images (batch, channels, height, width), scaled to 0..1, to class scores (batch,
    classes).
    """
    remaining = iter([weight.copy() for weight in weights])
    *hidden, last = variant.operations
    layers: list[Layer] = [] if variant.is_convolutional else [Flatten()]
    for operation in hidden:
        layers.append(_layer(operation, remaining, convolution))
        if operation.relu:
            layers.append(ReLU())
    if variant.is_convolutional:
        layers += _head(variant)
    layers.append(_layer(last, remaining, convolution))
    return Network(layers)


def _layer(
    operation: Operation, remaining: Iterator[Array], convolution: type[ConvolutionLayer]
) -> Layer:
    """The layer of `operation`, which takes its parameters from `remaining`."""
    if isinstance(operation, Pooling) and operation.pool in POOLINGS:
        pooling = POOLINGS[operation.pool]
        return pooling(operation.window, operation.stride, operation.padding)
    if not isinstance(operation, Linear) and type(operation) is not Convolution:
        raise UserError("the method has no layer by hand: choose one of the paper's")
    weights = next(remaining)
    bias = next(remaining) if operation.bias else None
    if isinstance(operation, Linear):
        return FullyConnected(weights, bias)
    return convolution(weights, bias, operation.stride, operation.padding, operation.dilation)


def _head(variant: Variant) -> list[Layer]:
    """From the last feature maps to the inputs of the last layer."""
    width = variant.sizes[-1]
    if variant.head == "flattened" or width == HEAD_SIZE:
        return [Flatten()]
    if width == 1:
        return [RepeatTo2x2(), Flatten()]
    return [AveragePooling(size=(width + 1) // 2, stride=width // 2), Flatten()]
