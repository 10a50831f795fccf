"""All methods by name, in the order of legends and documentation (docs/your_own_layer.md)."""

from importlib import import_module

from convnets.architectures.method import Method

NAMES = (
    "fully_connected",
    "no_pooling",
    "stride",
    "dilation",
    "max_pool",
    "avg_pool",
    "max_avg_pool",
    "mix_pool",
)
"""Modules of this folder, each with a method: its description, and `METHOD`."""
MODULES = {name: import_module(f"convnets.architectures.{name}") for name in NAMES}
METHODS: dict[str, Method] = {name: module.METHOD for name, module in MODULES.items()}
