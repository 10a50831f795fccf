"""A real Slurm on this machine: three pretend nodes, pretend GPUs and an accounting database.

    python tests/slurm/cluster.py start FOLDER     as root, after
    python tests/slurm/cluster.py stop FOLDER      apt-get install slurm-wlm slurmdbd mariadb-server

Everything lives in FOLDER, except for links in /etc/slurm: Slurm's programs have to find their
configuration there, because Snakemake's job steps drop SLURM_CONF. A configuration that is
already there is left alone, and the start refused; but links and daemons of a test run that was
killed are removed first.
"""

import argparse
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

HERE = Path(__file__).parent
SYSTEM = Path("/etc/slurm")
FILES = ("slurm.conf", "gres.conf", "slurmdbd.conf")
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "mariadbd", "munged", "sbatch")
NODES = ("gpu1", "gpu2", "cpu1")
GPUS = 2
"""Pretend GPUs of each of gpu1 and gpu2."""
NULL_DEVICE = os.makedev(1, 3)
"""A pretend GPU is a second /dev/null: Slurm wants a character device."""


def missing() -> str:
    """Why no cluster can be started here; empty when one can."""
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "a cluster's nodes are started by root"
    found = {SYSTEM / name for name in FILES if os.path.lexists(SYSTEM / name)}
    foreign = sorted(map(str, found.difference(*(cluster.links() for cluster in abandoned()))))
    if foreign:
        return f"there is a configuration already: {', '.join(foreign)}"
    return ""


def abandoned() -> list["Cluster"]:
    """Clusters that links in /etc/slurm lead to, of tests that were killed."""
    links = [SYSTEM / name for name in FILES if (SYSTEM / name).is_symlink()]
    clusters = [Cluster(folder) for folder in {link.readlink().parent for link in links}]
    return [cluster for cluster in clusters if cluster.is_abandoned()]


