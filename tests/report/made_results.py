"""Small made-up results, and the report on them, for the tests of the report."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from bs4 import BeautifulSoup

from analysis_fixture import make_runtimes
from convnets.architectures.variant import Variant
from convnets.config.experiments import Table
from convnets.config.settings import parse
from convnets.core.files import write_json, write_text
from convnets.exhibits.tables import make_table
from convnets.judging.claims import load_claims
from convnets.judging.numbers import compare
from convnets.judging.others import read_prior
from convnets.judging.published import read_published
from convnets.judging.readings import judge_readings, read_paper
from convnets.judging.table import judge_all
from convnets.runs.metrics import collect, read_runs

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
PUBLISHED = read_published(ROOT / "config/published_values.csv")
PRIOR = read_prior(ROOT / "config/prior")
CLAIMS = load_claims(ROOT / "config/claims.yaml")
MECHANISM = {
    part.computed: {"value": 1.0, "low": 1.0, "high": 1.0, "how": "made up"}
    for claim in CLAIMS
    for part in claim.parts
    if part.computed
}
SECTIONS = (
    "summary",
    "discussion",
    "claims",
    "witnesses",
    "exhibits",
    "numbers",
    "analyses",
    "readings",
)
SECTIONS += ("provenance",)
CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
ACCURACY = {"fully_connected": 0.7512, "stride_2": 0.8123, "stride_3": 0.8034, "stride_4": 0.7945}
"""Made-up test accuracies of the first seed; the second's is 0.001 higher."""
SECONDS = {
    variant: [(1 + place) * (10 + number % 4) for number in range(9)]
    for place, variant in enumerate(ACCURACY)
}
"""Made-up seconds an epoch in each round."""
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1">
<title>Runtime &amp; co</title><desc>Two "curves" climb.</desc><path d="M0 0"/></svg>"""
PLAN = {
    "epochs": 3,
    "command": "snakemake --cores 2 --configfile a&b.yaml",
    "tables": {"table_2": CONFIG["tables"]["table_2"]},
    "figures": {},
    "figure_names": ["figure_08"],
}


STUDY = "\n".join(
    [
        "variant,seed,reference_accuracy,plan_accuracy,data,train_images,test_images,epochs,"
        "precision,kernels,device_name",
        "stride_2,0,0.81,0.812,Made-up images,18000,3000,5,bfloat16,fused,A processor",
        "stride_2,1,0.80,0.799,Made-up images,18000,3000,5,bfloat16,fused,A processor",
    ]
)


def make_results(folder: Path, source: str = "glyphs", epochs: int = 3) -> Path:
    """What the workflow leaves behind, for four variants and two seeds."""
    provenance = make_provenance(source)
    write_json(folder / "data" / "provenance.json", provenance)
    runs = [
        make_run(folder / "runs" / variant / f"seed_{seed}", variant, seed, epochs)
        for variant in ACCURACY
        for seed in (0, 1)
    ]
    collect(runs, make_runtimes(SECONDS)).to_csv(folder / "metrics.csv", index=False)
    metrics = read_runs(folder / "metrics.csv")
    config = parse(Table, CONFIG["tables"]["table_2"], "it")
    make_table(config, metrics, provenance, folder / "tables/table_2")
    write_text(folder / "figures/figure_08.svg", FIGURE)
    write_text(folder / "figures/figure_08.csv", "epoch,mean\n1,0.5\n")
    compare(PUBLISHED, metrics, provenance, PRIOR).to_csv(folder / "comparison.csv", index=False)
    claims = judge_all(CLAIMS, metrics[:0], {}, PUBLISHED, PRIOR, MECHANISM, provenance)
    claims.to_csv(folder / "claims.csv", index=False)
    planned = [
        {"variant": variant, "seed": seed, "multiply_adds": 1}
        for variant in ACCURACY
        for seed in (0, 1)
    ]
    write_json(folder / "plan.json", {**PLAN, "runs": planned})
    judged = judge_readings(read_paper().readings, PUBLISHED, metrics, provenance)
    judged.to_csv(folder / "readings.csv", index=False)
    return folder


def make_provenance(source: str) -> dict[str, Any]:
    split = {"train": 100000, "validation": 15800, "test": 15800}
    return {
        "display_name": "Synthetic glyphs" if source == "glyphs" else "EMNIST Balanced",
        "official": source != "glyphs",
        "source": source,
        "files": [{"name": "a<b.zip", "bytes": 12345, "md5": "d" * 32, "sha256": "c" * 64}],
        "settings": {"source": source, "seed": 0, "split": {"protocol": "leftover"}},
        "counts": {"available": {"train": 112800, "test": 18800}, "split": split},
        "duplicates": {"within": {"train": 7, "test": 0}, "train_test": 3},
    }


def make_run(folder: Path, name: str, seed: int, epochs: int) -> Path:
    keys = {**CONFIG["architecture"], **CONFIG["variants"][name], "id": name}
    known = {key: value for key, value in keys.items() if key in Variant.__dataclass_fields__}
    variant = parse(Variant, known, "it")
    accuracy = ACCURACY[name] + 0.001 * seed
    climb = [accuracy - 0.3 / (epoch + 1) for epoch in range(epochs)]
    write_json(
        folder / "run.json",
        {
            "variant": variant.specification(),
            "sizes": variant.sizes,
            "parameters": variant.parameters,
            "multiply_adds": variant.multiply_adds,
            "receptive_field": variant.receptive_field,
            "seed": seed,
            "epochs": epochs,
            "training": {**CONFIG["training"]},
            "data": {"split": make_provenance("glyphs")["counts"]["split"], "digest": "e" * 64},
            "device": "cpu",
            "device_name": "Difference Engine No. 2",
            "precision": "float32",
            "software": {"python": "3.12", "torch": "2.13.0", "numpy": "2", "platform": "Brass"},
            "git_commit": "0123abc",
            "started": "1849-01-01T00:00:00+00:00",
            "finished": "1849-01-01T01:00:00+00:00",
            "train_seconds": 1800.0,
            "best_epoch": epochs,
            "best_val_accuracy": climb[-1],
        },
    )
    accuracies = {"train_accuracy": climb, "val_accuracy": climb}
    history = pd.DataFrame({"epoch": range(1, epochs + 1), **accuracies})
    write_text(folder / "history.csv", history.assign(epoch_seconds=600.0).to_csv(index=False))
    per_class = {label: (0.25 if label == "q" else accuracy) for label in CLASSES}
    result = {"test_images": 15800, "test_accuracy": accuracy, "test_loss": 0.5}
    write_json(folder / "test.json", {**result, "per_class_accuracy": per_class})
    return folder


def render(results: Path, output: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/render_page.py", "report", "--results", str(results)]
    command += ["--output", str(output or results / "report.html")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def text_of(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).split())
