"""The workflow on a real Slurm: three nodes on this machine, pretend GPUs, and what goes wrong."""

import importlib.util
import itertools
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from workflow_tree import copy_of_the_tree, environment, snakemake

from convnets.core.files import LOCK
from real_runs import finals
from slurm.cluster import (
    GPUS,
    Cluster,
    missing,
    output,
    processes_with_open,
    succeeds,
    wait_for,
)

EPOCHS = 60
"""Of a run that lasts a few seconds: long enough to be caught and paused."""
CONFIGURATION = f"""
run_name: undisturbed
epochs: {EPOCHS}
seeds: [0, 1]
experiments: [mine]
data:
  source: glyphs
  glyphs: {{train: 470, test: 188}}
  split: {{train: 376, validation: 94, test: 188}}
architecture: {{filters: 8}}
training: {{device: cpu, batch_size: 20}} # the GPUs are pretended
tables:
  mine:
    title: Three runs
    header: [Method]
    columns: [test_accuracy]
    rows:
      - {{label: [stride], variants: [stride_2]}}
      - {{label: [max], variants: [max_pool_2]}}
      - {{label: [average], variants: [avg_pool_2]}}
"""
FORK = multiprocessing.get_context("fork")
VARIANTS = ("stride_2", "max_pool_2", "avg_pool_2")

if importlib.util.find_spec("snakemake_executor_plugin_slurm"):
    REASON = missing()
else:
    REASON = "snakemake-executor-plugin-slurm is not installed (make slurm)"
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.slurm,
    pytest.mark.skipif(bool(REASON), reason=REASON),
]


@dataclass(frozen=True)
class Place:
    """Where a run is being trained."""

    process: int
    job: str
    node: str
    gpu: str

    def pause(self) -> None:
        os.kill(self.process, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process, signal.SIGCONT)


class Sweep:
    """Snakemake with the Slurm profile, in the background, and the runs that it makes."""

    def __init__(self, clone: Path, name: str, target: str, *arguments: str) -> None:
        self.folder = clone / f"results/{name}/runs"
        self.log = clone / f"{name}.log"
        command = [
            *("setpriv", "--pdeathsig", "KILL"),  # killed tests leave none that submits more
            *(sys.executable, "-m", "snakemake", target),
            *("--profile", "workflow/profiles/slurm", "--profile", "tests/slurm/site"),
            *("--configfile", "slurm.yaml", "--config", f"run_name={name}", *arguments),
        ]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=clone, env=environment(), stdout=log, stderr=log
            )

    def train_log(self, name: str) -> str:
        file = self.folder / name / "train.log"
        return file.read_text() if file.exists() else ""

    def place(self, name: str) -> Place | None:
        """Where a run is trained now that has finished an epoch, by the process that locks it."""
        lines = self.train_log(name).splitlines()
        if not lines or not lines[-1].startswith("epoch"):
            return None
        try:
            process = json.loads((self.folder / name / LOCK).read_text())["pid"]
            variables = Path(f"/proc/{process}/environ").read_text().split("\0")
        except (OSError, ValueError):  # it has just ended
            return None
        found = dict(item.partition("=")[::2] for item in variables)
        job, node = found["SLURM_JOB_ID"], found["SLURMD_NODENAME"]
        return Place(process, job, node, gpu=found["CUDA_VISIBLE_DEVICES"])

    def catch(self, names: Set[str], number: int) -> dict[str, Place]:
        """Wait until so many of the runs are trained, and pause those in their first epochs."""
        caught: dict[str, Place] = {}

        def enough() -> bool:
            for name in names - caught.keys():
                if len(caught) < number and (place := self.place(name)):
                    place.pause()
                    caught[name] = place
            return len(caught) == number

        self.wait_for(f"{number} trainings", enough)
        return caught

    def __enter__(self) -> "Sweep":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        """Wait for something that Snakemake does; fail with its log if it ends or is too slow."""

        def there() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return is_there()

        try:
            wait_for(what, there)
        except TimeoutError as late:
            late.add_note(self.log.read_text())
            raise

    def wait(self) -> None:
        assert self.process.wait(600) == 0, self.log.read_text()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start_owned()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_of_the_tree(tmp_path_factory.mktemp("workflow") / "clone")
    (folder / "slurm.yaml").write_text(CONFIGURATION)
    return folder


