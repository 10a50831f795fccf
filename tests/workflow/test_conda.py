"""The workflow with `--use-conda`: environments from a local channel, made and used for real.

The program is a conda that is installed, else a stand-in (tests/conda/). Of the environment
files only the channel and the version of Python are replaced.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from test_environments import RULES, pins
from workflow_tree import copy_of_the_tree

from convnets.core.files import file_digest
from emnist_archive import members, write_zip

TOOLS = Path(__file__).parents[1] / "conda"
ENVIRONMENTS = ("training", "analysis")
POISONED = {"torch": "training", "papermill": "analysis"}
"""Packages that scripts import and Snakemake does not, and the environment that has them."""
RESULTS = Path("results/tiny")

pytestmark = [
    pytest.mark.conda,
    pytest.mark.skipif(sys.platform != "linux", reason="the local channel is made on Linux only"),
]


@dataclass
class Site:
    """A copy of the tree in which the workflow ran with conda."""

    clone: Path
    variables: dict[str, str]
    output: str = ""

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.clone,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        files = ["--configfile", "tiny.yaml", "archive.yaml"]
        return self.run(sys.executable, "-m", "snakemake", "--cores", "2", *files, *arguments)

    def prefix(self, environment: str) -> Path:
        """Where Snakemake created the environment from its file."""
        content = (self.clone / f"envs/{environment}.yaml").read_text()
        copies = (self.clone / ".snakemake/conda").glob("*.yaml")
        (created,) = [copy for copy in copies if copy.read_text() == content]
        return created.with_suffix("")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that goes with its environments, which are large; pytest removes a killed test's."""
    folder = tmp_path_factory.mktemp("conda")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def tools(scratch: Path) -> Path:
    """A Python with what the channel and the stand-in need."""
    subprocess.run([sys.executable, "-m", "venv", scratch / "tools"], check=True)
    python = scratch / "tools/bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "-r", TOOLS / "requirements.txt"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"tests/conda/requirements.txt cannot be installed: {done.stderr}")
    return python


@pytest.fixture(scope="module")
def channel(scratch: Path, tools: Path) -> str:
    """The address of a channel with this Python and pip."""
    subprocess.run([tools, TOOLS / "local_channel.py", scratch / "channel"], check=True)
    return (scratch / "channel").as_uri()


@pytest.fixture(scope="module")
def conda(scratch: Path, tools: Path) -> Path:
    """The folder of the `conda` program."""
    program = os.environ.get("CONDA_EXE") or shutil.which("conda")
    if program and new_enough(program):
        return Path(program).parent
    stand_in = f'exec "{tools}" "{TOOLS / "stand_in.py"}" "$@"'
    return write_program(scratch / "conda/conda", stand_in).parent


