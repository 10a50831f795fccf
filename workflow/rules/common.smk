# The validated configuration, and the paths and functions that all rule files share.

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
# The default profile imports it, to check configuration files before Snakemake reads them.
checked = "convnets.config.overlays" in sys.modules

from convnets.config.checks import load_config
from convnets.config.overlays import read_config
from convnets.config.schema import ANIMATED, LAYER_FIGURES, POOLING_FIGURE, TOPICS
from convnets.config.settings import MACHINE_FOLDER, to_json
from convnets.core.errors import UserError
from convnets.core.files import file_digest, run_lock, share_lock, write_json, write_text
from convnets.runs.finished import results_to_replace
from convnets.training.resources import training_megabytes, training_minutes


@contextlib.contextmanager
def refused():
    """End Snakemake with one message on a `UserError`."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")


with refused():  # before Snakemake reads the file, whose errors have no line numbers
    read_config(Path("config/config.yaml"))


configfile: "config/config.yaml"


# The conda environments are complete: neither their scripts nor the pip that fills them may find
# packages elsewhere. Snakemake itself hides PYTHONPATH from the scripts.
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    os.environ |= {"PYTHONNOUSERSITE": "1", "PIP_IGNORE_INSTALLED": "1"}

# A killed Snakemake leaves lock files that do not name their owner. So each Snakemake of this
# workflow holds a kernel lock while it runs; if no other one does, the lock files are stale.
if workflow.is_main_process:
    running, alone = share_lock(Path(".snakemake/running.lock"))
    if alone:
        for file in Path(".snakemake/locks").glob("*.lock"):
            file.unlink()

# Later files override earlier ones; Snakemake lists the files of the command line first.
overlays = [Path(file) for file in workflow.config_settings.configfiles]
base = [Path(file) for file in workflow.configfiles if Path(file).resolve() not in overlays]

if overlays and not checked and workflow.is_main_process:
    print(
        "warning: the profile in use lets Snakemake read configuration files, and run code in "
        "them, before they are checked: copy the end of workflow/profiles/default/config.yaml, "
        "from __use_yte__ on",
        file=sys.stderr,
    )

with refused():
    CONFIG = load_config([*base, *overlays], workflow.config_settings.config)
    # Only here: jobs on other nodes no longer find the replaced results.
    REPLACED = results_to_replace(CONFIG) if workflow.is_main_process else set()
    # An input of the jobs that replace results, newer than these results.
    REPLACEMENT = f"{CONFIG.results}/replacement"
    if REPLACED:
        write_json(REPLACEMENT, sorted(map(str, REPLACED)))

# The command that the report shows.
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

# A rule has the version of its stage among its parameters, and Snakemake repeats jobs whose
# parameters changed: code can be moved and reworded, and nothing is repeated. Raise a version when
# what the stage computes or shows changes; stages that read its results follow. A finished training
# is never repeated automatically; its version is `convnets.runs.identity.ARITHMETIC`.
VERSIONS = {
    "data": 2,
    "evaluation": 2,
    "runtimes": 1,
    "metrics": 2,
    "exhibits": 5,
    "judging": 6,
    "analyses": 5,
    "lesson": 5,
    "report": 7,
}

PROVENANCE = f"{RESULTS}/data/provenance.json"
# The provenance contains a digest of the arrays, so their own file times do not matter.
DATA = [PROVENANCE, *ancient(multiext(f"{RESULTS}/data/", "images.npy", "labels.npy", "split.npz"))]
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


# A wrapper of sacct for the Slurm plugin; its docstring explains why.
if shutil.which("sacct"):
    helper = Path(workflow.basedir, "workflow", "slurm")
    os.environ |= {"PATH": f"{helper}{os.pathsep}{os.getenv('PATH')}"}


wildcard_constraints:
    variant="|".join(CONFIG.variants),
    seed=r"\d+",
    topic="|".join(TOPICS),


def shown(file, caption, category, **labels):
    """A file, or files of one kind, that Snakemake's report shows."""
    caption = f"../../report/captions/{caption}.rst"
    labels["format"] = Path(file if isinstance(file, str) else file[0]).suffix[1:]
    return report(file, caption=caption, category=category, labels=labels)


def templates(*folders):
    """The templates in these folders of report/."""
    files = (file for folder in folders for file in Path("report", folder).iterdir())
    return sorted(str(file) for file in files if file.is_file())


def of_runs(file, variants):
    """Paths of `file` in the folders of all runs of some variants."""
    runs = [(id, seed) for id, seed in CONFIG.runs if id in variants]
    return [f"{RESULTS}/runs/{id}/seed_{seed}/{file}" for id, seed in runs]


of_all_runs = partial(of_runs, variants=CONFIG.variant_ids)
of_analysed_runs = partial(of_runs, variants=CONFIG.analysed_variants)


def begin():
    """Keep others from these results, and write the plan for scripts/status.py and report_now.py.

    Snakemake removes its own lock while it still waits for the last jobs of an interrupted workflow.
    """
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
        held.enter_context(run_lock(Path(RESULTS)))
        write_json(f"{RESULTS}/plan.json", plan)
        resolved = yaml.safe_dump(json.loads(json.dumps(asdict(CONFIG))), sort_keys=False)
        write_text(f"{RESULTS}/config.yaml", resolved)


def megabytes_of_training(id, attempt):
    """Main memory of a run of the variant `id`, more with each attempt."""
    return training_megabytes(CONFIG.variant(id), CONFIG.training_of(id), attempt)


def inputs_of_analysis(wildcards):
    """Files that only this analysis needs."""
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
