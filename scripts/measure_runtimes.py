"""Measure the seconds an epoch of every variant takes, side by side, on an otherwise idle machine.

Writes one CSV file, a row per variant. Nothing is written before the last round ends.
"""

import argparse
from pathlib import Path

import torch

from convnets.core.arguments import option_parser
from convnets.core.errors import UserError, explain_no_memory, run_script
from convnets.core.files import write_text
from convnets.core.interruption import Interruption
from convnets.data.dataset import Dataset, load_dataset
from convnets.runs.rounds import FEWEST_ROUNDS
from convnets.runs.run_folder import RunFolder
from convnets.training.gpu import place_on_gpu
from convnets.training.runtimes import Parts, Subject, measure, summarise
from convnets.training.trainer import Part


def main() -> None:
    arguments = parse_arguments()
    if arguments.rounds < FEWEST_ROUNDS:
        raise UserError(
            f"--rounds is {arguments.rounds}, expected {FEWEST_ROUNDS} or more: fewer give no "
            "95 % interval"
        )
    subjects = read_subjects(arguments.runs)
    dataset = load_dataset(arguments.data)
    for variant in (subject.variant for subject in subjects):
        if variant.image_kind != dataset.image_kind:
            raise UserError(
                f"variant {variant.id} is for {variant.image_kind}, but {arguments.data} holds "
                f"{dataset.image_kind}: give the data that its run was trained on"
            )
    devices = {subject.plan.device for subject in subjects}
    gpu_or_cpu = "cuda" if "cuda" in devices else "cpu"
    remedy = "end other programs on this machine, or lower training.batch_size"
    with (
        Interruption() as interruption,
        explain_no_memory(remedy),
        # The whole GPU, even if several runs shared it in training: the paper's runs did not.
        place_on_gpu(gpu_or_cpu, 1, interruption.check, log),
    ):
        parts: Parts = {device: parts_on(device, dataset) for device in devices}
        blocks = measure(subjects, parts, arguments.rounds, interruption.check, log)
        table = summarise(subjects, blocks, parts)
    write_text(arguments.output, table.to_csv(index=False))
    log(table.filter(regex="^(variant|epoch_seconds.*|other_cpu_share)$").to_string(index=False))


def read_subjects(folders: list[Path]) -> list[Subject]:
    """The variants that were trained in `folders`, each as in the first of its runs."""
    subjects: dict[str, Subject] = {}
    for folder in folders:
        run = RunFolder(folder)
        seed, seconds = run.record["seed"], run.record["train_seconds"]
        subjects.setdefault(run.variant.id, Subject(run.variant, run.settings, seed, seconds))
    return list(subjects.values())


def parts_on(device: str, dataset: Dataset) -> tuple[Part, Part]:
    """The images that train and validate, with their labels, on the device."""
    train, validation = (
        (torch.from_numpy(images).to(device), torch.from_numpy(labels).long().to(device))
        for images, labels in map(dataset.part, ("train", "validation"))
    )
    return train, validation


def log(line: str) -> None:
    print(line, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = option_parser(__doc__, "data", "runs", output="the CSV file to write")
    text = "rounds, in each of which every variant of the runs is measured (9)"
    parser.add_argument("--rounds", type=int, default=9, help=text)
    return parser.parse_args()


if __name__ == "__main__":
    run_script(main)
