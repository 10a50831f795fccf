"""Test the best checkpoint of a run on every test image."""

from pathlib import Path
from typing import Any

import numpy as np

from convnets.config.settings import check_numbers
from convnets.core.arguments import option_parser
from convnets.core.errors import UserError, run_script
from convnets.core.files import atomic_write
from convnets.core.kinds import PerGpu
from convnets.data.dataset import load_dataset
from convnets.data.folder import digest_of
from convnets.runs.run_folder import CHECKPOINT, PREDICTIONS, TEST, RunFolder, write_record
from convnets.training.evaluation import SCORES, left_scores, score


def main() -> None:
    parser = option_parser(__doc__, "data", "runs-per-gpu")
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    arguments = parser.parse_args()
    check_numbers(arguments, runs_per_gpu=PerGpu)
    run = RunFolder(arguments.run)
    run.checked(CHECKPOINT)
    dataset, trained_on = load_dataset(arguments.data), run.record.get("data", {})
    if digest_of(arguments.data) != trained_on.get("digest"):
        raise UserError(
            f"{run.path} was trained on other images than those in {arguments.data}: test it on "
            f"its own ({trained_on.get('display_name')}), so that no test image is a training image"
        )
    images, labels = dataset.part("test")
    scores = left_scores(run, (len(images), run.variant.image_kind.classes))
    if scores is None:
        from convnets.training.trainer import scores_of_checkpoint  # noqa: PLC0415, imports PyTorch

        scores = scores_of_checkpoint(run, images, arguments.runs_per_gpu)
    measures, prediction, confidence = score(scores, labels)
    (run.path / TEST).unlink(missing_ok=True)
    with atomic_write(run.path / PREDICTIONS) as file:
        index = dataset.split["test"].astype(np.int32)
        np.savez_compressed(
            file, index=index, label=labels, prediction=prediction, confidence=confidence
        )
    classes, accuracies = dataset.provenance["classes"], measures["per_class_accuracy"]
    report: dict[str, Any] = {
        "variant": run.variant.id,
        "seed": run.record["seed"],
        "epoch": run.record["best_epoch"],
        **measures,
        "per_class_accuracy": dict(zip(classes, accuracies, strict=True)),
        "data": dataset.provenance["display_name"],
    }
    official = (prediction == labels)[dataset.official_test]
    if len(official):
        report["official_test_images"] = len(official)
        report["official_test_accuracy"] = official.mean().item()
    write_record(run.path / TEST, report, PREDICTIONS, CHECKPOINT)
    (run.path / SCORES).unlink(missing_ok=True)
    print(
        f"{run.variant.id}, seed {report['seed']}: test accuracy {measures['test_accuracy']:.4f} "
        f"with the checkpoint of epoch {report['epoch']}, "
        f"{len(labels):,} images of {report['data']}"
    )


if __name__ == "__main__":
    run_script(main)
