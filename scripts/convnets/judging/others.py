"""Other people's runs of the same networks (config/prior), as a witness.

Each quantity has a linear mixed model: a mean for every variant, and random effects of the person
(on all variants, and on each) and of the seed on each variant (docs/judging.md).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from convnets.core.files import ROOT
from convnets.core.tables import read_table
from convnets.judging.conditions import PAPER_EPOCHS
from convnets.judging.estimates import ACCURACY, OF_BEST, Estimates, on_scale
from convnets.judging.published import RESTORE, distinct_numbers
from convnets.judging.verdicts import Witness
from convnets.judging.witnesses import SeedSample, images_of

PRIOR = ROOT / "config/prior"
COLUMNS = (
    *("run_key", "repository", "architecture", "use_bias", "seed", "num_layers", "batch_size"),
    *("epochs_run", "best_epoch", "test_accuracy", "seconds_per_epoch"),
)
"""Columns of `runs.csv` that are read; the first five are never empty."""
DEFAULT_SEED = "7112018"
"""The framework's default."""
LEAST = -12.0
"""Least logarithm of a variance component, relative to the variance of the values."""


@dataclass(frozen=True)
class MixedModel:
    """A fitted linear mixed model."""

    means: pd.Series
    """By variant."""
    covariance: pd.DataFrame
    """Of the means."""
    variance: float
    """Of a single run of another person with another seed."""
    df: float
    components: tuple[float, ...] = ()
    """Parts of `variance`: person, person and variant, seed and variant, repeat."""

    def __add__(self, other: "MixedModel") -> "MixedModel":
        """The model of the sum of two quantities whose errors are independent."""
        total = self.variance + other.variance
        df = total**2 / (self.variance**2 / self.df + other.variance**2 / other.df)
        means = (self.means + other.means).dropna()
        covariance = (self.covariance + other.covariance).loc[means.index, means.index]
        return MixedModel(means, covariance, total, df)


@dataclass(frozen=True)
class Prior:
    """The runs that used the paper's settings, with the project's quantities and a `person`."""

    runs: pd.DataFrame

    @cached_property
    def models(self) -> dict[str, MixedModel]:
        """The models of all quantities; few have a runtime until the best epoch, hence the sum."""
        fitted = (ACCURACY, "best_epoch", "epoch_seconds")
        models = {name: fit(self.usable(name)) for name in fitted}
        return models | {"seconds_to_best": models["best_epoch"] + models["epoch_seconds"]}

    def usable(self, quantity: str) -> pd.DataFrame:
        """The runs that have a quantity, with its `value`: a fraction, else a logarithm.

        Runs that ended before the paper's epochs and before twice their best epoch have no accuracy
        and no best epoch.
        """
        runs = self.runs[self.runs[quantity].notna()]
        if quantity == ACCURACY or quantity in OF_BEST:
            epochs = runs["epochs_run"]
            runs = runs[(epochs >= PAPER_EPOCHS) | (2 * runs["best_epoch"] <= epochs)]
        return runs.assign(value=on_scale(quantity, runs[quantity]))

    def counts(self, quantity: str) -> pd.DataFrame:
        """Number of `runs` and `persons` of each variant."""
        groups = self.usable(quantity).groupby("variant")
        return pd.DataFrame({"runs": groups.size(), "persons": groups["person"].nunique()})


def other_peoples_runs(prior: Prior, variants: list[str], ours: SeedSample) -> Witness:
    """The witness for a family over `variants`; image error comes from ours, or is assumed."""

    def estimates(quantity: str, weights: np.ndarray) -> Estimates:
        model = prior.models[quantity]
        means = model.means.reindex(variants).to_numpy()
        between = model.covariance.reindex(variants, columns=variants).fillna(0).to_numpy()
        covered = (weights[:, np.isnan(means)] == 0).all(axis=1)
        of_people = ((weights @ between) * weights).sum(axis=1)
        of_images = np.zeros(len(weights))
        if quantity == ACCURACY:
            images = images_of(means, ours)
            of_images = np.maximum(((weights @ images) * weights).sum(axis=1), 0)
        persons = prior.counts(quantity)["persons"].reindex(variants).fillna(0).to_numpy()
        return Estimates(
            np.where(covered, weights @ np.nan_to_num(means), np.nan),
            np.where(covered, of_people, 1.0),
            np.full(len(weights), model.df),
            of_images,
            np.where(weights != 0, persons, persons.max()).min(axis=1).astype(int),
        )

    return estimates


def read_prior(folder: Path = PRIOR) -> Prior:
    """Other people's runs, as config/prior has them."""
    types = {"use_bias": bool}
    runs = read_table(
        folder / "runs.csv", RESTORE, COLUMNS, COLUMNS[5:], COLUMNS[:5], ("run_key",), dtype=types
    )
    runs = runs.rename(columns={"architecture": "variant", "seconds_per_epoch": "epoch_seconds"})
    runs["person"] = runs["repository"].str.split("/").str[0]
    runs["seconds_to_best"] = runs["best_epoch"] * runs["epoch_seconds"]
    same = (runs["num_layers"] == 4) & ~runs["use_bias"] & (runs["batch_size"] == 100)
    return Prior(runs[same & ~runs["variant"].str.startswith("other:")])


