"""Finished results that differ from the configuration, found before any job starts.

They are replaced only if the configuration lists them in `replace`.
"""

from collections.abc import Iterator
from pathlib import Path

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
    replaced, kept = set(), []
    for name, folder, found in _compared(config):
        # the name itself, all seeds of its variant, or all results
        if found and {ALL, name, name.partition("/")[0]} & {*config.replace}:
            replaced.add(folder)
        elif found:
            kept.append((name, f"{folder}:" + "".join(f"\n    {change}" for change in found)))
    if not kept:
        return replaced
    lines = [text for _, text in kept[:SHOWN]]
    if len(kept) > SHOWN:
        lines.append(f"and {len(kept) - SHOWN} more")
    example = ALL if len(kept) > 1 else kept[0][0]
    raise UserError(
        "finished results have other settings than the configuration, and stay as they are:\n  "
        + "\n  ".join(lines)
        + "\nChoose another run_name (--config run_name=mine), or restore the settings. To replace "
        f"these results, name them: --config replace={example}"
    )


def _compared(config: Config) -> Iterator[tuple[str, Path, list[str]]]:
    """Name (`data` or `VARIANT/seed_S`), folder and differences of each finished result."""
    folder = Path(config.results, "data")
    data = None
    if (folder / PROVENANCE).is_file():
        provenance = read_provenance(folder / PROVENANCE)
        wanted = {"settings": config.data.shaping(), "subset": config.subset}
        found = list(differences({key: provenance.get(key) for key in wanted}, wanted))
        sizes = {file["name"]: file["bytes"] for file in provenance["files"]}
        for path in filter(Path.is_file, map(Path, config.data.local_files)):
            before, now = sizes.get(path.name), path.stat().st_size
            if before != now:
                found.append(f"{path}: {before} bytes -> {now} bytes")
        yield DATA, folder, found
        data = "other images" if found else provenance.get("digest") or digest_of(folder)
    for id, seed in config.runs:
        name = f"{id}/seed_{seed}"
        run = RunFolder(Path(config.results, "runs", name))
        if (run.path / RECORD).is_file():
            settings = config.training_of(id)
            try:
                found = changes(run, config.variant(id), seed, settings, config.epochs, data)
            except UserError as error:
                found = [str(error)]
            yield name, run.path, found
