"""The lesson's tables of measurements; `lesson_plots` has its figures."""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from convnets.config.settings import MACHINE_FOLDER
from convnets.exhibits.labels import label
from convnets.judging.conditions import HIGH_LOAD
from convnets.lesson.cases import LARGE, NETWORKS, Case
from convnets.markup import Column, folded, table

LABELS = {
    "loops": "loops",
    "im2col": "im2col",
    "views": "strided views",
    "fourier": "Fourier",
    "pytorch": "PyTorch",
    "matrix_product": "matrix product alone",
}
"""Names of the implementations, in the order of the tables."""
NAMES = {variant.id: label(variant) for variant in NETWORKS}
"""Names of the networks."""
PASSES = ["outputs", "input_gradients", "weight_gradients"]
MINUS = "\N{MINUS SIGN}"
CASE = [field.name for field in dataclasses.fields(Case)]


class Measured(NamedTuple):
    """Costs of layers on this machine: the files that `scripts/measure_layers.py` writes."""

    convolutions: pd.DataFrame
    duplication: pd.DataFrame
    agreement: pd.DataFrame
    layer_times: pd.DataFrame
    machine: dict[str, Any]


def load_measured(results: Path) -> Measured | None:
    """Measurements that the runs beside `results` share; None if nothing was measured yet."""
    folder = results.with_name(MACHINE_FOLDER)
    if not (folder / "machine.json").is_file():  # the last file to be written
        return None
    names = ("convolutions", "duplication", "agreement", "layer_times")
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in names}
    machine = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
    return Measured(**tables, machine=machine)


class Twins(NamedTuple):
    """Training records of the network by hand and of its twin in PyTorch."""

    records: pd.DataFrame
    """`lesson/from_scratch.csv`: a row for each `convnets.lesson.from_scratch.Record`."""
    images: str
    """Name of the data."""


def load_twins(results: Path) -> Twins:
    """Read the training records of both networks under `results`."""
    provenance = json.loads((results / "data/provenance.json").read_text(encoding="utf-8"))
    records = pd.read_csv(results / "lesson/from_scratch.csv")
    return Twins(records, images=provenance["display_name"])


def machine(measured: Measured) -> Markup:
    """The machine that was measured, and the load on it."""
    threads, share = measured.machine["threads"], measured.machine.get("other_cpu_share")
    load = "The load by other processes was not recorded"
    if share is not None:
        load = f"Other processes used {100 * share:.0f} % of its processors meanwhile"
    doubt = ", so times may be too long" if share is None or share > HIGH_LOAD else ""
    return Markup(
        "<p>Measured on: {}, {} thread{}, {}. {}{}; each time is the fastest of several calls. The "
        "fastest operation measured does {:.0f} billion floating-point operations a second, which "
        "is called the machine’s rate below.</p>"
    ).format(
        measured.machine["device_name"],
        threads,
        "s" * (threads != 1),
        measured.machine["precision"],
        load,
        doubt,
        machine_rate(measured) / 1e9,
    )


def machine_rate(measured: Measured) -> float:
    """Operations a second of the fastest operation measured."""
    return float(measured.convolutions[["machine_rate", "rate"]].to_numpy().max())


def rows_of(measured: Measured, case: Case) -> pd.DataFrame:
    """The measurements of one convolution."""
    rows = measured.convolutions
    return rows[(rows[CASE] == pd.Series(dataclasses.asdict(case))).all(axis=1)]


def costs(measured: Measured, case: Case) -> Markup:
    """Time, memory and rate of one convolution, by implementation."""
    chosen = rows_of(measured, case)
    seconds = chosen.pivot(index="implementation", columns="pass", values="seconds")
    peaks = chosen.groupby("implementation")["peak_bytes"].max() / 1e6
    rates = case.multiply_adds * 2 * len(PASSES) / seconds[PASSES].sum(axis=1)
    shares = rates / machine_rate(measured)
    return table(
        [
            Column("Implementation", "text"),
            *(Column(f"{text} (ms)") for text in ("Forward", "Input gradient", "Weight gradient")),
            Column("Peak memory (MB)"),
            Column("Rate (GFLOP/s)"),
            Column("Of the machine’s"),
        ],
        [
            [
                LABELS[name],
                *(_milliseconds(seconds[pass_name][name]) for pass_name in PASSES),
                None if pd.isna(peaks[name]) else f"{peaks[name]:.2f}",
                f"{rates[name] / 1e9:.3g}",
                f"{100 * shares[name]:.2g} %",
            ]
            for name in LABELS
            if name in seconds.index
        ],
        f"Cost of a convolution, {described(case)}",
    )


def costs_with_caption(measured: Measured, case: Case) -> Markup:
    """`costs` below a line that describes the case."""
    return Markup("<p><strong>{}.</strong></p>\n{}").format(
        described(case).capitalize(), costs(measured, case)
    )


