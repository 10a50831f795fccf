# The lesson: how convolutional networks are implemented, and what that costs on this machine.
#
#   in   data/
#   out  lesson/from_scratch.csv; lesson.html, lesson.ipynb;
#        shared by all runs: ../machine/convolutions.csv, duplication.csv, agreement.csv,
#        layer_times.csv, machine.json

MACHINE = str(Path(RESULTS).with_name(MACHINE_FOLDER))
LAYER_COSTS = [
    *multiext(f"{MACHINE}/", "convolutions.csv", "duplication.csv", "agreement.csv"),
    *multiext(f"{MACHINE}/", "layer_times.csv", "machine.json"),
]


rule layer_times:
    """Measure the cost of each implementation of convolution, and of each layer of the networks.

    Once for all runs, because nothing here depends on the configuration."""
    output:
        LAYER_COSTS,
    log:
        f"{MACHINE}/layer_times.log",
    conda:
        TRAINING_ENV
    params:
        folder=subpath(output[0], parent=True),
        version=VERSIONS["lesson"],
    shell:
        "python scripts/measure_layers.py --output {params.folder:q} > {log:q} 2>&1"


rule from_scratch:
    """Train a network of hand-written layers beside the same network in PyTorch."""
    input:
        DATA,
    output:
        f"{RESULTS}/lesson/from_scratch.csv",
    log:
        f"{RESULTS}/logs/from_scratch.log",
    conda:
        TRAINING_ENV
    params:
        batch_size=CONFIG.training.batch_size,
        data=subpath(input[0], parent=True),
        version=VERSIONS["lesson"],
    shell:
        "python scripts/train_from_scratch.py --data {params.data:q} "
        "--batch-size {params.batch_size} --output {output:q} > {log:q} 2>&1"


rule lesson:
    """Execute the lesson on the measurements and render it."""
    input:
        rules.layer_times.output,
        rules.from_scratch.output,
        rules.layer_figures.output,
        rules.pooling_figure.output,
        PROVENANCE,
        templates("lesson_template", "report_template", "sections", "sections/lesson", "texts"),
        "report/lesson.ipynb",
    output:
        page=shown(f"{RESULTS}/lesson.html", "lesson", "Report", content="the lesson"),
        notebook=f"{RESULTS}/lesson.ipynb",
    log:
        f"{RESULTS}/logs/lesson.log",
    params:
        results=subpath(output.page, parent=True),
        version=VERSIONS["lesson"],
    shell:
        "python scripts/render_page.py lesson --results {params.results:q} --output {output.page:q} "
        "> {log:q} 2>&1"
