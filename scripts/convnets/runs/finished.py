"""Finished results that differ from the configuration, found before any job starts.

They are replaced only if the configuration lists them in `replace`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convnets.config.schema import ALL, DATA, Config
from convnets.core.errors import UserError
from convnets.core.files import PROVENANCE
from convnets.data.folder import digest_of, read_provenance
from convnets.runs.identity import changes, differences
from convnets.runs.run_folder import RECORD, RunFolder

SHOWN = 5
"""Number of results that a message lists; the others are counted."""


def results_to_replace(config: Config) -> set[Path]:
    """The folders of data and runs that have other settings and are listed in `replace`.

    Raises:
        UserError: results that are not listed have other settings, too.
    """
    differing = {folder: found for folder, found in _compared(config) if found}
    replaced = {
        folder
        for folder in differing
        # the name itself, all seeds of its variant, or all results
        if {ALL, _name(folder), _name(folder).partition("/")[0]} & {*config.replace}
    }
    kept = {folder: found for folder, found in differing.items() if folder not in replaced}
    if not kept:
        return replaced
    lines = [
        f"{folder}:" + "".join(f"\n    {change}" for change in found)
        for folder, found in list(kept.items())[:SHOWN]
    ]
    if len(kept) > SHOWN:
        lines.append(f"and {len(kept) - SHOWN} more")
    example = ALL if len(kept) > 1 else _name(next(iter(kept)))
    raise UserError(
        "finished results have other settings than the configuration, and stay as they are:\n  "
        + "\n  ".join(lines)
        + "\nChoose another run_name (--config run_name=mine), or restore the settings. To replace "
        f"these results, name them: --config replace={example}"
    )


def _compared(config: Config) -> Iterator[tuple[Path, list[str]]]:
    """The folder of each finished result, with its differences from `config`."""
    folder = Path(config.results, "data")
    data = None
    if (folder / PROVENANCE).is_file():
        provenance = read_provenance(folder / PROVENANCE)
        wanted = {"settings": config.data.shaping(), "subset": config.subset}
        found = list(differences({key: provenance.get(key) for key in wanted}, wanted))
        found += _changed_files(config, provenance)
        yield folder, found
        data = "other images" if found else provenance.get("digest") or digest_of(folder)
    for id, seed in config.runs:
        run = RunFolder(Path(config.results, "runs", id, f"seed_{seed}"))
        if (run.path / RECORD).is_file():
            settings = config.training_of(id)
            try:
                found = changes(run, config.variant(id), seed, settings, config.epochs, data)
            except UserError as error:
                found = [str(error)]
            yield run.path, found


def _changed_files(config: Config, provenance: dict[str, Any]) -> Iterator[str]:
    """Local files whose size has changed since they were read."""
    read = {file["name"]: file["bytes"] for file in provenance["files"]}
    for path in map(Path, config.data.local_files):
        if path.is_file() and path.stat().st_size != read.get(path.name):
            yield f"{path}: {read.get(path.name)} bytes -> {path.stat().st_size} bytes"


def _name(folder: Path) -> str:
    """The name of a result in `replace`: `data`, or `VARIANT/seed_S`."""
    return DATA if folder.name == DATA else "/".join(folder.parts[-2:])
