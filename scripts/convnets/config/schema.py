"""The configuration, validated as a whole before any job starts.

Only the workflow, the documentation and `plan.py` import this module: it needs pydantic and PyYAML,
which come with Snakemake, while the other scripts get their settings from the command line.
"""

import dataclasses
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from convnets.architectures.variant import Variant
from convnets.config.experiments import Figure, Row, Table
from convnets.config.messages import (
    MISSING,
    UNKNOWN,
    Location,
    Problem,
    nearest,
    problems_of,
    report,
)
from convnets.config.settings import MACHINE_FOLDER, DataSettings, TrainingSettings
from convnets.core.errors import UserError
from convnets.core.validation import STRICT

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
POOLING_FIGURE = "figure_06"
"""Pooling outputs of a test image."""
LAYER_FIGURES = ("figure_01", "figure_02", "figure_03", "figure_04", "figure_05", "figure_07")
"""How layers compute. Like the figure of pooling outputs they show no training curves."""
ANALYSIS_FIGURES = (
    *("analysis_accuracies", "analysis_receptive_fields", "analysis_pareto"),
    *("analysis_confusions", "analysis_agreement", "analysis_curves"),
)
"""Figures of `convnets.analyses.registry`."""
RESERVED_FIGURES = (*LAYER_FIGURES, POOLING_FIGURE, *ANALYSIS_FIGURES)
"""Figures that no configuration describes."""

ALL, DATA = "all", "data"
"""What `replace` can name beside runs and variants."""
PAPER = "paper"
"""The set of the paper's tables."""
TRAINING = "training"
"""Key of a variant: settings of the training that are its own."""
SEEDS = "seeds"
"""Key of a variant: its seeds, in place of those of the configuration and its tables."""
VARIANT_KEYS = [
    item.name for item in dataclasses.fields(Variant) if item.name not in ("id", "image_kind")
]
"""What the configuration says of a variant; its id and the data give the rest."""
VARIANT = TypeAdapter(Variant)
TRAINING_SETTINGS = TypeAdapter(TrainingSettings)  # each is made once: that takes long


def _as_list(names: Any) -> Any:
    return [names] if isinstance(names, str) else names


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
    makes a sweep faster; runtimes are measured afterwards, one variant at a time."""
    experiments: Annotated[tuple[str, ...], BeforeValidator(_as_list)]
    """Which of `tables` and `sets` to make, one name or a list; only their variants are trained."""
    replace: Annotated[tuple[str, ...], BeforeValidator(_as_list)]
    """Finished results that may be made again with other settings, one name or a list: `data`, a
    variant's id, `VARIANT/seed_S`, or `all`. What is not named here is never replaced."""
    data: DataSettings
    """Where the images come from and how they are split."""
    training: TrainingSettings
    """The training procedure."""
    architecture: dict[str, Any]
    """Keys of a variant that all variants share unless they say otherwise."""
    variants: dict[str, dict[str, Any]]
    """The architectures, by id. The key `training` has settings that are the variant's own. The key
    `seeds` replaces the seeds of the configuration and its tables for one variant."""
    tables: dict[str, Table]
    """The experiments, by name: each trains the variants of its rows and makes one table."""
    sets: dict[str, tuple[str, ...]]
    """Names for several tables at once, to be chosen in `experiments`."""
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
    def table_names(self) -> tuple[str, ...]:
        """Names of the tables that the chosen experiments make, each once."""
        chosen = (table for name in self.experiments for table in self.sets.get(name, (name,)))
        return tuple(dict.fromkeys(chosen))

    @property
    def variant_ids(self) -> tuple[str, ...]:
        """Ids of the variants that the chosen experiments need, each once."""
        needed = (id for name in self.table_names for id in self.tables[name].variants)
        return tuple(dict.fromkeys(needed))

    @property
    def analysed_variants(self) -> tuple[str, ...]:
        """Ids of the variants that the analyses compare, for too many would be unreadable.

        Those of the paper's tables and of tables in no set, such as a user's; or all where there
        are none.
        """
        others = {table for name, tables in self.sets.items() if name != PAPER for table in tables}
        chosen = [name for name in self.table_names if name not in others]
        needed = (id for name in chosen for id in self.tables[name].variants)
        return tuple(dict.fromkeys(needed)) or self.variant_ids

    @property
    def runs(self) -> tuple[tuple[str, int], ...]:
        """Variant id and seed of each run that the chosen experiments need, by variant and seed."""
        seeds: dict[str, set[int]] = {id: set() for id in self.variant_ids}
        for table in (self.tables[name] for name in self.table_names):
            for id in table.variants:
                own = self.variants.get(id, {}).get(SEEDS)
                seeds[id].update(own or table.seeds or self.seeds)
        return tuple((id, seed) for id, wanted in seeds.items() for seed in sorted(wanted))

    @property
    def figure_names(self) -> tuple[str, ...]:
        """Names of the figures that can be made of these variants."""
        trained = set(self.variant_ids)
        return tuple(name for name, item in self.figures.items() if trained >= set(item.variants))

    @property
    def analysis_figures(self) -> tuple[str, ...]:
        """Names of the analyses that can be made of these variants."""
        analysed = self.analysed_variants
        possible = {
            "analysis_receptive_fields": any(self.variant(id).is_convolutional for id in analysed),
            "analysis_agreement": sum(id in analysed for id, _ in self.runs) > 1,
        }
        return tuple(name for name in ANALYSIS_FIGURES if possible.get(name, True))

    def variant(self, id: str) -> Variant:
        """The variant `id`, with what it shares with the others."""
        own = {k: v for k, v in self.variants[id].items() if k not in (TRAINING, SEEDS)}
        merged = self.architecture | own | {"id": id, "image_kind": self.data.image_kind}
        return VARIANT.validate_python(merged)

    def training_of(self, id: str) -> TrainingSettings:
        """How the variant `id` is trained."""
        own = self.variants[id].get(TRAINING, {})
        merged = dataclasses.asdict(self.training) | own if isinstance(own, dict) else own
        return TRAINING_SETTINGS.validate_python(merged)


