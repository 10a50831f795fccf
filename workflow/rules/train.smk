# A run: a variant trained with one seed, and its best checkpoint tested. The runtimes of all variants.
#
#   in   data/
#   out  runs/VARIANT/seed_SEED/: history.csv, best.pt, run.json; test.json, predictions.npz
#        runtimes.csv
#
# A run's other files (docs/resuming.md) are not declared as outputs, because Snakemake removes outputs
# before it starts a job and after one fails.
#
# Only a missing output makes Snakemake train: a finished run has no inputs unless it is to be
# replaced, and functions of `output` are no parameters that Snakemake compares. Whether a finished
# run is the requested one is decided before any job starts (`convnets.runs.finished`).


rule train:
    """Train one variant with one seed."""
    input:
        inputs_of_training,
    output:
        history=f"{RUN}/history.csv",
        checkpoint=f"{RUN}/best.pt",
        record=f"{RUN}/run.json",
    log:
        f"{RUN}/train.log",
    conda:
        TRAINING_ENV
    threads: lambda wildcards: CONFIG.training_of(wildcards.variant).threads
    resources:
        runtime=lambda wildcards, attempt: training_minutes(
            CONFIG.variant(wildcards.variant),
            CONFIG.epochs * CONFIG.training_images,
            CONFIG.training_of(wildcards.variant),
            attempt,
        ),
        mem_mb=lambda wildcards, attempt: megabytes_of_training(wildcards.variant, attempt),
        runs_per_gpu=CONFIG.runs_per_gpu,  # as a parameter it would re-run what is done
        side_by_side=0,  # only the GPU limits runs
    params:
        variant=lambda wildcards, output: to_json(CONFIG.variant(wildcards.variant).specification()),
        training=lambda wildcards, output: to_json(CONFIG.training_of(wildcards.variant)),
        epochs=lambda wildcards, output: CONFIG.epochs,
        data=f"{RESULTS}/data",
        run=subpath(output.record, parent=True),
    message:
        "Training {wildcards.variant}, seed {wildcards.seed}; its epochs: {log}"
    shell:
        "python scripts/train.py --data {params.data:q} --variant {params.variant:q} "
        "--training {params.training:q} --epochs {params.epochs} --seed {wildcards.seed} "
        "--runs-per-gpu {resources.runs_per_gpu} --output {params.run:q} >> {log:q} 2>&1"


rule evaluate:
    """Test the checkpoint of the best validation accuracy."""
    input:
        DATA,
        record=rules.train.output.record,
        checkpoint=ancient(rules.train.output.checkpoint),  # the record has its digest
    output:
        result=f"{RUN}/test.json",
        predictions=f"{RUN}/predictions.npz",
    log:
        f"{RUN}/evaluate.log",
    conda:
        TRAINING_ENV
    threads: lambda wildcards: CONFIG.training_of(wildcards.variant).threads
    resources:
        runs_per_gpu=CONFIG.runs_per_gpu,
        side_by_side=0,
    params:
        run=subpath(output.result, parent=True),
        data=subpath(input[0], parent=True),
        version=VERSIONS["evaluation"],
    message:
        "Testing {wildcards.variant}, seed {wildcards.seed}"
    shell:
        "python scripts/evaluate.py --data {params.data:q} --run {params.run:q} "
        "--runs-per-gpu {resources.runs_per_gpu} > {log:q} 2>&1"


rule runtimes:
    """Measure the seconds per epoch of every variant, in turn, when all runs are trained.

    The time a run took to train depends on the machine's other work. To measure again on an idle
    machine: snakemake --forcerun runtimes"""
    input:
        DATA,
        runs=of_all_runs("run.json"),
    output:
        shown(RUNTIMES, "runtimes", "Comparison", content="runtimes, measured side by side"),
    log:
        f"{RESULTS}/logs/runtimes.log",
    conda:
        TRAINING_ENV
    threads: threads_of_measuring
    resources:
        runtime=lambda wildcards, attempt: attempt * (15 + len(CONFIG.variant_ids)),
        mem_mb=lambda wildcards, attempt: max(
            megabytes_of_training(id, attempt) for id in CONFIG.variant_ids
        ),
    params:
        runs=of_all_runs(""),
        data=subpath(input[0], parent=True),
        version=VERSIONS["runtimes"],
    message:
        "Measuring the runtimes of all variants; the rounds: {log}"
    shell:
        "python scripts/measure_runtimes.py --data {params.data:q} --runs {params.runs:q} "
        "--output {output:q} > {log:q} 2>&1"
