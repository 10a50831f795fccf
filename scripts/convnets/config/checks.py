"""The checks of a configuration: each problem has file, key and remedy."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from convnets.architectures.method import VariantError
from convnets.architectures.methods import METHODS
from convnets.config.messages import (
    MISSING,
    UNKNOWN,
    Location,
    Problem,
    dotted,
    nearest,
    problems_of,
    shown,
)
from convnets.config.overlays import Layers, read_layers
from convnets.config.schema import (
    ALL,
    DATA,
    FROM_ELSEWHERE,
    RESERVED_FIGURES,
    RESERVED_RUN_NAMES,
    SEEDS,
    SOME_OF,
    TRAINING,
    Config,
)
from convnets.core.errors import UserError
from convnets.core.files import PROVENANCE

CONFIG = TypeAdapter(Config)


def load_config(files: Sequence[str | Path], changes: dict[str, Any]) -> Config:
    """The configuration in `files`, each over the previous one, and `changes` over all.

    Raises:
        UserError: the configuration is not valid; the message lists all problems.
    """
    layers = read_layers(files, changes)
    config = validate(layers)
    _raise_if_any(_problems_of_places(config), layers)
    return config


def validate(layers: Layers) -> Config:
    """The configuration in `layers`, without checks of files. Raises as `load_config`."""
    try:
        config = CONFIG.validate_json(json.dumps(layers.values))
    except ValidationError as error:
        _raise_if_any(problems_of(error).items(), layers)
        raise
    _raise_if_any(_problems_of_names(config), layers)
    _raise_if_any(
        (*_problems_of_variants(config, layers), *_problems_of_sizes(config, layers)), layers
    )
    return config


def _raise_if_any(problems: Iterable[Problem], layers: Layers) -> None:
    lines = []
    for location, text in problems:
        hint = nearest(str(location[-1]), keys_at(location[:-1])) if text == UNKNOWN else ""
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
    shared: dict[Location, list[tuple[str, str]]] = {}
    for id, own in config.variants.items():
        here: Location = ("variants", id)
        if "method" not in config.architecture | own:
            yield (*here, "method"), f"{MISSING}: choose one of {', '.join(METHODS)}"
            continue
        try:
            used = (*config.variant(id).used_keys, TRAINING, SEEDS)
        except VariantError as error:
            key = layers.latest(_blamed(error, own, id))
            if key[:2] == here:
                yield key, f"is {shown(own[str(key[-1])])}: {error.problem}"
            elif id in config.variant_ids:
                shared.setdefault(key, []).append((id, error.problem))
            continue
        for key in own.keys() - used:
            method = config.variant(id).method
            yield (*here, key), f"has no effect on method {method}: remove it"
    for location, found in shared.items():
        (id, problem), others = found[0], len(found) - 1
        impossible = f"which makes variant {id} impossible: {problem}"
        more = f" (and {others} more variants are impossible)" if others else ""
        yield location, f"is {shown(layers.value(location))}, {impossible}{more}"
    runs = [f"{id}/seed_{seed}" for id, seed in config.runs]
    yield from _unknown(config.replace, [ALL, DATA, *config.variants, *runs], ("replace",))


def _blamed(error: VariantError, own: dict[str, Any], id: str) -> Iterator[Location]:
    """The keys that can make a variant impossible, the likeliest first."""
    for key in error.keys:
        yield ("variants", id, key) if key in own else ("architecture", key)
    yield from (("variants", id), ("data", "source"), ("data", "torchvision", "name"))


def _problems_of_sizes(config: Config, layers: Layers) -> Iterator[Problem]:
    """Parts of the split that are too large for the source, or too small for its classes."""
    data, subset = config.data, config.subset
    asked = {part: getattr(data.split, part) for part in ("train", "test", "validation")}
    sizes = {part: round(subset * number) for part, number in asked.items()}
    smallest = min(sizes, key=lambda part: sizes[part])
    if sizes[smallest] < (classes := data.image_kind.classes):
        wrong = asked[smallest] < classes
        key = ("data", "split", smallest) if wrong else ("subset",)
        found = f"is {asked[smallest] if wrong else subset}, which leaves {sizes[smallest]}"
        yield key, f"{found} {smallest} images for {classes} classes: expected one or more of each"
    if data.available:
        limits = dict(zip(("train", "test"), data.available, strict=True))
        files = ("train", "test") if data.split.protocol == "leftover" else ("train",)
        limits["validation"] = sum(limits[file] - sizes[file] for file in files)
        for part, most in limits.items():
            if sizes[part] > most:
                wanted: Location = ("data", "split", part)
                place: Location = layers.latest([wanted, ("data", "source")])
                text = f"is {asked[part]}, but source {data.source} leaves {most} images for it"
                if place != wanted:
                    text = f"is {data.source!r}, which leaves {most} images for {dotted(wanted)}"
                    text += f", of which {asked[part]} are asked for"
                yield place, f"{text}: ask for fewer, or choose another source"
                return


def _problems_of_places(config: Config) -> Iterator[Problem]:
    """Missing input files, and a folder that is not writable."""
    folder = Path(config.results)
    try:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:  # the name is too long
        yield ("results_folder",), f"is {shown(config.results_folder)}: {error.strerror}"
        return
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        yield (
            ("results_folder",),
            f"is {config.results_folder!r}: {existing} is not a writable folder",
        )
    if not (folder / "data" / PROVENANCE).exists():
        key = "folder" if config.data.source == "npz" else "path"
        for file in config.data.local_files:
            if not os.path.isfile(file):  # noqa: PTH113, which fails where a name is too long
                yield ("data", config.data.source, key), f"leads to {file}: there is no such file"


def schema() -> dict[str, Any]:
    """The JSON schema of a configuration file, in which all keys are optional."""
    whole = CONFIG.json_schema()
    sections = whole["$defs"]
    for node in (whole, sections["Table"], sections["Figure"]):
        del node["required"]
    for name, cls in SOME_OF.items():
        described = TypeAdapter(cls).json_schema()["properties"]
        for key in described.keys() - FROM_ELSEWHERE:
            sections[name]["properties"][key]["description"] = described[key]["description"]
    return whole


def keys_at(location: Location) -> list[str]:
    """The keys of the configuration at `location`."""
    whole = schema()
    node: dict[str, Any] = whole
    for part in location:
        named = [*node.get("patternProperties", {}).values(), node.get("items", {})]
        node = _resolve(node.get("properties", {}).get(part) or named[0], whole)
    return list(node.get("properties", {}))


def _resolve(node: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    return whole["$defs"][reference.rpartition("/")[2]] if reference else node