def load_config(values: dict[str, Any], files: Sequence[str | Path]) -> Config:
    """The configuration in `values`, merged from `files` (the later wins) and command line.

    Raises:
        UserError: lists each problem with file, key and remedy.
    """
    try:
        config = TypeAdapter(Config).validate_python(values)
    except ValidationError as error:
        raise report(problems_of(error), values, files, keys_at) from None
    problems = [*_problems_of_variants(config), *_problems_of_values(config)]
    if not problems:
        problems = list(_problems_of_names(config))
    if problems:
        raise report(problems, values, files, keys_at)
    return config


def _problems_of_variants(config: Config) -> Iterator[Problem]:
    unknown: list[Location] = [
        ("architecture", key) for key in config.architecture.keys() - set(VARIANT_KEYS)
    ]
    unknown += [
        ("variants", id, key)
        for id, own in config.variants.items()
        for key in own.keys() - {*VARIANT_KEYS, TRAINING, SEEDS}
    ]
    yield from ((location, UNKNOWN) for location in unknown)
    if unknown:
        return
    for id, own in config.variants.items():
        if not SAFE_NAME.fullmatch(id):
            yield ("variants", id), "is no name for a folder: use letters, digits, _ . -"
        try:
            config.variant(id)
        except UserError as error:
            yield ("variants", id), f"is impossible: {error}"
        except ValidationError as error:
            for location, text in problems_of(error):
                section = ("variants", id) if location[0] in own else ("architecture",)
                missing = text == MISSING
                yield (("variants", id) if missing else section) + location, text
        yield from _problems_of_own_training(config, id)


def _problems_of_own_training(config: Config, id: str) -> Iterator[Problem]:
    here = ("variants", id, TRAINING)
    try:
        yield from _problems_of_training(config.training_of(id), here)
    except ValidationError as error:
        yield from (((*here, *location), text) for location, text in problems_of(error))


def _problems_of_values(config: Config) -> Iterator[Problem]:
    if not SAFE_NAME.fullmatch(config.run_name):
        yield ("run_name",), "is no name for a folder: use letters, digits, _ . -"
    if config.run_name == MACHINE_FOLDER:
        yield ("run_name",), f"is {MACHINE_FOLDER!r}, the folder of what all runs share"
    if "$" in config.results:
        yield ("results_folder",), f"is {config.results_folder!r}: no such variable is set"
    if not 0 < config.subset <= 1:
        yield ("subset",), f"is {config.subset}: expected more than 0 and at most 1"
    lists: dict[Location, Any] = {("seeds",): config.seeds}
    lists |= {("tables", name, "seeds"): table.seeds for name, table in config.tables.items()}
    lists |= {("variants", id, SEEDS): own.get(SEEDS) for id, own in config.variants.items()}
    for location, seeds in lists.items():
        if seeds is not None and not _are_seeds(seeds):
            shown = list(seeds) if isinstance(seeds, tuple) else repr(seeds)
            yield location, f"is {shown}: expected one or more different numbers from 0"
    if not config.experiments:
        yield ("experiments",), f"is empty: choose from {', '.join([*config.sets, *config.tables])}"
    positive = {
        ("epochs",): config.epochs,
        ("runs_per_gpu",): config.runs_per_gpu,
        ("data", "split", "train"): config.data.split.train,
        ("data", "split", "validation"): config.data.split.validation,
        ("data", "split", "test"): config.data.split.test,
    }
    for location, value in positive.items():
        if value <= 0:
            yield location, f"is {value}: expected more than 0"
    yield from _problems_of_training(config.training, (TRAINING,))


