"""Solutions of the exercises, with which their checks are checked."""

import numpy as np


def output_size(pixels: int, size: int, stride: int, padding: int, dilation: int) -> int:
    return (pixels + 2 * padding - dilation * (size - 1) - 1) // stride + 1


def same_padding(size: int, dilation: int) -> int:
    return dilation * (size - 1) // 2


def _met(features: np.ndarray, u: int, v: int, size: int, stride: int, dilation: int) -> np.ndarray:
    """What element (u, v) meets at all places: a view."""
    rows, columns = (output_size(n, size, stride, 0, dilation) for n in features.shape[2:])
    top, left = dilation * u, dilation * v
    bottom, right = top + stride * (rows - 1) + 1, left + stride * (columns - 1) + 1
    return features[:, :, top:bottom:stride, left:right:stride]


def im2col(features: np.ndarray, size: int, stride: int = 1, dilation: int = 1) -> np.ndarray:
    met = [_met(features, u, v, size, stride, dilation) for u, v in np.ndindex(size, size)]
    # (elements, images, channels, rows, columns), channels first
    return np.stack(met).transpose(2, 0, 1, 3, 4).reshape(features.shape[1] * size**2, -1)


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    size: int,
    stride: int = 1,
    dilation: int = 1,
) -> np.ndarray:
    features = np.zeros(shape)
    by_element = columns.reshape(shape[1], size * size, shape[0], -1)
    for element, (u, v) in enumerate(np.ndindex(size, size)):
        met = _met(features, u, v, size, stride, dilation)
        met += by_element[:, element].swapaxes(0, 1).reshape(met.shape)
    return features


class MyConvolution:
    def __init__(self, kernels: np.ndarray, bias: np.ndarray) -> None:
        self.kernels, self.bias = kernels, bias

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        number, _, size, _ = self.kernels.shape
        product = self.kernels.reshape(number, -1) @ im2col(inputs, size)
        rows, columns = (pixels - size + 1 for pixels in inputs.shape[2:])
        outputs = product + self.bias[:, np.newaxis]
        return outputs.reshape(number, -1, rows, columns).swapaxes(0, 1)

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        number, _, size, _ = self.kernels.shape
        grads = grads_wrt_outputs.swapaxes(0, 1).reshape(number, -1)
        return col2im(self.kernels.reshape(number, -1).T @ grads, inputs.shape, size)

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        number, _, size, _ = self.kernels.shape
        grads = grads_wrt_outputs.swapaxes(0, 1).reshape(number, -1)
        return [(grads @ im2col(inputs, size).T).reshape(self.kernels.shape), grads.sum(axis=1)]


class MyAveragePooling:
    def __init__(self, size: int, stride: int) -> None:
        self.size, self.stride = size, stride

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        elements = np.ndindex(self.size, self.size)
        met = [_met(inputs, u, v, self.size, self.stride, 1) for u, v in elements]
        return np.mean(met, axis=0)

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        grads = np.zeros(inputs.shape)
        for u, v in np.ndindex(self.size, self.size):
            met = _met(grads, u, v, self.size, self.stride, 1)
            met += grads_wrt_outputs / self.size**2
        return grads


class MyPointwiseConvolution:
    def __init__(self, kernels: np.ndarray) -> None:
        self.kernels = kernels

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        return np.einsum("oc,bchw->bohw", self.kernels[:, :, 0, 0], inputs)

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        return np.einsum("oc,bohw->bchw", self.kernels[:, :, 0, 0], grads_wrt_outputs)

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        grads = np.einsum("bohw,bchw->oc", grads_wrt_outputs, inputs)
        return [grads[:, :, np.newaxis, np.newaxis]]


class MyDepthwiseConvolution:
    def __init__(self, kernels: np.ndarray) -> None:
        self.kernels, self.size = kernels, kernels.shape[-1]

    def fprop(self, inputs: np.ndarray) -> np.ndarray:
        return sum(
            self.kernels[:, u, v, np.newaxis, np.newaxis] * _met(inputs, u, v, self.size, 1, 1)
            for u, v in np.ndindex(self.size, self.size)
        )

    def bprop(
        self, inputs: np.ndarray, outputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> np.ndarray:
        grads = np.zeros(inputs.shape)
        for u, v in np.ndindex(self.size, self.size):
            met = _met(grads, u, v, self.size, 1, 1)
            met += self.kernels[:, u, v, np.newaxis, np.newaxis] * grads_wrt_outputs
        return grads

    def grads_wrt_params(
        self, inputs: np.ndarray, grads_wrt_outputs: np.ndarray
    ) -> list[np.ndarray]:
        grads = np.zeros_like(self.kernels)
        for u, v in np.ndindex(self.size, self.size):
            met = _met(inputs, u, v, self.size, 1, 1)
            grads[:, u, v] = (met * grads_wrt_outputs).sum(axis=(0, 2, 3))
        return [grads]
