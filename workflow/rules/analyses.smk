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


rule receptive_fields:
    """Draw how far features see, in theory and in effect."""
    input:
        runs=of_analysed_runs("run.json"),
        gradients=rules.gradients.output,
        metrics=METRICS,
        provenance=PROVENANCE,
    output:
        figure=report(
            f"{RESULTS}/figures/analysis_receptive_fields.svg",
            caption="../../report/captions/figure.rst",
            category="Analyses",
            labels={"figure": "effective receptive fields", "format": "svg"},
        ),
        png=f"{RESULTS}/figures/analysis_receptive_fields.png",
        table=report(
            f"{RESULTS}/analyses/receptive_fields.csv",
            caption="../../report/captions/analysis.rst",
            category="Analyses",
            labels={"figure": "effective receptive fields", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/receptive_fields.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title="Effective receptive fields",
        runs=of_analysed_runs(""),
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing effective receptive fields"
    shell:
        "python scripts/analyse_receptive_fields.py --runs {params.runs:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --gradients {input.gradients:q} --table {output.table:q} "
        "--figure {params.prefix:q} > {log:q} 2>&1"


rule pareto:
    """Draw accuracy against parameters, arithmetic and runtime."""
    input:
        runs=of_analysed_runs("run.json"),
        metrics=METRICS,
        provenance=PROVENANCE,
    output:
        figure=report(
            f"{RESULTS}/figures/analysis_pareto.svg",
            caption="../../report/captions/figure.rst",
            category="Analyses",
            labels={"figure": "test accuracy against cost", "format": "svg"},
        ),
        png=f"{RESULTS}/figures/analysis_pareto.png",
        table=report(
            f"{RESULTS}/analyses/pareto.csv",
            caption="../../report/captions/analysis.rst",
            category="Analyses",
            labels={"figure": "test accuracy against cost", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/pareto.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title="Test accuracy against cost",
        runs=of_analysed_runs(""),
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing accuracy against cost"
    shell:
        "python scripts/analyse_pareto.py --runs {params.runs:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --table {output.table:q} "
        "--figure {params.prefix:q} > {log:q} 2>&1"


rule confusions:
    """Draw which classes are taken for each other, with images."""
    input:
        runs=of_analysed_runs("run.json"),
        predictions=of_analysed_runs("predictions.npz"),
        data=DATA,
        metrics=METRICS,
        provenance=PROVENANCE,
    output:
        figure=report(
            f"{RESULTS}/figures/analysis_confusions.svg",
            caption="../../report/captions/figure.rst",
            category="Analyses",
            labels={"figure": "confused classes", "format": "svg"},
        ),
        png=f"{RESULTS}/figures/analysis_confusions.png",
        table=report(
            f"{RESULTS}/analyses/confusions.csv",
            caption="../../report/captions/analysis.rst",
            category="Analyses",
            labels={"figure": "confused classes", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/confusions.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title="Confused classes",
        runs=of_analysed_runs(""),
        data=subpath(input.provenance, parent=True),
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing confusions"
    shell:
        "python scripts/analyse_confusions.py --runs {params.runs:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --data {params.data:q} --table {output.table:q} "
        "--figure {params.prefix:q} > {log:q} 2>&1"


rule agreement:
    """Draw on how many test images two networks agree."""
    input:
        runs=of_analysed_runs("run.json"),
        predictions=of_analysed_runs("predictions.npz"),
        metrics=METRICS,
        provenance=PROVENANCE,
    output:
        figure=report(
            f"{RESULTS}/figures/analysis_agreement.svg",
            caption="../../report/captions/figure.rst",
            category="Analyses",
            labels={"figure": "agreement between variants", "format": "svg"},
        ),
        png=f"{RESULTS}/figures/analysis_agreement.png",
        table=report(
            f"{RESULTS}/analyses/agreement.csv",
            caption="../../report/captions/analysis.rst",
            category="Analyses",
            labels={"figure": "agreement between variants", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/agreement.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title="Agreement between variants",
        runs=of_analysed_runs(""),
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing the agreement between variants"
    shell:
        "python scripts/analyse_agreement.py --runs {params.runs:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --table {output.table:q} "
        "--figure {params.prefix:q} > {log:q} 2>&1"


rule curves:
    """Draw training and validation accuracy by epoch."""
    input:
        runs=of_analysed_runs("run.json"),
        histories=of_analysed_runs("history.csv"),
        metrics=METRICS,
        provenance=PROVENANCE,
    output:
        figure=report(
            f"{RESULTS}/figures/analysis_curves.svg",
            caption="../../report/captions/figure.rst",
            category="Analyses",
            labels={"figure": "learning curves", "format": "svg"},
        ),
        png=f"{RESULTS}/figures/analysis_curves.png",
        table=report(
            f"{RESULTS}/analyses/curves.csv",
            caption="../../report/captions/analysis.rst",
            category="Analyses",
            labels={"figure": "learning curves", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/curves.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        title="Learning curves",
        runs=of_analysed_runs(""),
        prefix=subpath(output.figure, strip_suffix=".svg"),
        version=VERSIONS["analyses"],
    message:
        "Drawing learning curves"
    shell:
        "python scripts/analyse_curves.py --runs {params.runs:q} --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --table {output.table:q} "
        "--figure {params.prefix:q} > {log:q} 2>&1"
