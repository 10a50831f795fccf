"""What the report says after its tables and figures: details, readings and provenance."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from convnets import markup
from convnets.judging.conditions import PAPER_GPU, deviations, other_hardware, runtime_conditions
from convnets.judging.numbers import REFERENCE
from convnets.markup import Column
from convnets.report import Results, Run, plural, shown_value, shown_values, values_used
from convnets.runs.metrics import rounds_of
from convnets.runs.rounds import median_interval
from convnets.sketches import sparkline

VARIED = ("stride", "dilation", "pool_size")
HIDDEN = 0.1
"""Share of a curve's points, those of its first climb, that may lie below the sketch."""
ENVIRONMENT = {
    "Device": "device_name",
    "Precision": "precision",
    "Channels last": "channels_last",
    "CUDA graph": "cuda_graph",
    "Threads": "training.threads",
    "Python": "software.python",
    "PyTorch": "software.torch",
    "NumPy": "software.numpy",
    "Operating system": "software.platform",
    "Commit": "git_commit",
    "Data digest": "data.digest",
}
"""What a run says about where it was made, and its key in `run.json`."""
READING_PARTS = ("default", "evidence", "why", "alternative")


def architectures(results: Results) -> Markup:
    """Sizes, filters, parameters, multiply-adds and receptive field of every variant."""
    columns = [
        Column("Variant", "code"),
        Column("Feature width", "text"),
        Column("Filters or units", "text"),
        Column("Context", "text"),
        *map(Column, ("Parameters", "Multiply-adds", "Receptive field")),
    ]
    rows = [_architecture(runs[0].record) for runs in results.by_variant.values()]
    return markup.table(columns, rows, "Architectures")


def _architecture(record: dict[str, Any]) -> list[Any]:
    variant, sizes = record["variant"], record["sizes"]
    used = [key for key in VARIED if key in variant]
    varied = [f"{key.replace('_', ' ')} {shown_value(variant[key])}" for key in used]
    return [
        variant["id"],
        shown_value(sizes) if len(sizes) > 1 else None,
        shown_value(variant["filters"]),
        ", ".join(varied) or None,
        f"{record['parameters']:,}",
        f"{record['multiply_adds']:,}",
        f"{record['receptive_field']} px",
    ]


def curves(results: Results) -> Markup:
    """Validation accuracy by epoch and what came of it, one row a variant."""
    means = {
        variant: pd.concat([run.history["val_accuracy"] for run in runs], axis=1).mean(axis=1)
        for variant, runs in results.by_variant.items()
    }
    lowest = min(float(mean.quantile(HIDDEN)) for mean in means.values())
    limits = (lowest, max(float(mean.max()) for mean in means.values()))
    heading = Markup("Validation accuracy by epoch, {:.3f} to {:.3f}").format(*limits)
    columns = [
        Column("Variant", "code"),
        Column(heading, "sketch"),
        *map(Column, ("Best", "at epoch", "Seconds to best", "Test accuracy")),
    ]
    rows = [_curve(variant, mean, limits, results) for variant, mean in means.items()]
    return markup.table(columns, rows, "Learning curves")


def _curve(
    variant: str, mean: pd.Series, limits: tuple[float, float], results: Results
) -> list[Any]:
    best = int(mean.argmax())
    first, last = mean.iloc[0], mean.iloc[-1]
    label = f"{variant}: {first:.3f} at first, {mean.max():.3f} at best, {last:.3f} at last"
    return [
        variant,
        sparkline(mean.tolist(), limits, best, label),
        f"{results.mean(variant, 'best_val_accuracy'):.4f}",
        f"{results.mean(variant, 'best_epoch'):.3g}",
        f"{results.mean(variant, 'seconds_to_best'):,.1f}",
        f"{results.mean(variant, 'test_accuracy'):.4f}",
    ]


def runtimes(results: Results) -> Markup:
    """Seconds an epoch of every variant, measured and while training, and how they were taken."""
    columns = [
        Column("Variant", "code"),
        *map(Column, ("Seconds an epoch", "95 % interval", f"Over {REFERENCE}", "While training")),
    ]
    rows = [_runtime(variant, results) for variant in results.by_variant]
    return Markup("<p>{}.</p>\n{}").format(
        runtime_conditions(results.metrics), markup.table(columns, rows, "Runtimes")
    )


def _runtime(variant: str, results: Results) -> list[Any]:
    rounds, interval, ratio = rounds_of(results.metrics, variant), None, None
    if len(rounds):
        interval = "{:.3g} to {:.3g}".format(*median_interval(rounds))
        if REFERENCE in results.by_variant:
            ratio = f"{np.median(rounds / rounds_of(results.metrics, REFERENCE)):.3g}"
    return [
        variant,
        f"{results.mean(variant, 'epoch_seconds'):.3g}",
        interval,
        ratio,
        f"{results.mean(variant, 'trained_epoch_seconds'):.3g}",
    ]


