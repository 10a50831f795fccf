"""Configurations to test: the paper's, with changes."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from convnets.config.checks import validate
from convnets.config.overlays import Layers
from convnets.config.schema import Config

BASE_FILE = Path("config/config.yaml")
BASE = yaml.safe_load(BASE_FILE.read_text())
Edit = Callable[[dict[str, Any]], object]


def edited(edit: Edit) -> dict[str, Any]:
    values = copy.deepcopy(BASE)
    edit(values)
    return values


def checked(*values: dict[str, Any]) -> Config:
    """The configuration of these files, the later over the earlier."""
    layers = Layers()
    for number, content in enumerate(values):
        layers.add(f"{number}.yaml", content)
    return validate(layers)
