"""Class scores of the test images by the best checkpoint of a run (paper, Section 4)."""

import dataclasses
import importlib.util
from typing import Any

import numpy as np
import torch
from torch import Tensor

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, parse
from convnets.runs.run_folder import RECORD, RunFolder
from convnets.training import hardware
from convnets.training.checkpoints import load_checkpoint
from convnets.training.gpu import place_on_gpu
from convnets.training.network import build_network
from convnets.training.trainer import go_on, place, predict


def scores_of_weights(
    variant: Variant, weights: dict[str, Tensor], images: np.ndarray, plan: hardware.Plan
) -> np.ndarray:
    """Scores (images, classes), float32, of the network with `weights`."""
    network = place(build_network(variant, seed=0), plan)
    network.load_state_dict(weights)
    return predict(network, torch.from_numpy(images).to(plan.device), plan).cpu().numpy()


def scores_of_checkpoint(run: RunFolder, images: np.ndarray, runs_per_gpu: int) -> np.ndarray:
    """Scores (images, classes), float32, of the network in `best.pt` of `run`."""
    plan = recorded_plan(run.record, run.settings)
    with place_on_gpu(plan.device, runs_per_gpu, go_on, print):
        hardware.prepare(plan, run.settings.threads)
        return scores_of_weights(run.variant, load_checkpoint(run, plan.device), images, plan)


def recorded_plan(record: dict[str, Any], settings: TrainingSettings) -> hardware.Plan:
    """The plan with which the run was trained, on the device of this machine.

    Fused kernels are replaced by PyTorch's on a GPU or without Numba.
    """
    values = record | {"device": hardware.choose_device(settings)}
    plan = parse(hardware.Plan, values, f"{RECORD}: the plan of the run")
    fusible = plan.device == "cpu" and importlib.util.find_spec("numba")
    return plan if fusible else dataclasses.replace(plan, kernels="pytorch")
