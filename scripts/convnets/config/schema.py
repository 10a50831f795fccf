"""The configuration, validated as a whole before any job starts.

Only the workflow, the documentation and `plan.py` import this module: it needs pydantic and PyYAML,
which come with Snakemake, while the other scripts get their settings from the command line.
"""

import dataclasses
import os
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import BeforeValidator, Field, with_config
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from convnets.architectures.variant import Variant
from convnets.config.experiments import Figure, Table
from convnets.config.settings import MACHINE_FOLDER, DataSettings, TrainingSettings
from convnets.core.kinds import STRICT, Name, PathText, PerGpu, Positive, Seed, Several

POOLING_FIGURE = "figure_06"
"""Pooling outputs of a test image."""
LAYER_FIGURES = ("figure_01", "figure_02", "figure_03", "figure_04", "figure_05", "figure_07")
"""How layers compute. Like the figure of pooling outputs they show no training curves."""
ANALYSIS_FIGURES = (
    *("analysis_accuracies", "analysis_receptive_fields", "analysis_pareto"),
    *("analysis_confusions", "analysis_agreement", "analysis_curves"),
)
"""Figures of `convnets.analyses.registry`."""
ANIMATED = (*LAYER_FIGURES[:4], "columns_back", "figure_07")
"""Figures that are animated, too."""
DRAWN_FIGURES = (*LAYER_FIGURES, POOLING_FIGURE, *ANALYSIS_FIGURES)
"""Figures that no configuration describes."""
RESERVED_FIGURES = {*DRAWN_FIGURES, *(f"{name}_animated" for name in ANIMATED)}
RESERVED_RUN_NAMES = {
    MACHINE_FOLDER: "the measurements that all runs share",
    "published": "the committed results",
    "slurm_logs": "the logs of Slurm",
}
"""Folders beside those of the runs, and what is in them."""

ALL, DATA = "all", "data"
"""What `replace` can name beside runs and variants."""
PAPER = "paper"
"""The set of the paper's tables."""
TRAINING = "training"
"""Key of a variant: settings of the training that are its own."""
SEEDS = "seeds"
"""Key of a variant: its seeds, in place of those of the configuration and its tables."""
FROM_ELSEWHERE = ("id", "image_kind")
"""Attributes of a variant that are no keys of it."""


def _some_of(name: str, cls: type, **more: Any) -> Any:
    """A section `name` with keys of the dataclass `cls`, all of which can be left out."""
    hints = typing.get_type_hints(cls, include_extras=True) | more
    keys = {key: NotRequired[hint] for key, hint in hints.items() if key not in FROM_ELSEWHERE}
    section = TypedDict(name, keys)  # type: ignore[misc]
    return with_config(STRICT)(section)


SOME_OF = {"SharedKeys": Variant, "OwnKeys": Variant, "OwnTraining": TrainingSettings}
SharedKeys: Any = _some_of("SharedKeys", Variant)
OwnTraining: Any = _some_of("OwnTraining", TrainingSettings)
OwnKeys: Any = _some_of("OwnKeys", Variant, training=OwnTraining, seeds=Several[Seed])


def _as_list(names: Any) -> Any:
    return (
        (names,) if isinstance(names, str) else tuple(names) if isinstance(names, list) else names
    )


OneOrMore = BeforeValidator(_as_list, json_schema_input_type=str | list[str])


@dataclass(frozen=True)
class Config:
    """The whole configuration."""

    __pydantic_config__ = STRICT

    run_name: Name
    """Results go to the folder of this name in `results_folder`."""
    results_folder: PathText
    """Where the results of all configurations lie. It can be on another disk; variables of the
    environment are filled in: `$SCRATCH/convnets`."""
    epochs: Positive
    """Epochs to train each run for (paper, Section 4: 100)."""
    subset: Annotated[float, Field(gt=0, le=1)]
    """Share of the split's images to use, more than 0 and at most 1: 0.1 trains, validates and
    tests on a tenth."""
    seeds: Several[Seed]
    """One run of each variant for each seed. The paper ran one."""
    runs_per_gpu: PerGpu
    """Runs that train side by side on one GPU, each with its share of the memory. More than one
    makes a sweep faster; runtimes are measured afterwards, one variant at a time."""
    experiments: Annotated[Several[str], OneOrMore]
    """Which of `tables` and `sets` to make, one name or a list; only their variants are trained."""
    replace: Annotated[tuple[str, ...], OneOrMore]
    """Finished results that may be made again with other settings, one name or a list: `data`, a
    variant's id, `VARIANT/seed_S`, or `all`. What is not named here is never replaced."""
    data: DataSettings
    """Where the images come from and how they are split."""
    training: TrainingSettings
    """The training procedure."""
    architecture: SharedKeys
    """Keys of a variant that all variants share unless they say otherwise."""
    variants: dict[Name, OwnKeys]
    """The architectures, by id. The key `training` has settings that are the variant's own. The key
    `seeds` replaces the seeds of the configuration and its tables for one variant."""
    tables: dict[Name, Table]
    """The experiments, by name: each trains the variants of its rows and makes one table."""
    sets: dict[Name, Several[str]]
    """Names for several tables at once, to be chosen in `experiments`."""
    figures: dict[Name, Figure]
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
        return Variant(**merged)

    def training_of(self, id: str) -> TrainingSettings:
        """How the variant `id` is trained."""
        return dataclasses.replace(self.training, **self.variants[id].get(TRAINING, {}))