def described(case: Case) -> str:
    """The case in words."""
    return (
        f"{case.batch} images of {case.size}×{case.size} pixels, {case.channels} channels, "
        f"a {case.kernel}×{case.kernel} kernel, stride {case.stride}"
    )


def all_costs(measured: Measured) -> Markup:
    """Every measurement, folded away."""
    rows = [
        [
            *(row[name] for name in CASE),
            LABELS[row["implementation"]],
            row["pass"].replace("_", " "),
            _milliseconds(row["seconds"]),
            None if pd.isna(row["peak_bytes"]) else f"{row['peak_bytes'] / 1e6:.3f}",
            f"{row['rate'] / 1e9:.3g}",
        ]
        for row in measured.convolutions.to_dict("records")
    ]
    columns = [
        *(Column(name.capitalize()) for name in CASE),
        Column("Implementation", "text"),
        Column("Pass", "text"),
        *map(Column, ("ms", "Peak MB", "GFLOP/s")),
    ]
    return folded(f"All {len(rows)} measurements", table(columns, rows, "All measurements"))


def duplication(measured: Measured) -> Markup:
    """Size of im2col's columns relative to its input, for kernels, strides and sizes."""
    rows = measured.duplication
    chosen = rows[(rows["batch"] == LARGE.batch) & (rows["channels"] == LARGE.channels)]
    return table(
        [
            *map(Column, ("Kernel F", "Stride s", "Pixels", "Input (MB)", "Columns (MB)")),
            *map(Column, ("Measured", "F²/s²")),
        ],
        [
            [
                f"{row['kernel']:.0f}",
                f"{row['stride']:.0f}",
                f"{row['size']:.0f}×{row['size']:.0f}",
                f"{row['input_bytes'] / 1e6:.2f}",
                f"{row['column_bytes'] / 1e6:.2f}",
                f"{row['duplication']:.2f}",
                f"{row['theory']:.2f}",
            ]
            for row in chosen.sort_values(["kernel", "stride", "size"]).to_dict("records")
        ],
        "Duplication by im2col",
    )


def agreement(measured: Measured) -> Markup:
    """The largest difference of each implementation from PyTorch."""
    rows = measured.agreement
    largest = rows.groupby(["implementation", "dtype"])["difference"].max().unstack()
    return table(
        [Column("Implementation", "text"), Column("float32"), Column("float64")],
        [
            [LABELS[name], *(f"{largest[kind][name]:.1e}" for kind in ("float32", "float64"))]
            for name in LABELS
            if name in largest.index
        ],
        "Largest difference from PyTorch, over the largest number",
    )


def shares(measured: Measured) -> pd.DataFrame:
    """Share of each kind of layer in the time of both passes together, by name of the network."""
    seconds = measured.layer_times.pivot_table(
        index="variant", columns="kind", values="seconds", aggfunc="sum"
    )
    order = measured.layer_times["variant"].unique()
    return seconds.div(seconds.sum(axis=1), axis=0).loc[order].rename(index=NAMES)


def share_table(measured: Measured) -> Markup:
    """`shares`, forward and backward apart, folded away."""
    rows = measured.layer_times.pivot(index="variant", columns=["pass", "kind"], values="share")
    kinds = ["convolution", "fully_connected", "other"]
    columns = [(way, kind) for way in ("forward", "backward") for kind in kinds]
    headings = [Column(f"{way}: {kind.replace('_', '-')}") for way, kind in columns]
    cells = [
        [NAMES.get(name, name), *(f"{100 * rows[column][name]:.1f} %" for column in columns)]
        for name in measured.layer_times["variant"].unique()
    ]
    content = table([Column("Network", "text"), *headings], cells, "Share of time by layer")
    return folded("Forward and backward apart", content)


def losses(twins: Twins) -> pd.DataFrame:
    """The training loss of both networks by step."""
    rows = twins.records
    chosen = rows[rows["measure"] == "train_loss"]
    return chosen.pivot(index="step", columns="implementation", values="value")


def accuracies(twins: Twins) -> Markup:
    """The test accuracy of both networks after each epoch."""
    rows = twins.records
    chosen = rows[rows["measure"] == "test_accuracy"]
    by_epoch = chosen.pivot(index="epoch", columns="implementation", values="value")
    return table(
        [*map(Column, ("Epoch", "By hand", "PyTorch", "Difference"))],
        [
            [epoch, f"{ours:.4f}", f"{theirs:.4f}", f"{ours - theirs:+.4f}".replace("-", MINUS)]
            for epoch, ours, theirs in by_epoch[["by_hand", "pytorch"]].itertuples()
        ],
        "Test accuracy after each epoch",
    )


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f}" if seconds >= 1 else f"{1000 * seconds:.3g}"
