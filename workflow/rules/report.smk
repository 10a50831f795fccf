# One page with all results, and the executed notebook that it is rendered from.
#
#   in   runs, metrics.csv, tables/, figures/, comparison.csv, claims.csv, readings.csv,
#        data/provenance.json, studies of the training plan and of patience; ../machine/, if any
#   out  report.html, report.ipynb


rule report:
    """Execute the notebook on the results and render it."""
    input:
        [of_all_runs(file) for file in ("run.json", "history.csv", "test.json")],
        [TABLES, FIGURES, METRICS, COMPARISON, CLAIMS, READINGS_JUDGED, PROVENANCE],
        templates("report_template", "sections", "sections/lesson", "texts"),
        [READINGS, PUBLISHED, PRIOR],
        multiext("benchmarks/results/", "fidelity.csv", "patience.csv"),
        "report/report.ipynb",
    output:
        page=shown(f"{RESULTS}/report.html", "report", "Report", content="everything on one page"),
        notebook=f"{RESULTS}/report.ipynb",
    log:
        f"{RESULTS}/logs/report.log",
    params:
        shown=[*CONFIG.table_names, *FIGURE_NAMES, COMMAND],  # read from plan.json
        # A parameter, because an input would be measured for each report.
        layer_costs=[file_digest(file) for file in LAYER_COSTS if Path(file).exists()],
        results=subpath(output.page, parent=True),
        version=VERSIONS["report"],
    shell:
        "python scripts/render_page.py report --results {params.results:q} --output {output.page:q} "
        "> {log:q} 2>&1"
