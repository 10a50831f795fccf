"""Measure the seconds per epoch of every variant, side by side, on an otherwise idle machine.

Writes one CSV file with a row per variant, after the last round.
"""

from functools import partial

from convnets.core.arguments import option_parser
from convnets.core.errors import UserError, explain_no_memory, run_script
from convnets.core.files import write_text
from convnets.core.interruption import Interruption
from convnets.data.dataset import load_dataset
from convnets.runs.metrics import FEWEST_ROUNDS
from convnets.runs.run_folder import RunFolder
from convnets.training.gpu import place_on_gpu
from convnets.training.runtimes import Parts, measure, plan_of, summarise
from convnets.training.trainer import to_device

ROUNDS = 9
SHORT_SECONDS = 300
"""If every run was trained in less time, there are only as many rounds as an interval needs: a
precise measurement would take longer than the training."""
log = partial(print, flush=True)


def main() -> None:
    parser = option_parser(__doc__, "data", "runs", output="the CSV file to write")
    text = f"rounds of measuring every variant ({ROUNDS}; {FEWEST_ROUNDS} after short trainings)"
    parser.add_argument("--rounds", type=int, help=text)
    arguments = parser.parse_args()
    if arguments.rounds is not None and arguments.rounds < FEWEST_ROUNDS:
        raise UserError(
            f"--rounds is {arguments.rounds}, expected {FEWEST_ROUNDS} or more, as a 95 % interval "
            "needs"
        )
    by_variant = {run.variant.id: run for run in map(RunFolder, reversed(arguments.runs))}
    runs = list(by_variant.values())[::-1]  # the first of each variant
    short = max(run.record["train_seconds"] for run in runs) < SHORT_SECONDS
    rounds = arguments.rounds or (FEWEST_ROUNDS if short else ROUNDS)
    for kind in {run.variant.image_kind for run in runs}:
        dataset = load_dataset(arguments.data, kind)
    devices = {plan_of(run).device for run in runs}
    gpu_or_cpu = "cuda" if "cuda" in devices else "cpu"
    remedy = "end other programs on this machine, or lower training.batch_size"
    with (
        Interruption() as interruption,
        explain_no_memory(remedy),
        # The whole GPU, even if several runs shared it in training, as in the paper.
        place_on_gpu(gpu_or_cpu, 1, interruption.check, log),
    ):
        parts: Parts = {
            device: tuple(to_device(dataset, part, device) for part in ("train", "validation"))
            for device in devices
        }
        blocks = measure(runs, parts, rounds, interruption.check, log)
        table = summarise(runs, blocks, parts)
    write_text(arguments.output, table.to_csv(index=False))
    log(table.filter(regex="^(variant|epoch_seconds.*|other_cpu_share)$").to_string(index=False))


if __name__ == "__main__":
    run_script(main)
