# What the trained networks do beyond their accuracy: five figures, each with its numbers.
#
#   in   runs/*/seed_*/: run.json, history.csv, best.pt, predictions.npz; metrics.csv, data/
#   out  figures/analysis_*.svg and .png, analyses/*.csv, analyses/gradients.npz


rule gradients:
    """Measure which pixels a feature of each convolutional network depends on."""
    input:
        DATA,
        runs=of_analysed_runs("run.json"),
        checkpoints=of_analysed_runs("best.pt"),
    output:
        f"{RESULTS}/analyses/gradients.npz",
    log:
        f"{RESULTS}/logs/gradients.log",
    conda:
        TRAINING_ENV
    resources:
        side_by_side=1,
    params:
        runs=of_analysed_runs(""),
        data=subpath(input[0], parent=True),
        version=VERSIONS["analyses"],
    message:
        "Measuring effective receptive fields"
    shell:
        "python scripts/measure_receptive_fields.py --data {params.data:q} --runs {params.runs:q} "
        "--output {output:q} > {log:q} 2>&1"


rule analysis:
    """Draw an analysis of the trained networks."""
    input:
        DATA,
        of_analysed_runs("run.json"),
        of_analysed_runs("history.csv"),
        of_analysed_runs("predictions.npz"),
        lambda wildcards: rules.gradients.output if wildcards.name == "receptive_fields" else [],
        metrics=METRICS,
    output:
        figure=report(
            f"{RESULTS}/figures/analysis_{{name}}.svg",
            caption="../../report/captions/figure.rst",
            category="Analyses",
            labels={"figure": "{name}", "format": "svg"},
        ),
        png=f"{RESULTS}/figures/analysis_{{name}}.png",
        table=report(
            f"{RESULTS}/analyses/{{name}}.csv",
            caption="../../report/captions/analysis.rst",
            category="Analyses",
            labels={"figure": "{name}", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/{{name}}.log",
    wildcard_constraints:
        name="|".join(ANALYSES),
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title=lambda wildcards: ANALYSES[wildcards.name],
        runs=of_analysed_runs(""),
        data=subpath(input[0], parent=True),
        gradients=rules.gradients.output,
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing the analysis {wildcards.name}"
    shell:
        "python scripts/draw_analysis.py --name {wildcards.name} --runs {params.runs:q} "
        "--metrics {input.metrics:q} --data {params.data:q} --gradients {params.gradients:q} "
        "--table {output.table:q} --figure {params.prefix:q} > {log:q} 2>&1"
