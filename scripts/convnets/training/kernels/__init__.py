"""Fused CPU kernels for ReLU and pooling, the head, the first layer and weight gradients."""
