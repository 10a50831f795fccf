"""The checks of a configuration: each problem has file, key and remedy."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain
from operator import getitem
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from convnets.architectures.method import VariantError
from convnets.architectures.methods import METHODS
from convnets.config.messages import MISSING, UNKNOWN, Location, dotted, nearest, problems_of, shown
from convnets.config.overlays import Layers, read_layers
from convnets.config.schema import ALL, DATA, RESERVED_FIGURES, SEEDS, TRAINING, Config
from convnets.config.settings import MACHINE_FOLDER
from convnets.core.errors import UserError
from convnets.core.files import PROVENANCE

CONFIG = TypeAdapter(Config)
Problem = tuple[Location, str]
"""The location of a problem, and its explanation."""
RESERVED_RUN_NAMES = {
    MACHINE_FOLDER: "the measurements that all runs share",
    "published": "the committed results",
    "slurm_logs": "the logs of Slurm",
}
"""Other folders beside those of the sweeps, and their content."""


def load_config(files: Sequence[str | Path], changes: dict[str, Any]) -> Config:
    """The configuration in `files`, the later over the earlier. Raises `UserError`."""
    layers = read_layers(files, changes)
    config = validate(layers)
    _raise_if_any(_problems_of_places(config), layers)
    return config


def validate(layers: Layers) -> Config:
    """The configuration in `layers`, whose files are not checked. Raises `UserError`."""
    try:
        config = CONFIG.validate_json(json.dumps(layers.values))
    except ValidationError as error:
        _raise_if_any(problems_of(error).items(), layers)
        raise
    _raise_if_any(_problems_of_names(config), layers)
    others = chain(_problems_of_variants(config, layers), _problems_of_sizes(config, layers))
    _raise_if_any(others, layers)
    return config


def _raise_if_any(problems: Iterable[Problem], layers: Layers) -> None:
    lines = []
    for location, text in problems:
        hint = nearest(str(location[-1]), _keys_at(location[:-1])) if text == UNKNOWN else ""
        lines.append(layers.line(location, text + hint))
    if lines:
        raise UserError("the configuration is not valid\n  " + "\n  ".join(dict.fromkeys(lines)))


def _problems_of_names(config: Config) -> Iterator[Problem]:
    if content := RESERVED_RUN_NAMES.get(config.run_name.lower()):
        yield ("run_name",), f"is {config.run_name!r}, the folder of {content}: choose another"
    if "$" in config.results:
        yield ("results_folder",), f"is {config.results_folder!r}: no such variable is set"
    yield from _unknown(config.experiments, [*config.sets, *config.tables], ("experiments",))
    for name, tables in config.sets.items():
        yield from _unknown(tables, config.tables, ("sets", name))
    for kind in ("sets", "figures"):
        for name in getattr(config, kind).keys() & config.tables.keys():
            yield (kind, name), "is the name of a table too: choose another"
    for name in config.variants.keys() & {ALL, DATA}:
        yield ("variants", name), "is a word with a meaning in `replace`: choose another name"
    for name, figure in config.figures.items():
        here: Location = ("figures", name)
        if name in RESERVED_FIGURES or name.startswith("analysis_"):
            yield here, "is the name of a figure that is drawn in any case: choose another"
        for number, curve in enumerate(figure.curves):
            place = (*here, "curves", number)
            yield from _unknown(curve.variants, config.variants, (*place, "variants"))
            if curve.label in [earlier.label for earlier in figure.curves[:number]]:
                yield (*place, "label"), f"is {curve.label!r} again: label each curve differently"
    for name, table in config.tables.items():
        rows: Location = ("tables", name, "rows")
        for number, row in enumerate(table.rows):
            yield from _unknown(row.variants, config.variants, (*rows, number, "variants"))
        yield from (((*rows, number, key), text) for number, key, text in table.problems())


def _unknown(names: Iterable[str], known: Iterable[str], here: Location) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield here, f"names {name!r}: there is no such name{nearest(name, known)}"


def _problems_of_variants(config: Config, layers: Layers) -> Iterator[Problem]:
    impossible: dict[Location, list[str]] = defaultdict(list)  # by the shared key to blame
    for id, own in config.variants.items():
        here: Location = ("variants", id)
        if "method" not in config.architecture | own:
            yield (*here, "method"), f"{MISSING}: choose one of {', '.join(METHODS)}"
            continue
        try:
            variant = config.variant(id)
        except VariantError as error:  # of the last keys to change, the likeliest is to blame
            keys = [(*here, key) if key in own else ("architecture", key) for key in error.keys]
            source: list[Location] = [("data", "source"), ("data", "torchvision", "name")]
            key = layers.latest([*keys, here, *source])
            if key[:2] == here:
                found = "impossible" if key == here else shown(own[str(key[-1])])
                yield key, f"is {found}: {error.problem}"
            elif id in config.variant_ids:
                impossible[key].append(f"{id} impossible: {error.problem}")
            continue
        for name in own.keys() - {*variant.used_keys, TRAINING, SEEDS}:
            yield (*here, name), f"has no effect on method {variant.method}: remove it"
    for location, (first, *others) in impossible.items():
        more = f" (and {len(others)} more variants are impossible)" if others else ""
        value = shown(reduce(getitem, location, layers.values))  # type: ignore[arg-type]
        yield location, f"is {value}, which makes variant {first}{more}"
    runs = [f"{id}/seed_{seed}" for id, seed in config.runs]
    yield from _unknown(config.replace, [ALL, DATA, *config.variants, *runs], ("replace",))


def _problems_of_sizes(config: Config, layers: Layers) -> Iterator[Problem]:
    """Parts of the split that are too large for the source, or too small for its classes."""
    data, subset = config.data, config.subset
    asked = {part: getattr(data.split, part) for part in ("train", "test", "validation")}
    sizes = {part: round(subset * number) for part, number in asked.items()}
    part = min(sizes, key=sizes.__getitem__)
    if sizes[part] < (classes := data.image_kind.classes):
        split: Location = ("data", "split", part)
        key, value = (split, asked[part]) if asked[part] < classes else (("subset",), subset)
        found = f"is {value}, which leaves {sizes[part]} {part} images for {classes} classes"
        yield key, f"{found}: expected one or more of each"
    if not data.available:
        return
    limits = dict(zip(("train", "test"), data.available, strict=True))
    files = ("train", "test") if data.split.protocol == "leftover" else ("train",)
    limits["validation"] = sum(limits[file] - sizes[file] for file in files)
    if too_large := [part for part in limits if sizes[part] > limits[part]]:
        part = too_large[0]
        keys: list[Location] = [("data", "split", part), ("data", "source")]
        key, left = layers.latest(keys), f"leaves {limits[part]} images for"
        text = f"is {asked[part]}, but source {data.source} {left} it"
        if key == keys[1]:
            text = f"is {data.source!r}, which {left} {dotted(keys[0])}, of which {asked[part]} are"
            text += " asked for"
        yield key, f"{text}: ask for fewer, or choose another source"


def _problems_of_places(config: Config) -> Iterator[Problem]:
    """Missing input files, and a folder that is not writable."""
    folder, found = Path(config.results), f"is {shown(config.results_folder)}"
    try:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:  # the name is too long
        yield ("results_folder",), f"{found}: {error.strerror}"
        return
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        yield ("results_folder",), f"{found}: {existing} is not a writable folder"
    if not (folder / "data" / PROVENANCE).exists():
        key = "folder" if config.data.source == "npz" else "path"
        for file in config.data.local_files:
            if not os.path.isfile(file):  # noqa: PTH113, which fails where a name is too long
                yield ("data", config.data.source, key), f"leads to {file}: there is no such file"


def _keys_at(location: Location) -> list[str]:
    """The keys of the configuration at `location`."""
    whole = CONFIG.json_schema()
    node: dict[str, Any] = whole
    for part in location:
        named = [*node.get("patternProperties", {}).values(), node.get("items", {})]
        node = node.get("properties", {}).get(part) or named[0]
        node = whole["$defs"].get(node.get("$ref", "").rpartition("/")[2], node)
    return list(node.get("properties", {}))