def new_enough(conda: str) -> bool:
    """Whether Snakemake takes this conda."""
    version = subprocess.run([conda, "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"\d+", version.stdout))) >= (24, 7, 1)


def write_program(file: Path, command: str) -> Path:
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\n{command}\n")
    file.chmod(0o755)
    return file


@pytest.fixture(scope="module")
def poison(scratch: Path) -> dict[str, str]:
    """Environment variables of a user with packages elsewhere, which look right but do not work."""
    base = scratch / "user"
    packages = base / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    for name, environment in POISONED.items():
        (pin,) = [pin for pin in pins(environment) if pin.startswith(f"{name}==")]
        version = pin.split("==")[1]
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text('raise ImportError("poison")\n')
        described = packages / f"{name}-{version}.dist-info"
        described.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (described / "METADATA").write_text(metadata)
    return {"PYTHONPATH": str(packages), "PYTHONUSERBASE": str(base)}


@pytest.fixture(scope="module")
def site(scratch: Path, channel: str, conda: Path, poison: dict[str, str]) -> Site:
    clone = copy_of_the_tree(scratch / "clone")
    for environment in ENVIRONMENTS:
        point_to(clone / f"envs/{environment}.yaml", channel)
    write_configuration(clone)
    not_conda = write_program(scratch / "other/python", "echo the wrong python >&2; exit 1")
    path = os.pathsep.join([str(not_conda.parent), str(conda), os.environ["PATH"]])
    ours = {name: str(scratch / "cache") for name in ("CONDA_PKGS_DIRS", "RATTLER_CACHE_DIR")}
    ours |= {"PATH": path, "PIP_NO_COMPILE": "1"}  # compiling is a third of the time and files
    site = Site(clone, os.environ | poison | ours)
    done = site.snakemake("--use-conda", "--", "all", "lesson")
    site.output = done.stdout + done.stderr
    assert done.returncode == 0, site.output
    return site


def point_to(file: Path, channel: str) -> None:
    """Replace an environment file's channels, and its Python by the one that is running."""
    content = yaml.safe_load(file.read_text())
    content["channels"] = [channel]
    content["dependencies"][0] = f"python={sysconfig.get_python_version()}"
    file.write_text(yaml.safe_dump(content))


def write_configuration(clone: Path) -> None:
    """The tiny configuration made smaller, on an official archive that is already there."""
    archive = write_zip(clone / "archive.zip", members())
    nist = {
        "path": archive.name,
        "size": archive.stat().st_size,
        "sha256": file_digest(archive),
        "urls": ["http://127.0.0.1:9/not_needed.zip"],
    }
    split = {"train": 94, "validation": 47, "test": 47}
    changes = {
        "seeds": [0, 1],  # agreement needs two runs
        "epochs": 1,
        "experiments": ["mine"],
        "data": {"source": "nist", "nist": nist, "split": split},
    }
    (clone / "archive.yaml").write_text(yaml.safe_dump(changes))


def test_every_rule_runs_in_an_environment(site: Site) -> None:
    table = site.output.split("Job stats:")[1].split("total")[0]
    ran = set(re.findall(r"^(\w+) +\d+$", table, re.M))
    assert ran == {*re.findall(r"^rule (\w+):", RULES, re.M), "all"}
    assert "100%" in site.output
    for file in ("report.html", "figures/figure_06.svg", "figures/figure_mine.png"):
        assert (site.clone / RESULTS / file).stat().st_size


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_its_file(site: Site, environment: str) -> None:
    prefix = site.prefix(environment)
    python = prefix / "bin/python"
    listed = json.loads(site.run(python, "-I", "-m", "pip", "list", "--format", "json").stdout)
    installed = {f"{item['name'].lower()}=={item['version'].split('+')[0]}" for item in listed}
    assert set(pins(environment)) <= installed
    names = {item["name"] for item in listed}
    assert [POISONED[name] for name in names & POISONED.keys()] == [environment]
    check = site.run(python, "-I", "-m", "pip", "check")
    assert check.returncode == 0, check.stdout


@pytest.mark.parametrize("way", ["PYTHONPATH", "PYTHONUSERBASE"])
def test_packages_elsewhere_would_be_noticed(site: Site, poison: dict[str, str], way: str) -> None:
    variables = {name: value for name, value in site.variables.items() if name not in poison}
    site = replace(site, variables=variables | {way: poison[way]})
    for name, environment in POISONED.items():
        done = site.run(site.prefix(environment) / "bin/python", "-c", f"import {name}")
        assert "ImportError: poison" in done.stderr


def test_a_pin_file_is_used_instead_of_the_environment_s(site: Site) -> None:
    listed = site.run("conda", "list", "--explicit", "--prefix", site.prefix("analysis"))
    assert listed.returncode == 0, listed.stderr
    platform = json.loads(site.run("conda", "info", "--json").stdout)["platform"]
    (site.clone / f"envs/analysis.{platform}.pin.txt").write_text(listed.stdout)
    point_to(site.clone / "envs/analysis.yaml", "file:///no/such/channel")
    (site.clone / RESULTS / "comparison.csv").unlink()
    target = str(RESULTS / "comparison.csv")
    done = site.snakemake("--use-conda", "--rerun-triggers", "mtime", "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (site.clone / target).stat().st_size


def test_a_container_holds_both_environments(site: Site) -> None:
    done = site.snakemake("--containerize")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("FROM ")
    copied = dict(re.findall(r"^COPY (\S+) (\S+)$", done.stdout, re.M))
    assert set(copied) == {f"envs/{environment}.yaml" for environment in ENVIRONMENTS}
    for target in copied.values():
        prefix = Path(target).parent
        assert f"conda env create --prefix {prefix} --file {target} &&" in done.stdout