def _are_seeds(seeds: Any) -> bool:
    whole = isinstance(seeds, list | tuple) and all(type(seed) is int for seed in seeds)
    return whole and len(set(seeds)) == len(seeds) > 0 and min(seeds) >= 0


def _problems_of_training(settings: TrainingSettings, here: Location) -> Iterator[Problem]:
    for key in ("batch_size", "threads", "learning_rate"):
        value = getattr(settings, key)
        if value <= 0:
            yield (*here, key), f"is {value}: expected more than 0"
    if settings.patience is not None and settings.patience < 1:
        yield (*here, "patience"), f"is {settings.patience}: expected 1 or more, or null for none"
    if settings.weight_decay < 0:
        yield (*here, "weight_decay"), "is negative: expected 0 or more"


def _problems_of_names(config: Config) -> Iterator[Problem]:
    wrong = list(_problems_of_experiments(config))
    yield from wrong or _problems_of_replacement(config)
    for name, figure in config.figures.items():
        for number, curve in enumerate(figure.curves):
            here: Location = ("figures", name, "curves", number, "variants")
            yield from _unknown_variants(config, curve.variants, here)
    for name, table in config.tables.items():
        for number, row in enumerate(table.rows):
            yield from _problems_of_row(config, table, row, ("tables", name, "rows", number))
    for section in (config.tables, config.figures):
        for name in section:
            if not SAFE_NAME.fullmatch(name):
                yield (name,), "is no name for a file: use letters, digits, _ . -"
    for name in config.figures.keys() & set(RESERVED_FIGURES):
        yield ("figures", name), "is drawn in any case: choose another name"


def _problems_of_replacement(config: Config) -> Iterator[Problem]:
    runs = [f"{id}/seed_{seed}" for id, seed in config.runs]
    for name in set(config.replace) - {ALL, DATA, *config.variants, *runs}:
        hint = nearest(name, [ALL, DATA, *config.variant_ids, *runs])
        yield ("replace",), f"names {name!r}: no such result{hint}"


def _problems_of_experiments(config: Config) -> Iterator[Problem]:
    for name in config.experiments:
        known = [*config.sets, *config.tables]
        if name not in known:
            yield ("experiments",), f"names {name!r}: no such table or set{nearest(name, known)}"
    for set_name, names in config.sets.items():
        for name in set(names) - set(config.tables):
            hint = nearest(name, config.tables)
            yield ("sets", set_name), f"names {name!r}: no such table{hint}"
    for name in config.sets.keys() & config.tables.keys():
        yield ("sets", name), "is the name of a table too: choose another"


def _problems_of_row(config: Config, table: Table, row: Row, here: Location) -> Iterator[Problem]:
    if len(row.label) != len(table.header):
        texts, headings = len(row.label), len(table.header)
        yield (*here, "label"), f"has {texts} texts for {headings} headings"
    most = len(row.variants) if table.best else 1
    if not 1 <= len(row.variants) <= most:
        needed = "needs exactly one variant; for several set `best` on the table"
        yield (*here, "variants"), needed
    yield from _unknown_variants(config, row.variants, (*here, "variants"))


def _unknown_variants(config: Config, ids: Iterable[str], here: Location) -> Iterator[Problem]:
    for id in ids:
        if id not in config.variants:
            yield here, f"names {id!r}: no such variant{nearest(id, config.variants)}"


def keys_at(location: Location) -> list[str]:
    """The keys that the configuration knows at `location`."""
    match location:
        case ("architecture",):
            return VARIANT_KEYS
        case ("variants", _):
            return [*VARIANT_KEYS, TRAINING, SEEDS]
        case ("variants", _, "training"):
            location = (TRAINING,)
    schema = TypeAdapter(Config).json_schema()
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
