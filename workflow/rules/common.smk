# The validated configuration, and what all rule files derive from it.

import contextlib
import json
import os
import shlex
import shutil
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import yaml
from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, f"{workflow.basedir}/scripts")

from convnets.config.schema import ANALYSIS_FIGURES, ANIMATED, LAYER_FIGURES, POOLING_FIGURE
from convnets.config.checks import load_config
from convnets.config.overlays import BASE, read_config
from convnets.core.errors import UserError
from convnets.core.files import file_digest, share_lock, write_json, write_text
from convnets.runs.finished import results_to_replace
from convnets.core.lock import run_lock
from convnets.training.resources import training_megabytes, training_minutes
from convnets.config.settings import MACHINE_FOLDER, to_json
from convnets.core.stages import VERSIONS


@contextlib.contextmanager
def refused():
    """End Snakemake with one message on a `UserError`."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")


with refused():  # before Snakemake reads it, which names no line in its errors
    read_config(Path(BASE))


configfile: BASE


# Environments of conda hold all that their scripts need: neither those nor pip, which fills the
# environments, look at packages elsewhere. Snakemake itself hides PYTHONPATH from the scripts.
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    os.environ |= {"PYTHONNOUSERSITE": "1", "PIP_IGNORE_INSTALLED": "1"}

# A Snakemake that is killed leaves lock files, which do not say whose they are. So every one of
# this workflow holds a lock of the kernel as long as it lives; if it is alone, the files are stale.
if workflow.is_main_process:
    running, alone = share_lock(Path(".snakemake/running.lock"))
    if alone:
        for file in Path(".snakemake/locks").glob("*.lock"):
            file.unlink()

# Later files override earlier ones; Snakemake lists those of the command line first.
overlays = [Path(file) for file in workflow.config_settings.configfiles]
base = [Path(file) for file in workflow.configfiles if Path(file).resolve() not in overlays]

with refused():
    CONFIG = load_config([*base, *overlays], workflow.config_settings.config)
    # Jobs on other nodes find replaced results gone.
    REPLACED = results_to_replace(CONFIG) if workflow.is_main_process else set()

# What the report tells its readers to type.
command = ["snakemake", "--cores", "4"]
if overlays:
    command += ["--configfile", *(os.path.relpath(file, workflow.basedir) for file in overlays)]
if workflow.config_settings.config:
    changes = workflow.config_settings.config.items()
    command += ["--config", *(f"{key}={json.dumps(value)}" for key, value in changes)]
COMMAND = shlex.join(command)

RESULTS = CONFIG.results
held = contextlib.ExitStack()
RUN = f"{RESULTS}/runs/{{variant}}/seed_{{seed}}"
TRAINING_ENV = "../../envs/training.yaml"
ANALYSIS_ENV = "../../envs/analysis.yaml"
PUBLISHED = "config/published_values.csv"
PRIOR = ["config/prior/runs.csv", "config/prior/curves.csv"]
READINGS = "config/readings.yaml"

PROVENANCE = f"{RESULTS}/data/provenance.json"
ARRAYS = multiext(f"{RESULTS}/data/", "images.npy", "labels.npy", "split.npz")
# The provenance holds a digest of the arrays, so their own file times say nothing.
DATA = [PROVENANCE, *ancient(ARRAYS)]
RUNTIMES = f"{RESULTS}/runtimes.csv"
METRICS = f"{RESULTS}/metrics.csv"
COMPARISON = f"{RESULTS}/comparison.csv"
MECHANISM = f"{RESULTS}/mechanism.json"
CLAIMS = f"{RESULTS}/claims.csv"
READINGS_JUDGED = f"{RESULTS}/readings.csv"
STILL = expand(f"{RESULTS}/figures/{{name}}.svg", name=LAYER_FIGURES)
FIGURE_NAMES = [*LAYER_FIGURES, POOLING_FIGURE, *CONFIG.figure_names, *CONFIG.analysis_figures]
FORMATS = ["csv", "md", "tex"]
TABLES = expand(f"{RESULTS}/tables/{{name}}.{{format}}", name=CONFIG.table_names, format=FORMATS)
FIGURES = expand(f"{RESULTS}/figures/{{name}}.{{format}}", name=FIGURE_NAMES, format=["svg", "png"])


# An input of the jobs that replace something: newer than what they made before.
REPLACEMENT = f"{RESULTS}/replacement"
if REPLACED:
    with refused():
        write_json(REPLACEMENT, sorted(map(str, REPLACED)))


# The Slurm plugin needs help with the answers of sacct; the program there says why.
if shutil.which("sacct"):
    helper = Path(workflow.basedir, "workflow", "slurm")
    os.environ |= {"PATH": f"{helper}{os.pathsep}{os.getenv('PATH')}"}


wildcard_constraints:
    variant="|".join(CONFIG.variants),
    seed=r"\d+",


def shown(file, caption, category, **labels):
    """A file, or files of one kind, that Snakemake's report shows."""
    caption = f"../../report/captions/{caption}.rst"
    labels["format"] = Path(file if isinstance(file, str) else file[0]).suffix[1:]
    return report(file, caption=caption, category=category, labels=labels)


