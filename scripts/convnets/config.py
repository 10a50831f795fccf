"""The configuration, validated as a whole before any job starts.

Only the workflow and the documentation import this module: it needs pydantic and PyYAML,
which come with Snakemake, while the scripts get their settings from the command line.
"""

import dataclasses
import difflib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from convnets.errors import UserError
from convnets.experiments import Figure, Table
from convnets.settings import STRICT, DataSettings, TrainingSettings
from convnets.variant import Variant

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
POOLING_FIGURE = "figure_06"
"""Pooling outputs of a test image."""
LAYER_FIGURES = ("figure_01", "figure_02", "figure_03", "figure_04", "figure_05", "figure_07")
"""How layers compute. Like the figure of pooling outputs they show no training curves."""
UNION_BRANCH = "int"
"""How pydantic calls the first branch of `variant.PerLayer` in a location."""
Location = tuple[str | int, ...]
Problem = tuple[Location, str]


@dataclass(frozen=True)
class Config:
    """The whole configuration."""

    __pydantic_config__ = STRICT

    run_name: str
    """Results go to the folder of this name in `results_folder`."""
    results_folder: str
    """Where the results of all configurations lie. It can be on another disk; variables of the
    environment are filled in: `$SCRATCH/convnets`."""
    epochs: int
    """Epochs to train each run for (paper, Section 4: 100)."""
    subset: float
    """Share of the split's images to use, more than 0 and at most 1: 0.1 trains, validates and
    tests on a tenth."""
    seeds: tuple[int, ...]
    """One run of each variant for each seed. The paper ran one."""
    runs_per_gpu: int
    """Runs that train side by side on one GPU, each with its share of the memory. More than one
    makes a sweep faster, and the measured seconds an epoch say less."""
    experiments: tuple[str, ...]
    """Which of `tables` to make; only their variants are trained."""
    data: DataSettings
    """Where the images come from and how they are split."""
    training: TrainingSettings
    """The training procedure."""
    architecture: dict[str, Any]
    """Keys of a variant that all variants share unless they say otherwise."""
    variants: dict[str, dict[str, Any]]
    """The architectures, by id."""
    tables: dict[str, Table]
    """The experiments, by name: each trains the variants of its rows and makes one table."""
    figures: dict[str, Figure]
    """Figures of the training curves, by name; each is made when all its variants are trained."""

    @property
    def results(self) -> str:
        """The folder of everything that this configuration makes."""
        return str(Path(os.path.expandvars(self.results_folder)).expanduser() / self.run_name)

    @property
    def training_images(self) -> int:
        """Images that an epoch goes through, in training and validation."""
        return round(self.subset * (self.data.split.train + self.data.split.validation))

    @property
    def variant_ids(self) -> tuple[str, ...]:
        """Ids of the variants that the chosen experiments need, each once."""
        needed = (id for name in self.experiments for id in self.tables[name].variants)
        return tuple(dict.fromkeys(needed))

    @property
    def runs(self) -> tuple[tuple[str, int], ...]:
        """Variant id and seed of each run that the chosen experiments need, by variant and seed."""
        tables = [self.tables[name] for name in self.experiments]
        seeds: dict[str, set[int]] = {id: set() for id in self.variant_ids}
        for table in tables:
            for id in table.variants:
                seeds[id].update(table.seeds or self.seeds)
        return tuple((id, seed) for id, wanted in seeds.items() for seed in sorted(wanted))

    @property
    def figure_names(self) -> tuple[str, ...]:
        """Names of the figures that can be made of these variants."""
        trained = set(self.variant_ids)
        return tuple(name for name, item in self.figures.items() if trained >= set(item.variants))

    def variant(self, id: str) -> Variant:
        """The variant `id`, with what it shares with the others."""
        merged = self.architecture | self.variants[id] | {"id": id}
        return TypeAdapter(Variant).validate_python(merged)


def load_config(values: dict[str, Any], files: Sequence[str | Path]) -> Config:
    """The configuration in `values`, merged from `files` (the later wins) and command line.

    Raises:
        UserError: lists each problem with file, key and remedy.
    """
    try:
        config = TypeAdapter(Config).validate_python(values)
    except ValidationError as error:
        raise _report(_problems(error), values, files) from None
    problems = [*_problems_of_variants(config), *_problems_of_values(config)]
    if not problems:
        problems = list(_problems_of_names(config))
    if problems:
        raise _report(problems, values, files)
    return config


def _problems(error: ValidationError) -> list[Problem]:
    """What pydantic found, with one problem for a value that fits neither type of a union."""
    problems: dict[Location, str] = {}
    for details in error.errors():
        location = details["loc"]
        if UNION_BRANCH in location:
            location = location[: location.index(UNION_BRANCH)]
            text = f"is {details['input']!r}: expected a whole number or a list of them"
        elif any(str(part).startswith("tuple[") for part in location):
            continue
        else:
            text = _explain(details)
        problems.setdefault(location, text)
    return list(problems.items())


def _explain(details: ErrorDetails) -> str:
    if details["type"] == "unexpected_keyword_argument":
        return "is not a key here"
    if details["type"] in ("missing", "missing_argument"):
        return "is missing"
    return f"is {details['input']!r}: {details['msg'].lower()}"


def _problems_of_variants(config: Config) -> Iterator[Problem]:
    known = [item.name for item in dataclasses.fields(Variant)]
    for key in config.architecture.keys() - set(known):
        yield ("architecture", key), "is not a key here"
    if config.architecture.keys() - set(known):
        return
    for id, own in config.variants.items():
        if not SAFE_NAME.fullmatch(id):
            yield ("variants", id), "is no name for a folder: use letters, digits, _ . -"
        try:
            config.variant(id)
        except UserError as error:
            yield ("variants", id), f"is impossible: {error}"
        except ValidationError as error:
            for location, text in _problems(error):
                section = ("variants", id) if location[0] in own else ("architecture",)
                missing = text == "is missing"
                yield (("variants", id) if missing else section) + location, text


