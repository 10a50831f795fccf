"""Kill trainings at random moments until KILLS are reached; each run must end with the same bits.

Every kill hits a process that runs scripts/train.py, at a moment drawn uniformly from its whole
life (loading, steps, writes, validation, finishing), by SIGKILL, SIGTERM or SIGINT. The run is
then completed by the same command, tested, and compared bit for bit with one that nobody
killed: history, checkpoint, final weights, optimiser and predictions.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import functools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

from real_runs import (
    ENDED_AT_ONCE,
    complete,
    finals,
    fork,
    prepare_data,
    save_every,
    training_arguments,
    wait,
)

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SAVE_SECONDS = (0.0, 0.02, 60.0)
"""Saved after each step, so that many kills hit a write; now and then; after epochs only."""
EXPECTED = {
    0: "done before",
    75: "saved and ended",
    ENDED_AT_ONCE: "ended at once",
    -signal.SIGTERM: "ended at once",
    -signal.SIGKILL: "killed",
}
"""How a process may end, by its exit status."""


def kill_and_complete(
    data: Path, run: Path, chance: random.Random, kills: int, longest: float
) -> list[int]:
    """Start a run `kills` times, end it within `longest` seconds each time, then complete it.

    Returns the exit status of each process that was ended: others were done before.
    """
    log, statuses = run.with_suffix(".log"), []
    for _ in range(kills):
        log.unlink(missing_ok=True)
        setup = functools.partial(save_every, chance.choice(SAVE_SECONDS))
        process = fork(training_arguments(data, run), log, setup)
        while not log.exists():
            time.sleep(0.001)
        process.join(chance.uniform(0, longest))
        if process.pid is not None and process.is_alive():
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(process.pid, chance.choices(SIGNALS, (2, 1, 1))[0])
        statuses.append(wait(process))
        assert statuses[-1] in EXPECTED, log.read_text()
    complete(data, run)
    return [status for status in statuses if status]


def one_run(data: Path, folder: Path, longest: float, seed: int) -> tuple[list[int], bool]:
    """Kill one run; return the exit statuses, and whether its finals are those of `undisturbed`."""
    run = folder / f"run_{seed}"
    statuses = kill_and_complete(data, run, random.Random(seed), 1, longest)
    equal = finals(run) == finals(folder / "undisturbed")
    if equal:
        shutil.rmtree(run)
    return statuses, equal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of moments and signals")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak_"))
    data = prepare_data(folder / "data")
    complete(data, folder / "undisturbed")
    start = time.monotonic()
    process = fork(training_arguments(data, folder / "timed"), folder / "timed.log")
    wait(process)
    longest = (time.monotonic() - start) * 1.5  # saving often takes longer

    endings: collections.Counter[str] = collections.Counter()
    equal_finals = different = runs = 0
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        while endings.total() < arguments.kills and not different:
            number = min(arguments.kills - endings.total(), 20)
            seeds = range(arguments.seed + runs, arguments.seed + runs + number)
            for statuses, equal in pool.map(
                functools.partial(one_run, data, folder, longest), seeds
            ):
                runs += 1
                endings.update(EXPECTED[status] for status in statuses)
                equal_finals += equal and bool(statuses)
                different += not equal
            print(f"{endings.total()} of {arguments.kills} kills, {runs} runs", flush=True)
    kinds = ", ".join(f"{number} {kind}" for kind, number in endings.most_common())
    print(
        f"{endings.total()} kills ({kinds}): {equal_finals} finals of killed runs bit-equal, "
        f"{different} different; {time.monotonic() - start:.0f} s"
    )
    if different:
        sys.exit(f"The runs that differ are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
