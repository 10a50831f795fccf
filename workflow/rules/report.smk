# One page with everything, and the executed notebook that it was rendered from.
#
#   in   runs, metrics.csv, tables/, figures/, comparison.csv, claims.csv, readings.csv,
#        data/provenance.json, the study of the training plan; ../machine/, if it is there
#   out  report.html, report.ipynb

NOTEBOOK = "report/report.ipynb"
TEMPLATE = "report/template"
TEMPLATE_FILES = sorted(str(file) for file in Path(TEMPLATE).iterdir())


rule report:
    """Execute the notebook on the results and render it."""
    input:
        of_all_runs("run.json"),
        of_all_runs("history.csv"),
        of_all_runs("test.json"),
        TABLES,
        FIGURES,
        METRICS,
        COMPARISON,
        CLAIMS,
        READINGS_JUDGED,
        PROVENANCE,
        notebook=NOTEBOOK,
        template=TEMPLATE_FILES,
        readings=READINGS,
        fidelity="benchmarks/results/fidelity.csv",
    output:
        page=report(
            f"{RESULTS}/report.html",
            caption="../../report/captions/report.rst",
            category="Report",
            labels={"content": "everything on one page", "format": "html"},
        ),
        notebook=f"{RESULTS}/report.ipynb",
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        results=subpath(output.page, parent=True),
        experiments=",".join(CONFIG.table_names),
        figures=",".join(FIGURE_NAMES),
        template=lambda wildcards, input: Path(input.template[0]).parent,
        command=COMMAND,
        # No input, which would be measured again for a report.
        layer_costs=[file_digest(file) for file in LAYER_COSTS if Path(file).exists()],
        version=VERSIONS["report"],
    message:
        "Writing {output.page}"
    shell:
        "python scripts/render_report.py --results {params.results:q} "
        "--experiments {params.experiments:q} --figures {params.figures:q} "
        "--readings {input.readings:q} --fidelity {input.fidelity:q} --notebook {input.notebook:q} "
        "--template {params.template:q} --command {params.command:q} --output {output.page:q} > {log:q} 2>&1"