def _problems_of_values(config: Config) -> Iterator[Problem]:
    if not SAFE_NAME.fullmatch(config.run_name):
        yield ("run_name",), "is no name for a folder: use letters, digits, _ . -"
    if "$" in config.results:
        yield ("results_folder",), f"is {config.results_folder!r}: no such variable is set"
    if not 0 < config.subset <= 1:
        yield ("subset",), f"is {config.subset}: expected more than 0 and at most 1"
    lists: dict[Location, tuple[int, ...] | None] = {("seeds",): config.seeds}
    lists |= {("tables", name, "seeds"): table.seeds for name, table in config.tables.items()}
    for location, seeds in lists.items():
        if seeds is not None and not (seeds and len(set(seeds)) == len(seeds) and min(seeds) >= 0):
            yield location, f"is {list(seeds)}: expected one or more different numbers from 0"
    if not config.experiments:
        yield ("experiments",), f"is empty: choose from {', '.join(config.tables)}"
    positive = {
        ("epochs",): config.epochs,
        ("runs_per_gpu",): config.runs_per_gpu,
        ("training", "batch_size"): config.training.batch_size,
        ("training", "threads"): config.training.threads,
        ("training", "learning_rate"): config.training.learning_rate,
        ("data", "split", "train"): config.data.split.train,
        ("data", "split", "validation"): config.data.split.validation,
        ("data", "split", "test"): config.data.split.test,
    }
    for location, value in positive.items():
        if value <= 0:
            yield location, f"is {value}: expected more than 0"
    if config.training.weight_decay < 0:
        yield ("training", "weight_decay"), "is negative: expected 0 or more"


def _problems_of_names(config: Config) -> Iterator[Problem]:
    for name in config.experiments:
        if name not in config.tables:
            yield ("experiments",), f"names {name!r}: no such table{_nearest(name, config.tables)}"
    for name, table in config.tables.items():
        for number, row in enumerate(table.rows):
            here: Location = ("tables", name, "rows", number)
            if len(row.label) != len(table.header):
                yield (
                    (*here, "label"),
                    f"has {len(row.label)} texts for {len(table.header)} headings",
                )
            most = len(row.variants) if table.best else 1
            if not 1 <= len(row.variants) <= most:
                yield (
                    (*here, "variants"),
                    "needs exactly one variant; for several set `best` on the table",
                )
            yield from _unknown_variants(config, row.variants, (*here, "variants"))
    for name, figure in config.figures.items():
        for number, curve in enumerate(figure.curves):
            here = ("figures", name, "curves", number, "variants")
            yield from _unknown_variants(config, curve.variants, here)
    for section in (config.tables, config.figures):
        for name in section:
            if not SAFE_NAME.fullmatch(name):
                yield (name,), "is no name for a file: use letters, digits, _ . -"
    for name in config.figures.keys() & {POOLING_FIGURE, *LAYER_FIGURES}:
        yield ("figures", name), "is drawn in any case: choose another name"


def _unknown_variants(config: Config, ids: Iterable[str], here: Location) -> Iterator[Problem]:
    for id in ids:
        if id not in config.variants:
            yield here, f"names {id!r}: no such variant{_nearest(id, config.variants)}"


def _nearest(name: str, candidates: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.5)
    if matches:
        return f"; did you mean {matches[0]!r}?"
    return f"; there are {', '.join(candidates)}"


def _report(
    problems: Sequence[Problem], values: dict[str, Any], files: Sequence[str | Path]
) -> UserError:
    contents = [(Path(file), yaml.safe_load(Path(file).read_text()) or {}) for file in files]
    lines = []
    for location, text in dict.fromkeys(problems):
        unknown = text == "is not a key here"
        hint = _nearest(str(location[-1]), keys_at(location[:-1])) if unknown else ""
        key = ".".join(str(part) for part in location)
        lines.append(f"{_origin(location, values, contents)}: {key} {text}{hint}")
    return UserError("the configuration is not valid\n  " + "\n  ".join(lines))


def _origin(
    location: Location, values: dict[str, Any], contents: Sequence[tuple[Path, Any]]
) -> str:
    """The last file that has `location`, or most of it, as in the merged `values`."""
    complete, value = _follow(values, location)
    is_missing = complete < len(location) and bool(contents)
    deepest, origin = 0, str(contents[0][0]) if is_missing else "command line (--config)"
    for file, content in contents:
        depth, found = _follow(content, location)
        overridden = depth == complete == len(location) and found != value
        if depth >= max(deepest, 1) and not overridden:
            deepest, origin = depth, str(file)
    return origin


def _follow(content: Any, location: Location) -> tuple[int, Any]:
    """How many parts of `location` exist in `content`, and what stands there."""
    for depth, part in enumerate(location):
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return depth, content
    return len(location), content


def keys_at(location: Location) -> list[str]:
    """The keys that the configuration knows at `location`."""
    adapter: TypeAdapter[Any]
    if location[:1] in (("variants",), ("architecture",)) and len(location) in (1, 2):
        adapter, location = TypeAdapter(Variant), ()
    else:
        adapter = TypeAdapter(Config)
    schema = adapter.json_schema()
    node: dict[str, Any] = schema
    for part in location:
        node = _resolve(node, schema)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
    return list(_resolve(node, schema).get("properties", {}))


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node
