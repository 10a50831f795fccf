# From the runs to tables, figures, verdicts on the paper, and analyses beyond it.
#
#   in   runs/*/seed_*/: run.json, history.csv, best.pt, test.json, predictions.npz; runtimes.csv;
#        data/; config/: published_values.csv, claims.yaml, readings.yaml, prior/
#   out  metrics.csv, tables/, figures/, mechanism.json; comparison.csv, claims.csv, readings.csv;
#        analyses/*.csv, analyses/gradients.npz


rule metrics:
    """Collect one row for each run and measure."""
    input:
        runs=of_all_runs("run.json"),
        histories=of_all_runs("history.csv"),
        tests=of_all_runs("test.json"),
        runtimes=RUNTIMES,
    output:
        METRICS,
    log:
        f"{RESULTS}/logs/metrics.log",
    params:
        runs=of_all_runs(""),
        version=VERSIONS["metrics"],
    shell:
        "python scripts/collect_metrics.py --runs {params.runs:q} --runtimes {input.runtimes:q} "
        "--output {output:q} > {log:q} 2>&1"


rule table:
    """Make a table in the paper's layout, with our values beside the published ones."""
    input:
        metrics=METRICS,
        provenance=PROVENANCE,
        published=PUBLISHED,
    output:
        shown(f"{RESULTS}/tables/{{name}}.csv", "table", "Tables", table="{name}"),
        f"{RESULTS}/tables/{{name}}.md",
        f"{RESULTS}/tables/{{name}}.tex",
    log:
        f"{RESULTS}/logs/tables/{{name}}.log",
    params:
        table=lambda wildcards: to_json(CONFIG.tables[wildcards.name]),
        title=lambda wildcards: CONFIG.tables[wildcards.name].title,
        prefix=subpath(output[0], strip_suffix=".csv"),
        version=VERSIONS["exhibits"],
    message:
        "Making {wildcards.name}"
    shell:
        "python scripts/make_table.py --table {params.table:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --output {params.prefix:q} > {log:q} 2>&1"


rule figure:
    """Draw training curves."""
    input:
        lambda wildcards: of_runs("history.csv", CONFIG.figures[wildcards.name].variants),
        metrics=METRICS,
        provenance=PROVENANCE,
        paper=[PUBLISHED, *PRIOR],
    output:
        shown(f"{RESULTS}/figures/{{name}}.svg", "figure", "Figures", figure="{name}"),
        f"{RESULTS}/figures/{{name}}.png",
        f"{RESULTS}/figures/{{name}}.csv",
    log:
        f"{RESULTS}/logs/figures/{{name}}.log",
    wildcard_constraints:
        name="|".join(CONFIG.figures),
    params:
        figure=lambda wildcards: to_json(CONFIG.figures[wildcards.name]),
        title=lambda wildcards: CONFIG.figures[wildcards.name].title,
        runs=f"{RESULTS}/runs",
        prefix=subpath(output[0], strip_suffix=".svg"),
        version=VERSIONS["exhibits"],
    message:
        "Drawing {wildcards.name}"
    shell:
        "python scripts/make_figure.py --figure {params.figure:q} --metrics {input.metrics:q} "
        "--runs {params.runs:q} --provenance {input.provenance:q} "
        "--output {params.prefix:q} > {log:q} 2>&1"


rule pooling_figure:
    """Draw the outputs of the pooling layers for one test image (Figure 6)."""
    input:
        DATA,
    output:
        shown(f"{RESULTS}/figures/{POOLING_FIGURE}.svg", "figure", "Figures", figure=POOLING_FIGURE),
        f"{RESULTS}/figures/{POOLING_FIGURE}.png",
    log:
        f"{RESULTS}/logs/{POOLING_FIGURE}.log",
    params:
        title="Pooling outputs of a sample image",
        data=subpath(input[0], parent=True),
        prefix=subpath(output[0], strip_suffix=".svg"),
        version=VERSIONS["exhibits"],
    shell:
        "python scripts/draw_pooling.py --data {params.data:q} --output {params.prefix:q} "
        "> {log:q} 2>&1"


rule layer_figures:
    """Draw how layers compute (Figures 1 to 5 and 7), and animations of that."""
    output:
        shown(STILL, "figure", "Figures", figure="how layers compute"),
        expand(f"{RESULTS}/figures/{{name}}.png", name=LAYER_FIGURES),
        expand(f"{RESULTS}/figures/{{name}}_animated.svg", name=ANIMATED),
    log:
        f"{RESULTS}/logs/layer_figures.log",
    params:
        title="How layers compute",
        folder=subpath(output[0], parent=True),
        version=VERSIONS["exhibits"],
    shell:
        "python scripts/draw_layers.py --output {params.folder:q} > {log:q} 2>&1"


rule mechanism:
    """Measure the paper's claims about layers that need no trained network."""
    output:
        MECHANISM,
    log:
        f"{RESULTS}/logs/mechanism.log",
    conda:
        TRAINING_ENV
    params:
        version=VERSIONS["judging"],
    shell:
        "python scripts/measure_mechanism.py --output {output:q} > {log:q} 2>&1"


rule judge:
    """Judge every published number, the paper's claims, and the readings that were run both ways."""
    input:
        predictions=of_all_runs("predictions.npz"),
        runs=of_all_runs("run.json"),
        metrics=METRICS,
        provenance=PROVENANCE,
        mechanism=MECHANISM,
        paper=[PUBLISHED, "config/claims.yaml", READINGS, *PRIOR],
    output:
        shown(COMPARISON, "comparison", "Comparison", content="every published number"),
        shown(CLAIMS, "claims", "Comparison", content="every claim"),
        shown(READINGS_JUDGED, "readings", "Comparison", content="readings run both ways"),
    log:
        f"{RESULTS}/logs/judge.log",
    params:
        runs=of_all_runs(""),
        results=subpath(output[0], parent=True),
        version=VERSIONS["judging"],
    shell:
        "python scripts/judge.py --runs {params.runs:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --mechanism {input.mechanism:q} "
        "--output {params.results:q} > {log:q} 2>&1"


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
    params:
        runs=of_analysed_runs(""),
        data=subpath(input[0], parent=True),
        version=VERSIONS["analyses"],
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
    params:
        title=lambda wildcards: f"Analysis of {wildcards.topic.replace('_', ' ')}",
        runs=of_analysed_runs(""),
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing the analysis {wildcards.topic}"
    shell:
        "python scripts/analyse.py {wildcards.topic} --runs {params.runs:q} "
        "--metrics {input.metrics:q} --provenance {input.provenance:q} --table {output.table:q} "
        "--output {params.prefix:q} > {log:q} 2>&1"