def read_curves(folder: Path = PRIOR) -> pd.DataFrame:
    """Validation accuracy (`val_acc`) of the runs of `read_prior` by `run_key` and `epoch`.

    `seconds` is the runtime until then, nan where nobody noted the seconds of an epoch.
    """
    runs = read_prior(folder).runs[["run_key", "variant", "epoch_seconds"]]
    columns = ("run_key", "epoch", "val_acc")
    curves = read_table(folder / "curves.csv", RESTORE, columns, columns[1:], columns)
    curves = curves.merge(runs, on="run_key")
    return curves.assign(seconds=curves["epoch"] * curves["epoch_seconds"])


def fit(runs: pd.DataFrame) -> MixedModel:
    """The mixed model of `value`, by restricted maximum likelihood."""
    names = sorted(runs["variant"].unique())
    design = (runs["variant"].to_numpy()[:, None] == np.array(names)).astype(float)
    values = runs["value"].to_numpy()
    effects = (["person"], ["variant", "person"], ["variant", "seed"])
    numbers = [runs.groupby(effect).ngroup().to_numpy() for effect in effects]
    groups = [np.equal.outer(own, own).astype(float) for own in (*numbers, np.arange(len(runs)))]
    scale = float(np.var(values - design @ np.linalg.lstsq(design, values)[0]))

    def parts(logarithms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        total = sum(v * group for v, group in zip(np.exp(logarithms), groups, strict=True))
        inverse = np.linalg.inv(scale * np.asarray(total))
        covariance = np.linalg.inv(design.T @ inverse @ design)
        means = covariance @ design.T @ inverse @ values
        return inverse, covariance, means, values - design @ means

    def deviance(logarithms: np.ndarray) -> float:
        inverse, covariance, _, rest = parts(logarithms)
        determinants = [np.linalg.slogdet(matrix)[1] for matrix in (inverse, covariance)]
        return float(rest @ inverse @ rest - determinants[0] - determinants[1])

    def gradient(logarithms: np.ndarray) -> np.ndarray:
        inverse, covariance, _, rest = parts(logarithms)
        weighted, within = inverse @ rest, inverse @ design
        projected = inverse - within @ covariance @ within.T
        slopes = [(projected * group).sum() - weighted @ group @ weighted for group in groups]
        return np.asarray(scale * np.exp(logarithms) * slopes)

    start, bounds = np.full(len(groups), -1.0), [(LEAST, 4)] * len(groups)
    best = optimize.minimize(deviance, start, jac=gradient, method="L-BFGS-B", bounds=bounds).x
    free = best > LEAST

    def slopes(logarithms: np.ndarray) -> np.ndarray:
        best[free] = logarithms
        return gradient(best)[free]

    # Where exactly the minimum is; the minimiser ends anywhere nearby, depending on the processor.
    best[free] = optimize.root(slopes, best[free], tol=1e-12).x
    _, covariance, means, _ = parts(best)
    components = tuple((scale * np.exp(best)).tolist())
    df = max(runs["person"].nunique() - 1, 1)
    of_means = pd.DataFrame(covariance, names, names)
    return MixedModel(pd.Series(means, names), of_means, sum(components), df, components)


def papers_seed(published: pd.DataFrame) -> dict[str, Any]:
    """Whether the paper used the framework's default seed, as its best epochs suggest.

    A run's regret is its best validation accuracy minus that at the paper's best epoch; it is small
    if the paper had the run's seed. The permutation test exchanges seeds between persons
    (docs/judging.md).
    """
    runs = read_prior().runs
    runs = runs.assign(epoch=runs["variant"].map(distinct_numbers(published)["best_epoch"]))
    runs = runs[runs["seed"].isin([DEFAULT_SEED, "0"]) & (runs["epoch"] <= runs["epochs_run"])]
    curves = read_curves()[["run_key", "epoch", "val_acc"]]
    curves["best"] = curves.groupby("run_key")["val_acc"].transform("max")
    runs = runs.astype({"epoch": int}).merge(curves, on=["run_key", "epoch"])
    runs["regret"] = runs["best"] - runs["val_acc"]
    by_seed = runs.groupby("seed")["regret"].mean()
    runs["relative"] = runs["regret"] - runs.groupby("variant")["regret"].transform("mean")
    persons = runs.groupby("person").agg(seed=("seed", "first"), regret=("relative", "mean"))
    default = persons["seed"] == DEFAULT_SEED
    test = stats.permutation_test(
        (persons["regret"][default], persons["regret"][~default]),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        alternative="less",
        n_resamples=np.inf,
    )
    return {
        "runs": len(runs),
        "persons": len(persons),
        "regret_default": float(by_seed[DEFAULT_SEED]),
        "regret_other": float(by_seed["0"]),
        "p": float(test.pvalue),
    }