@pytest.fixture(scope="module")
def undisturbed(clone: Path, cluster: Cluster) -> dict[str, dict[str, str]]:
    """What every run comes to without Slurm (whose programs Snakemake's plugin asks even so)."""
    done = snakemake(clone, "results/undisturbed/metrics.csv", "--configfile", "slurm.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    names = [f"{variant}/seed_{seed}" for variant in VARIANTS for seed in (0, 1)]
    return {name: finals(clone / f"results/undisturbed/runs/{name}") for name in names}


def state_of(job: str) -> str:
    return output("sacct", "-X", "-n", "-P", "-j", job, "--format=State").strip()


def gpus_of_jobs() -> list[str]:
    """How many GPUs each job in the GPU partition had."""
    resources = output("sacct", "-X", "-n", "-P", "-r", "gpu", "--format=AllocTRES")
    return re.findall("gres/gpu=([0-9]+)", resources)


def hold_cluster(folder: Path, started: Event) -> None:
    """Start a cluster and never stop it."""
    cluster = Cluster(folder)
    cluster.start_owned()
    started.set()
    signal.pause()


def test_the_cluster_of_killed_tests_is_removed(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    """The first test: later ones share a cluster, of which there is one at a time."""
    folder = tmp_path_factory.mktemp("killed")
    started = FORK.Event()
    tests = FORK.Process(target=hold_cluster, args=(folder, started), daemon=True)
    tests.start()
    assert started.wait(300)
    assert "a configuration already" in missing()
    tests.kill()
    tests.join()
    logs = list((folder / "log").glob("*.out"))
    assert len(logs) == 7
    assert all(processes_with_open(log) for log in logs)

    assert not missing()
    cluster = request.getfixturevalue("cluster")
    assert not any(processes_with_open(log) for log in logs)
    assert len(cluster.links()) == 3


def test_cancelled_timed_out_and_crashed_runs_end_with_the_same_bits(
    cluster: Cluster, clone: Path, undisturbed: dict[str, dict[str, str]]
) -> None:
    with Sweep(clone, "disturbed", "all") as sweep:
        places = sweep.catch(undisturbed.keys(), 2 * GPUS)
        assert {(place.node, place.gpu) for place in places.values()} == set(
            itertools.product(("gpu1", "gpu2"), "01")
        )
        cancelled, timed_out = (place for place in places.values() if place.node == "gpu1")
        crashed = [place for place in places.values() if place.node == "gpu2"]
        output("scontrol", "update", f"JobId={timed_out.job}", "TimeLimit=1")
        output("scancel", cancelled.job)
        cluster.crash("gpu2")
        wait_for("the warning", lambda: state_of(timed_out.job) == "FAILED")
        for place in crashed:
            wait_for("the loss of a job", lambda job=place.job: state_of(job) == "NODE_FAIL")
        cluster.start_node("gpu2")

        cluster.end("accounting", signal.SIGTERM)
        cluster.end("controller", signal.SIGTERM)
        cluster.start_controller()
        query = str(clone.joinpath("workflow", "slurm", "sacct"))
        sweep.wait_for("a query in vain", lambda: succeeds("pgrep", "-f", query))
        cluster.start_accounting()
        sweep.wait()

    assert (clone / "results/disturbed/report.html").stat().st_size
    assert state_of(cancelled.job).startswith("CANCELLED")
    for name in places:
        assert "\nresumed after " in sweep.train_log(name)
    for name, bits in undisturbed.items():
        assert finals(sweep.folder / name) == bits


def test_snakemake_killed_and_started_again_does_no_harm(
    cluster: Cluster, clone: Path, undisturbed: dict[str, dict[str, str]]
) -> None:
    with Sweep(clone, "killed", "results/killed/metrics.csv") as sweep:
        ((name, place),) = sweep.catch(undisturbed.keys(), 1).items()

    with Sweep(clone, "killed", "results/killed/metrics.csv") as sweep:
        sweep.wait_for("its second job", lambda: "is in use by process" in sweep.train_log(name))
        place.go_on()
        sweep.wait()
    for name, bits in undisturbed.items():
        assert finals(sweep.folder / name) == bits


def test_several_runs_in_one_job_take_its_gpu_one_after_the_other(
    cluster: Cluster, clone: Path, undisturbed: dict[str, dict[str, str]]
) -> None:
    names = {f"{variant}/seed_0" for variant in VARIANTS}
    jobs_before = len(gpus_of_jobs())
    with Sweep(
        clone, "grouped", "results/grouped/metrics.csv", "seeds=[0]", "--group-components", "run=3"
    ) as sweep:
        ((first, place),) = sweep.catch(names, 1).items()
        place.go_on()
        ((second, place),) = sweep.catch(names - {first}, 1).items()
        assert (sweep.folder / first / "run.json").exists()
        output("scancel", place.job)
        sweep.wait()
    assert gpus_of_jobs()[jobs_before:] == ["1", "1", "1"]  # the last measures runtimes
    assert "\nresumed after " in sweep.train_log(second)
    for name in names:
        assert finals(sweep.folder / name) == undisturbed[name]