class Cluster:
    """The daemons of a cluster in `folder`, each known by a name and the log that it writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._owner = FileLock(self.folder / "owner.lock", timeout=0, fallback_to_soft=False)

    def start_owned(self) -> None:
        """`start` a cluster that is abandoned when this process ends without `stop`."""
        self._owner.acquire()
        self.start()

    def is_abandoned(self) -> bool:
        """Whether the process that started the cluster died before it stopped the cluster.

        No process holds its lock then. A folder that is gone from where temporary folders are
        was one of pytest's.
        """
        if not self.folder.exists():
            return self.folder.is_relative_to(Path(tempfile.gettempdir()).resolve())
        if not (self.folder / "owner.lock").exists():  # started by hand, or none of ours
            return False
        try:
            self._owner.acquire()
        except Timeout:
            return False
        self._owner.release()
        return True

    def start(self) -> None:
        """Start all daemons and wait until the nodes are idle."""
        if reason := missing():
            raise RuntimeError(reason)
        for cluster in abandoned():
            cluster.stop()
        self._write_files()
        self._daemon("munge", *self._munge())
        self._wait("munge", (self.folder / "munge.socket").exists)
        self._start_database()
        self.start_accounting()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self._wait("the nodes", lambda: output("sinfo", "-hN", "-o", "%T").split() == ["idle"] * 3)

    def stop(self) -> None:
        """End all jobs and daemons, whatever is left of them, and take the links away."""
        for node in NODES:
            self.crash(node)
        for name in ("controller", "accounting", "database", "munge"):
            self.end(name, signal.SIGTERM)
        send(signal.SIGKILL, processes_with_open(self.folder / "log"))  # managers of ended jobs
        for link in self.links():
            link.unlink()
        self._owner.release()

    def links(self) -> list[Path]:
        """The links in /etc/slurm that lead here."""
        links = [SYSTEM / name for name in FILES if (SYSTEM / name).is_symlink()]
        return [link for link in links if link.readlink().parent == self.folder]

    def start_accounting(self) -> None:
        self._daemon("accounting", "slurmdbd", "-D")
        self._wait("accounting", lambda: succeeds("sacctmgr", "-n", "show", "cluster"))

    def start_controller(self) -> None:
        self._daemon("controller", "slurmctld", "-D")
        self._wait("the controller", lambda: succeeds("scontrol", "ping"))

    def start_node(self, node: str) -> None:
        self._daemon(node, "slurmd", "-D", "-N", node)

    def end(self, name: str, number: signal.Signals) -> None:
        """Send a daemon a signal, and wait for its end; one that is not there is fine."""
        log = self._log(name)
        send(number, processes_with_open(log))
        self._wait(f"the end of {name}", lambda: not processes_with_open(log))

    def crash(self, node: str) -> None:
        """Let a node die with all that runs on it, at once: none must tell of another's end."""
        self.end(node, signal.SIGKILL)
        processes = processes_of(node)
        send(signal.SIGSTOP, processes)
        send(signal.SIGKILL, processes)

    def _write_files(self) -> None:
        for name in ("log", "state", "dev", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(GPUS):
            device = self.folder / f"dev/gpu{number}"
            if not device.exists():
                os.mknod(device, 0o666 | stat.S_IFCHR, NULL_DEVICE)
        SYSTEM.mkdir(exist_ok=True)
        for name in FILES:
            text = (HERE / name).read_text().replace("@FOLDER@", str(self.folder))
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o600)  # slurmdbd insists
            (SYSTEM / name).symlink_to(self.folder / name)

    def _munge(self) -> list[str]:
        key = self.folder / "munge.key"
        if not key.exists():
            key.write_bytes(os.urandom(128))
            key.chmod(0o400)
        paths = {"key-file": key, "socket": self.folder / "munge.socket"} | {
            f"{kind}-file": self.folder / f"munge.{kind}" for kind in ("log", "pid", "seed")
        }
        return ["munged", "--foreground", "--force", *(f"--{k}={v}" for k, v in paths.items())]

    def _start_database(self) -> None:
        data = self.folder / "database"
        options = ("--no-defaults", "--user=root", f"--datadir={data}")
        if not data.exists():
            subprocess.run(["mariadb-install-db", *options], check=True, capture_output=True)
        socket = self.folder / "database.socket"
        self._daemon(
            "database",
            *("mariadbd", *options, f"--socket={socket}", "--port=16820"),
            *("--bind-address=127.0.0.1", "--skip-grant-tables", "--innodb-buffer-pool-size=64M"),
            *("--innodb-lock-wait-timeout=900", "--innodb-flush-log-at-trx-commit=0"),
        )
        self._wait("database", lambda: succeeds("mariadb-admin", f"--socket={socket}", "ping"))

    def _daemon(self, name: str, *command: str) -> None:
        with open(self._log(name), "ab") as log:
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _log(self, name: str) -> Path:
        return self.folder / f"log/{name}.out"

    def _wait(self, what: str, is_there: Callable[[], bool]) -> None:
        try:
            wait_for(what, is_there)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; see {self.folder}/log") from None


def wait_for(what: str, is_there: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def send(number: signal.Signals, processes: list[int]) -> None:
    """Send a signal to processes, of which some may have ended."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def processes_with_open(path: Path) -> list[int]:
    """Processes that have `path` open, or a file in it; it may have been deleted since."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            opened = [str(file.readlink()) for file in (process / "fd").iterdir()]
            if any(Path(name.removesuffix(" (deleted)")).is_relative_to(path) for name in opened):
                found.append(int(process.name))
    return found


def processes_of(node: str) -> list[int]:
    """The processes of the jobs on a node, as their environment tells, and their managers."""
    mark = f"SLURMD_NODENAME={node}\0".encode()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found |= {int(process.name), parent_of(process)}
    return [process for process in found if process != 1]


def parent_of(process: Path) -> int:
    """The parent, which is slurmstepd for the first process of a job's step."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    cluster = Cluster(arguments.folder)
    try:
        cluster.start() if arguments.action == "start" else cluster.stop()
    except (RuntimeError, TimeoutError) as error:
        if arguments.action == "start" and isinstance(error, TimeoutError):
            cluster.stop()
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
