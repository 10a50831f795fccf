# From an archive of images to arrays, split and provenance.
#
#   in   the archive that data.source names (nothing for glyphs)
#   out  data/images.npy, labels.npy, split.npz, provenance.json


localrules:
    fetch_archive,


rule fetch_archive:
    """Download the images of the source, unless they are there; compute nodes may be offline.

    The archive is not a declared output, because Snakemake would remove it before a new attempt."""
    output:
        temp(touch(f"{RESULTS}/data/archive_is_there")),
    log:
        f"{RESULTS}/logs/fetch_archive.log",
    conda:
        TRAINING_ENV
    params:
        settings=to_json(CONFIG.data.used()),
    message:
        "Fetching the images of source {CONFIG.data.source}"
    shell:
        "python scripts/fetch_archive.py --settings {params.settings:q} 2>&1 | tee {log:q}"


rule prepare_data:
    """Read, check and split the images.

    No parameter contains a folder, so that `--cache` finds the same data for another run_name."""
    input:
        rules.fetch_archive.output if CONFIG.data.source in ("nist", "torchvision") else [],
        REPLACEMENT if Path(f"{RESULTS}/data") in REPLACED else [],
    output:
        multiext(f"{RESULTS}/data/", "images.npy", "labels.npy", "split.npz", "provenance.json"),
    log:
        f"{RESULTS}/logs/prepare_data.log",
    cache: True
    conda:
        TRAINING_ENV
    params:
        settings=to_json(CONFIG.data.used()),
        subset=CONFIG.subset,
        version=VERSIONS["data"],
    message:
        "Preparing the images of source {CONFIG.data.source}"
    shell:
        "python scripts/prepare_data.py --settings {params.settings:q} --subset {params.subset} "
        '--output "$(dirname {output:q} | head -n 1)" > {log:q} 2>&1'
