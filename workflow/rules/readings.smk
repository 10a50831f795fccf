# What the paper leaves open, run both ways: which agrees better with its numbers.
#
#   in   metrics.csv, data/provenance.json; config/readings.yaml, config/published_values.csv
#   out  readings.csv, with a row for what was not run, too


rule readings:
    """Judge the readings that were run both ways."""
    input:
        metrics=METRICS,
        provenance=PROVENANCE,
        published=PUBLISHED,
        readings=READINGS,
    output:
        report(
            READINGS_JUDGED,
            caption="../../report/captions/readings.rst",
            category="Comparison",
            labels={"content": "readings run both ways", "format": "csv"},
        ),
    log:
        f"{RESULTS}/logs/readings.log",
    conda:
        ANALYSIS_ENV
    resources:
        side_by_side=1,
    params:
        version=VERSIONS["judging"],
    message:
        "Judging the readings"
    shell:
        "python scripts/judge_readings.py --metrics {input.metrics:q} "
        "--provenance {input.provenance:q} --readings {input.readings:q} "
        "--published {input.published:q} --output {output:q} > {log:q} 2>&1"
