"""Fused kernels for processors: ReLU with pooling, the head, the first layer, weight gradients."""
