"""Stands in for the `conda` program in tests: the commands that Snakemake 9 calls, on py-rattler.

Environments are really solved and installed, pip's part by pip. What is made up: the version,
and the channel priority. Only what the tests' environments need is there.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import rattler
import yaml
from rattler.platform import Subdir

VERSION = "26.7.1"


def main() -> None:
    match sys.argv[1:]:
        case ["--version"]:
            print("conda", VERSION)
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": folder(), "platform": str(Subdir.current())}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create", *options]:
            create_from_yaml(*file_and_prefix(options))
        case ["create", *options]:
            create_from_pins(*file_and_prefix(options))
        case ["clean", *_]:
            pass  # there are no downloads of conda's
        case ["list", "--explicit", "--prefix", prefix]:
            list_explicitly(Path(prefix))
        case arguments:
            sys.exit(f"the stand-in for conda does not know {' '.join(arguments)!r}")


def folder() -> str:
    """Where Snakemake finds bin/activate."""
    return str(Path(__file__).resolve().parent)


def file_and_prefix(options: list[str]) -> tuple[Path, str]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    for flag in ("--quiet", "--yes", "--no-default-packages"):
        parser.add_argument(flag, action="store_true")
    known = parser.parse_args(options)
    return known.file, known.prefix


def create_from_yaml(file: Path, prefix: str) -> None:
    content = yaml.safe_load(file.read_text())
    specifications = [item for item in content["dependencies"] if isinstance(item, str)]
    with_pip = [item["pip"] for item in content["dependencies"] if isinstance(item, dict)]
    asyncio.run(install(content["channels"], specifications, prefix))
    for requirements in with_pip:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
            listed.write("\n".join(requirements))
            listed.flush()
            pip = [f"{prefix}/bin/python", "-m", "pip", "install", "--upgrade"]
            subprocess.run([*pip, "--requirement", listed.name], check=True)


def create_from_pins(file: Path, prefix: str) -> None:
    lines = file.read_text().split()
    asyncio.run(install([], [line for line in lines if line.startswith("file:")], prefix))


async def install(channels: list[str], specifications: list[str], prefix: str) -> None:
    records = await rattler.solve(
        channels, specifications, virtual_packages=rattler.VirtualPackage.detect()
    )
    await rattler.install(records, prefix, show_progress=False)


def list_explicitly(prefix: Path) -> None:
    print("@EXPLICIT")
    for record in sorted(prefix.glob("conda-meta/*.json")):
        print(json.loads(record.read_text())["url"])


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # py-rattler's threads can crash an interpreter that ends the usual way
