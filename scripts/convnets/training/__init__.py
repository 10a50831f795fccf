"""Training: the network, its plan for the machine at hand, kernels, trainer and checkpoints."""
