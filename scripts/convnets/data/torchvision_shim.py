"""torchvision beside a PyTorch that it was not built for.

A registry's torchvision wheel is built for CUDA. Beside a CPU build of PyTorch its import
fails with "operator torchvision::nms does not exist": it decorates two compiled operators
that did not load. Declaring both, without code, lets the rest of torchvision work; nothing
here calls them.
"""

import importlib

import torch


def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "FRAGMENT")
    signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    for operator in ("nms", "qnms"):
        library.define(operator + signature)
    return library


try:
    datasets = importlib.import_module("torchvision.datasets")
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _LIBRARY = _declare_operators()  # The operators live as long as this object does.
    datasets = importlib.import_module("torchvision.datasets")


def balanced_classes() -> str:
    """torchvision's class list of EMNIST Balanced, in the order of the labels."""
    return "".join(datasets.EMNIST.classes_split_dict["balanced"])