def templates(*folders):
    """The files in folders of report/: those that pages and texts are made of."""
    files = (file for folder in folders for file in Path("report", folder).iterdir())
    return sorted(str(file) for file in files if file.is_file())


def of_runs(file, variants):
    """Paths of `file` in the folders of all runs of some variants."""
    return [
        f"{RUN}/{file}".format(variant=variant, seed=seed)
        for variant, seed in CONFIG.runs
        if variant in variants
    ]


of_all_runs = partial(of_runs, variants=CONFIG.variant_ids)
of_analysed_runs = partial(of_runs, variants=CONFIG.analysed_variants)


def hold_results():
    """Keep every other Snakemake, also one of another clone, from these results.

    Snakemake's own lock is gone while an interrupted one still waits for its last jobs."""
    with refused():
        held.enter_context(run_lock(Path(RESULTS)))


def write_plan():
    """Write down the configuration and what there will be, for scripts/status.py and scripts/report_now.py."""
    plan = {
        "epochs": CONFIG.epochs,
        "runs": [
            {"variant": id, "seed": seed, "multiply_adds": CONFIG.variant(id).multiply_adds}
            for id, seed in CONFIG.runs
        ],
        "command": COMMAND,
        "tables": {name: asdict(CONFIG.tables[name]) for name in CONFIG.table_names},
        "figures": {name: asdict(CONFIG.figures[name]) for name in CONFIG.figure_names},
        "figure_names": FIGURE_NAMES,
    }
    with refused():
        write_json(f"{RESULTS}/plan.json", plan)
        resolved = yaml.safe_dump(json.loads(json.dumps(asdict(CONFIG))), sort_keys=False)
        write_text(f"{RESULTS}/config.yaml", resolved)


def histories_of_figure(wildcards):
    """Training curves of the variants that a figure shows."""
    return of_runs("history.csv", CONFIG.figures[wildcards.name].variants)


def megabytes_of_training(id, attempt):
    """Main memory of a run of the variant `id`, more with each attempt."""
    return training_megabytes(CONFIG.variant(id), CONFIG.training_of(id), attempt)


def inputs_of_analysis(wildcards):
    """Files that one analysis needs beside those of all."""
    needed = {
        "receptive_fields": rules.gradients.output,
        "confusions": [*DATA, *of_analysed_runs("predictions.npz")],
        "agreement": of_analysed_runs("predictions.npz"),
        "curves": of_analysed_runs("history.csv"),
    }
    return needed.get(wildcards.topic, [])


def inputs_of_training(wildcards):
    """The prepared data, unless the run is finished."""
    folder = Path(RUN.format(**wildcards))
    if folder in REPLACED:
        return [*DATA, REPLACEMENT]
    return [] if (folder / "run.json").exists() else DATA


def threads_of_measuring(wildcards):
    """All cores of this machine, so that no other job runs; on a cluster those of a run."""
    if workflow.is_main_process and workflow.local_exec:
        return workflow.resource_settings.cores or 1
    return max(CONFIG.training_of(id).threads for id in CONFIG.variant_ids)
