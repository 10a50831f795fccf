# Analyses of the trained networks beyond the paper: a figure for each, with its numbers.
#
#   in   runs/*/seed_*/: run.json, history.csv, best.pt, predictions.npz; metrics.csv, data/,
#        config/published_values.csv, config/prior/
#   out  figures/analysis_*.svg and .png, analyses/*.csv, analyses/gradients.npz

TOPICS = [name.removeprefix("analysis_") for name in ANALYSIS_FIGURES]


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
    """Draw one analysis of the trained networks."""
    input:
        of_analysed_runs("run.json"),
        inputs_of_analysis,
        metrics=METRICS,
        provenance=PROVENANCE,
        paper=[PUBLISHED, *PRIOR],
    output:
        figure=shown(
            f"{RESULTS}/figures/analysis_{{topic}}.svg", "figure", "Analyses", figure="{topic}"
        ),
        png=f"{RESULTS}/figures/analysis_{{topic}}.png",
        table=shown(f"{RESULTS}/analyses/{{topic}}.csv", "analysis", "Analyses", figure="{topic}"),
    log:
        f"{RESULTS}/logs/{{topic}}.log",
    wildcard_constraints:
        topic="|".join(TOPICS),
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title=lambda wildcards: f"Analysis of {wildcards.topic.replace('_', ' ')}",
        runs=of_analysed_runs(""),
        data=subpath(input.provenance, parent=True),
        gradients=rules.gradients.output,
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing the analysis {wildcards.topic}"
    shell:
        "python scripts/analyse.py {wildcards.topic} --runs {params.runs:q} "
        "--metrics {input.metrics:q} --provenance {input.provenance:q} --data {params.data:q} "
        "--gradients {params.gradients:q} --table {output.table:q} --output {params.prefix:q} "
        "> {log:q} 2>&1"
