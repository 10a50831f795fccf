"""The configuration, validated as a whole before any job starts; programs get only parts of it."""

import dataclasses
import os
import typing
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from convnets.architectures.variant import Variant
from convnets.config.experiments import Figure, Table
from convnets.config.settings import DataSettings, TrainingSettings
from convnets.core.kinds import STRICT, Name, PathText, PerGpu, Positive, Seed, Several, Strict

POOLING_FIGURE = "figure_06"
"""Pooling outputs of a test image."""
LAYER_FIGURES = ("figure_01", "figure_02", "figure_03", "figure_04", "figure_05", "figure_07")
"""Figures of the computation of layers."""
TOPICS = ("accuracies", "receptive_fields", "pareto", "confusions", "agreement", "curves")
"""Analyses of `convnets.analyses.registry`."""
ANALYSIS_FIGURES = tuple(f"analysis_{topic}" for topic in TOPICS)
ANIMATED = (*LAYER_FIGURES[:4], "columns_back", "figure_07")
"""Figures that also have an animation."""
RESERVED_FIGURES = {*LAYER_FIGURES, POOLING_FIGURE, *(f"{name}_animated" for name in ANIMATED)}
"""Figures that are not in the configuration, beside those of analyses."""
ALL, DATA = "all", "data"
"""Names in `replace` other than runs and variants."""
PAPER = "paper"
"""The set of the paper's tables."""
TRAINING, SEEDS = "training", "seeds"
"""Keys of a variant that are not those of its architecture."""


def _some_of(name: str, cls: type, **more: Any) -> Any:
    """A section `name` with the keys of the dataclass `cls`, all of them optional."""
    described = TypeAdapter(cls).json_schema()["properties"]
    keys = {
        key: Annotated[hint, Field(description=described[key]["description"])]
        for key, hint in typing.get_type_hints(cls, include_extras=True).items()
        if key not in ("id", "image_kind")
    }
    section = TypedDict(name, keys | more, total=False)  # type: ignore[misc]
    return with_config(STRICT)(section)


SharedKeys: Any = _some_of("SharedKeys", Variant)
OwnTraining: Any = _some_of("OwnTraining", TrainingSettings)
OwnKeys: Any = _some_of("OwnKeys", Variant, training=OwnTraining, seeds=Several[Seed])


def _as_tuple(names: Any) -> Any:
    names = [names] if isinstance(names, str) else names
    return tuple(names) if isinstance(names, list) else names


OneOrMore = BeforeValidator(_as_tuple, json_schema_input_type=str | list[str])


@dataclass(frozen=True)
class Config(Strict):
    """The whole configuration."""

    run_name: Name
    """Name of the folder of the results in `results_folder`."""
    results_folder: PathText
    """Folder of the results of all configurations, which can be on another disk. Environment
    variables are filled in: `$SCRATCH/convnets`."""
    epochs: Positive
    """Epochs to train each run for (paper, Section 4: 100)."""
    subset: Annotated[float, Field(gt=0, le=1)]
    """Fraction of the split's images to use: 0.1 trains, validates and tests on a tenth."""
    seeds: Several[Seed]
    """One run of each variant for each seed. The paper ran one."""
    runs_per_gpu: PerGpu
    """Runs that train side by side on one GPU, each with its share of the memory. More than one
    makes a sweep faster; runtimes are measured afterwards, one variant at a time."""
    experiments: Annotated[Several[str], OneOrMore]
    """Names of `tables` and `sets` to make, one or a list; only their variants are trained."""
    replace: Annotated[tuple[str, ...], OneOrMore]
    """Finished results to replace if their settings changed, one name or a list: `data`, a
    variant's id, `VARIANT/seed_S`, or `all`. Other results are never replaced."""
    data: DataSettings
    """The source of the images, and their split."""
    training: TrainingSettings
    """The training procedure."""
    architecture: SharedKeys
    """Keys of all variants that do not have their own."""
    variants: dict[Name, OwnKeys]
    """The architectures, by id. The keys `training` and `seeds` contain a variant's own training
    settings, and its seeds instead of those of the configuration and its tables."""
    tables: dict[Name, Table]
    """The experiments, by name: each trains the variants of its rows and makes one table."""
    sets: dict[Name, Several[str]]
    """Names of groups of tables, for `experiments`."""
    figures: dict[Name, Figure]
    """Figures of the learning curves, by name; each is made if all its variants are trained."""

    @property
    def results(self) -> str:
        """The folder of all results of this configuration."""
        return str(Path(os.path.expandvars(self.results_folder)).expanduser() / self.run_name)

    @property
    def training_images(self) -> int:
        """Images per epoch, in training and validation."""
        return round(self.subset * (self.data.split.train + self.data.split.validation))

    @property
    def table_names(self) -> tuple[str, ...]:
        """Names of the tables that the chosen experiments make, each once."""
        chosen = (self.sets.get(name, (name,)) for name in self.experiments)
        return tuple(dict.fromkeys(chain(*chosen)))

    @property
    def variant_ids(self) -> tuple[str, ...]:
        """Ids of the variants that the chosen experiments need, each once."""
        return self._variants_of(self.table_names)

    @property
    def analysed_variants(self) -> tuple[str, ...]:
        """Ids of the variants that the analyses compare: more would be unreadable.

        They are those of the paper's tables and of tables without a set, such as a user's, if any;
        else all.
        """
        others = {table for name, tables in self.sets.items() if name != PAPER for table in tables}
        chosen = [name for name in self.table_names if name not in others]
        return self._variants_of(chosen or self.table_names)

    def _variants_of(self, tables: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(id for name in tables for id in self.tables[name].variants))

    @property
    def runs(self) -> tuple[tuple[str, int], ...]:
        """Variant id and seed of each run that the chosen experiments need, by variant and seed."""
        seeds: dict[str, set[int]] = defaultdict(set)
        for table in (self.tables[name] for name in self.table_names):
            for id in table.variants:
                seeds[id] |= {*(self.variants[id].get(SEEDS) or table.seeds or self.seeds)}
        return tuple((id, seed) for id, wanted in seeds.items() for seed in sorted(wanted))

    @property
    def figure_names(self) -> tuple[str, ...]:
        """Names of the figures all of whose variants are trained."""
        trained = set(self.variant_ids)
        return tuple(name for name, item in self.figures.items() if trained >= set(item.variants))

    @property
    def analysis_figures(self) -> tuple[str, ...]:
        """Names of the figures of the analyses that are possible with these variants."""
        analysed = self.analysed_variants
        possible = {
            "analysis_receptive_fields": any(self.variant(id).is_convolutional for id in analysed),
            "analysis_agreement": sum(id in analysed for id, _ in self.runs) > 1,
        }
        return tuple(name for name in ANALYSIS_FIGURES if possible.get(name, True))

    def variant(self, id: str) -> Variant:
        """The variant `id`, with the shared keys of `architecture`."""
        own = {k: v for k, v in self.variants[id].items() if k not in (TRAINING, SEEDS)}
        merged = self.architecture | own | {"id": id, "image_kind": self.data.image_kind}
        return Variant(**merged)

    def training_of(self, id: str) -> TrainingSettings:
        """The training settings of the variant `id`."""
        return dataclasses.replace(self.training, **self.variants[id].get(TRAINING, {}))
