"""All that is judged of finished runs: comparison.csv, claims.csv and readings.csv."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from convnets.judging.claims import load_claims
from convnets.judging.comparison import compare
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import judge_readings, load_readings
from convnets.judging.table import judge_all
from convnets.judging.witnesses import read_right


def judge_runs(
    folders: Iterable[Path],
    runs: pd.DataFrame,
    mechanism: Mapping[str, Any],
    provenance: dict[str, Any],
) -> dict[str, pd.DataFrame]:
    """The tables by name; `runs` is metrics.csv of the runs in `folders`."""
    published, prior = read_published(), read_prior()
    claims = (load_claims(), runs, read_right(folders), published, prior, mechanism, provenance)
    return {
        "comparison": compare(published, runs, provenance, prior),
        "claims": judge_all(*claims),
        "readings": judge_readings(load_readings(), published, runs, provenance),
    }