def classes(results: Results) -> Markup:
    """How many test images of each class are recognised, the mean over all runs."""
    means = pd.DataFrame([run.test["per_class_accuracy"] for run in results.runs]).mean()
    worst = ", ".join(f"{name} ({value:.2f})" for name, value in means.nsmallest(5).items())
    tiles = [
        Markup('<li style="--value:{:.3f}"><b>{}</b> {:.2f}</li>').format(value, name, value)
        for name, value in means.items()
    ]
    return Markup(
        "<p>Share of the test images of each class that are recognised, the mean over {}. "
        'Hardest: {}.</p>\n<ul class="classes">\n{}\n</ul>'
    ).format(plural(len(results.runs), "run"), worst, markup.join(tiles, "\n"))


def deviating(results: Results) -> Markup:
    """Data, epochs and hardware other than the paper's, and runs that are missing."""
    items: list[Any] = list(deviations(results.provenance, results.metrics))
    if hardware := other_hardware(results.metrics):
        items.append(f"run on {' and '.join(hardware)}, the paper on one Nvidia {PAPER_GPU}")
    if results.missing:
        runs = markup.bullets(results.missing)
        items.append(markup.folded(f"missing: {plural(len(results.missing), 'run')}", runs))
    return markup.bullets(items) if items else Markup("<p>None.</p>")


def stated(items: list[dict[str, Any]], results: Results) -> Markup:
    """What the paper states beside what the runs used."""
    columns = [Column(text, "text") for text in ("", "Paper", "Section", "These runs")]
    rows = [
        [
            item["what"],
            shown_value(item["value"]),
            item["section"],
            shown_values(values_used(item["used"], results)),
        ]
        for item in items
    ]
    return markup.table(columns, rows, "What the paper states")


def reading(item: dict[str, Any], results: Results) -> Markup:
    """One question that the paper leaves open, and how these runs answered it."""
    used = [
        f"{key.split('.')[-1].replace('_', ' ')} {shown_values(values_used(key, results))}"
        for key in item["uses"]
    ]
    pairs = [
        ("These runs", "; ".join(used) or "the default, which no setting changes"),
        *((name.capitalize(), markup.prose(item[name])) for name in READING_PARTS),
    ]
    return Markup('<section class="reading">\n{}\n{}\n</section>').format(
        markup.heading(4, f"reading-{markup.slug(item['question'])}", item["question"]),
        markup.facts(pairs),
    )


def inconsistencies(items: list[dict[str, str]]) -> Markup:
    """Where the paper contradicts itself."""
    return markup.bullets(
        [Markup("<strong>{where}:</strong> {says}. {but}").format(**item) for item in items]
    )


def data(results: Results) -> Markup:
    """Source, counts, duplicates and files of the data."""
    provenance = results.provenance
    counts, duplicates = provenance["counts"], provenance["duplicates"]
    shared = {key: number for key, number in duplicates.items() if key != "within"}
    pairs = [
        ("Source", f"{provenance['display_name']} (data.source: {provenance['source']})"),
        ("Images in it", _counted(counts["available"])),
        ("Split", f"{_counted(counts['split'])}, seed {provenance['settings']['seed']}"),
        ("Images that equal an earlier one of their part", _counted(duplicates["within"])),
        ("Images that two parts share", _counted(shared)),
        ("Against the paper", "; ".join(deviations(provenance, results.metrics)) or "the same"),
    ]
    columns = [Column("File", "code"), Column("Bytes"), Column("SHA-256", "code")]
    columns += [Column("MD5", "code")]
    rows = [[f["name"], f"{f['bytes']:,}", f["sha256"], f["md5"]] for f in provenance["files"]]
    files = markup.table(columns, rows, "Files of the data")
    return markup.facts(pairs) + markup.folded(plural(len(rows), "file"), files)


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{key.replace('_', ' and ')} {number:,}" for key, number in numbers.items())


def environment(results: Results) -> Markup:
    """What all runs have in common: devices, software, settings."""
    used = {name: values_used(key, results) for name, key in ENVIRONMENT.items()}
    return markup.facts([(name, shown_values(v)) for name, v in used.items() if len(v) == 1])


def runs(results: Results) -> Markup:
    """One row for every run, with what differs between them."""
    differing = {n: k for n, k in ENVIRONMENT.items() if len(values_used(k, results)) > 1}
    numbers = ("Seed", "Epochs", "Best epoch", "Validation accuracy", "Test accuracy", "Seconds")
    columns = [
        Column("Variant", "code"),
        *map(Column, numbers),
        *(Column(name, "text") for name in ("Started", "Finished", *differing)),
    ]
    rows = [_run(run, list(differing.values())) for run in results.runs]
    return markup.table(columns, rows, "Runs")


def _epochs(record: dict[str, Any]) -> str:
    """Epochs trained, and of how many where the run stopped early."""
    asked = record["epochs"]
    trained = record.get("epochs_trained", asked)
    return str(asked) if trained == asked else f"{trained} of {asked}, stopped early"


def _run(run: Run, differing: list[str]) -> list[Any]:
    record = run.record
    return [
        run.variant,
        record["seed"],
        _epochs(record),
        record["best_epoch"],
        f"{record['best_val_accuracy']:.4f}",
        f"{run.test['test_accuracy']:.4f}",
        f"{record['train_seconds']:,.1f}",
        *(record[key].replace("T", " ").removesuffix("+00:00") for key in ("started", "finished")),
        *(shown_value(run.value(key)) for key in differing),
    ]
