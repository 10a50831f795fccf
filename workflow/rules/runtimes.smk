# Seconds an epoch of every variant, measured side by side when all runs are trained.
#
#   in   data/, runs/*/seed_*/run.json
#   out  runtimes.csv
#
# What a run took while it trained depends on what else the machine did meanwhile. To measure
# again, on a machine with nothing else to do: snakemake --forcerun runtimes


rule runtimes:
    """Measure the seconds an epoch of every variant takes, in turn."""
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
