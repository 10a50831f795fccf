"""Train one variant with one seed, or continue where an earlier attempt was interrupted."""

import argparse
import dataclasses
from functools import partial
from typing import Any

from convnets.architectures.variant import Variant
from convnets.config.settings import TrainingSettings, check_numbers, parse
from convnets.core import records
from convnets.core.arguments import option_parser
from convnets.core.errors import UserError, explain_no_memory, run_script
from convnets.core.files import atomic_write, remove_temporaries, run_lock
from convnets.core.interruption import Interruption
from convnets.core.kinds import PerGpu, Positive, Seed
from convnets.data.dataset import load_dataset
from convnets.data.folder import digest_of
from convnets.runs.identity import ARITHMETIC, changes, identity
from convnets.runs.progress import ProgressFile
from convnets.runs.run_folder import CHECKPOINT, HISTORY, RECORD, RunFolder, write_record
from convnets.training import hardware
from convnets.training.checkpoints import Checkpoints, TrainingState, to_bytes
from convnets.training.evaluation import leave_scores
from convnets.training.gpu import place_on_gpu
from convnets.training.trainer import Trainer, TrainingRun, scores_of_weights, to_device

log = partial(print, flush=True)


def main() -> None:
    names = ("data", "variant", "runs-per-gpu")
    parser = option_parser(__doc__, *names, output="folder of the run")
    parser.add_argument("--training", required=True, help="training settings, as a JSON object")
    parser.add_argument("--epochs", type=int, required=True, help="epochs to train for")
    parser.add_argument("--seed", type=int, required=True, help="seed of weights and order")
    arguments = parser.parse_args()
    check_numbers(arguments, epochs=Positive, seed=Seed, runs_per_gpu=PerGpu)
    variant = parse(Variant, arguments.variant, "--variant")
    settings = parse(TrainingSettings, arguments.training, "--training")
    remedy = f"run fewer runs side by side, or lower training.batch_size ({settings.batch_size})"
    with (
        Interruption() as interruption,
        run_lock(arguments.output),
        ProgressFile(arguments.output, arguments.epochs) as progress,
        explain_no_memory(remedy),
    ):
        remove_temporaries(arguments.output)
        plan = hardware.choose_plan(settings, variant)

        def wait(message: str) -> None:
            progress.update(state="waiting", reason=message)
            log(message)

        with place_on_gpu(plan.device, arguments.runs_per_gpu, interruption.check, wait):
            train_and_finish(arguments, variant, settings, plan, interruption, progress)


def train_and_finish(
    arguments: argparse.Namespace,
    variant: Variant,
    settings: TrainingSettings,
    plan: hardware.Plan,
    interruption: Interruption,
    progress: ProgressFile,
) -> None:
    """Train the run in the locked folder `arguments.output`, or check the finished one."""
    hardware.prepare(plan, settings.threads)
    attempt = {
        "started": records.now(),
        "device_name": hardware.describe(plan.device),
        "software": records.software(),
        "git_commit": records.git_commit(),
    }
    dataset = load_dataset(arguments.data, variant.image_kind)
    data = {
        "display_name": dataset.provenance["display_name"],
        "split": dataset.provenance["counts"]["split"],
        "digest": digest_of(arguments.data),
    }
    if (arguments.output / RECORD).exists():
        check_finished_run(arguments, variant, settings, data["digest"])
        return
    log(
        f"{attempt['started']} {variant.id}, seed {arguments.seed}: "
        f"{variant.parameters:,} parameters, "
        f"{data['display_name']}, {attempt['device_name']}, {plan.precision}"
    )
    own = identity(variant, arguments.seed, settings, data["digest"]) | dataclasses.asdict(plan)
    slots = Checkpoints(arguments.output, log)
    state = slots.resume(own, arguments.epochs, plan.device, settings.patience)
    plan = hardware.with_kernels(plan, state.belongs_to["kernels"])
    record: dict[str, Any] = {
        "variant": variant.specification(),
        "sizes": variant.sizes,
        "parameters": variant.parameters,
        "multiply_adds": variant.multiply_adds,
        "receptive_field": variant.receptive_field,
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "training": dataclasses.asdict(settings),
        "arithmetic": ARITHMETIC,
        "data": data,
        **dataclasses.asdict(plan),
    }
    progress.set_history(state.history)
    if state.last_epoch(arguments.epochs, settings.patience) is None:
        state.begin_attempt(attempt, log)
    train_part, validation_part = (
        to_device(dataset, part, plan.device) for part in ("train", "validation")
    )
    trainer = Trainer(variant, settings, arguments.seed, plan, train_part)
    interruption.check()

    def report(state: TrainingState) -> None:
        progress.set_history(state.history)
        log(state.epoch_line(arguments.epochs, settings.patience))

    run = TrainingRun(trainer, state, slots, interruption.check)
    run.train(validation_part, arguments.epochs, report)
    finish(state, record, slots)
    images = dataset.part("test").images
    scores = scores_of_weights(variant, state.best_network, images, plan)
    leave_scores(RunFolder(arguments.output), scores)


def finish(state: TrainingState, record: dict[str, Any], slots: Checkpoints) -> None:
    """Write the files of the finished run; if interrupted, the same command completes them."""
    folder, best = slots.folder, state.best
    state.finished = state.finished or records.now()
    state.write_history(folder / HISTORY)
    with atomic_write(folder / CHECKPOINT) as file:
        file.write(to_bytes({"epoch": best.epoch, "network": state.best_network}))
    epochs = len(state.history)
    early = epochs < record["epochs"]
    result = {
        "epochs_trained": epochs,
        "stopped": "early" if early else "finished",
        **{key: state.attempts[-1][key] for key in ("git_commit", "device_name", "software")},
        "started": state.attempts[0]["started"],
        "finished": state.finished,
        "attempts": state.attempts,
        "train_seconds": sum(row.epoch_seconds for row in state.history),
        "best_epoch": best.epoch,
        "best_val_accuracy": best.val_accuracy,
    }
    slots.finish(state)
    write_record(folder / RECORD, record | result, HISTORY, CHECKPOINT)
    if early:
        log(
            f"stopped early after epoch {epochs} of {record['epochs']}: no better validation "
            f"accuracy for {record['training']['patience']} epochs"
        )


def check_finished_run(
    arguments: argparse.Namespace, variant: Variant, settings: TrainingSettings, data: str
) -> None:
    """Log that there is nothing to do. Raises `UserError` if the finished run is another one."""
    run = RunFolder(arguments.output)
    found = changes(run, variant, arguments.seed, settings, arguments.epochs, data)
    if found:
        raise UserError(
            f"{run.path} contains a finished run with other settings, which stays as it is:"
            + "".join(f"\n  {change}" for change in found)
            + f"\nChoose another --output, or delete {run.path / RECORD} to replace the run"
        )
    run.checked(CHECKPOINT)
    log(f"{run.path} is finished already: nothing to do")


if __name__ == "__main__":
    run_script(main)
