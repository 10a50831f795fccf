"""Fused kernels for processors: ReLU with the pooling beside it, in one pass over memory."""
