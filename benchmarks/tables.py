"""The tables of a benchmark: what was measured, the ratios, and the bound of the machine."""

import statistics
from typing import Any

import pandas as pd

from benchmarks.measure import Timing

ARRANGEMENT = "{device_name}, {precision}, runs at once: {runs}, threads each: {threads}"
"""Conditions of the measurement, in words."""


def speed_table(timings: list[Timing]) -> pd.DataFrame:
    """One row a variant. The bound takes the best rates that were met in the whole run."""
    rate, operation = max(timing.arithmetic_rate for timing in timings)
    rows = []
    for timing in timings:
        copy_rate = max(t.copy_rate for t in timings if t.copy_size == timing.copy_size)
        arithmetic, copying = timing.work.operations / rate, timing.work.bytes / copy_rate
        bound = timing.batch_size / max(arithmetic, copying)
        row = {
            "variant": timing.variant.id,
            "family": timing.variant.method,
            **quartiles("peer_images_per_second", timing.peer),
            **quartiles("engine_images_per_second", timing.engine),
            **quartiles("ratio", timing.ratios),
            "gflop_per_step": timing.work.operations / 1e9,
            "megabytes_per_step": timing.work.bytes / 1e6,
            "bound_images_per_second": bound,
            "bound_by": "arithmetic" if arithmetic >= copying else "bytes",
            "fraction_of_bound": statistics.median(timing.engine) / bound,
            "gemm_tflops": rate / 1e12,
            "gemm_operation": operation,
            "bandwidth_gbs": copy_rate / 1e9,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def breakdown_row(timing: Timing, milliseconds: dict[str, float], runs: int) -> dict[str, Any]:
    """A row of the table of where a step's time goes, and how fast its convolutions are.

    Rates are those of one of the `runs` that train at the same time.
    """
    operations = timing.work.operations
    convolving = sum(ms for kind, ms in milliseconds.items() if kind.startswith("convolution"))
    row: dict[str, Any] = {"variant": timing.variant.id}
    row |= {f"{kind.replace(' ', '_')}_ms": ms for kind, ms in milliseconds.items()}
    return row | {
        "outside_convolutions": 1 - convolving / sum(milliseconds.values()),
        "convolution_tflops": operations / 1e9 / convolving,
        "fastest_tflops": timing.arithmetic_rate[0] / 1e12 / runs,
    }


def duration_row(measure: str, variant: str, images: int, seconds: list[float]) -> dict[str, Any]:
    """A row of the table of durations."""
    row = {"measure": measure, "variant": variant, "images": images}
    return row | quartiles("seconds", seconds)


def quartiles(name: str, values: list[float]) -> dict[str, Any]:
    """The median of `values` as `NAME`, and their quartiles as `NAME_q1` and `NAME_q3`."""
    middle = pd.Series(values).quantile([0.5, 0.25, 0.75]).tolist()
    return dict(zip((name, f"{name}_q1", f"{name}_q3"), middle, strict=True))


def summary(speeds: pd.DataFrame, durations: pd.DataFrame) -> str:
    """The tables as text, and geometric means over the first variant of each family."""
    columns = ["variant", "peer_images_per_second", "engine_images_per_second", "ratio"]
    columns += ["bound_images_per_second", "bound_by", "fraction_of_bound"]
    seconds = durations[["measure", "variant", "images", "seconds"]]
    families = speeds.drop_duplicates("family")
    ratio, fraction = (
        statistics.geometric_mean(families[key]) for key in ("ratio", "fraction_of_bound")
    )
    return (
        f"\n{speeds[columns].to_string(index=False, float_format='{:,.2f}'.format)}\n"
        f"\n{seconds.to_string(index=False, float_format='{:.2f}'.format)}\n"
        "\nfastest operation: {gemm_tflops:.2f} TFLOP/s, {gemm_operation}\n"
        f"geometric mean over {len(families)} families: {ratio:.2f} times the plain loop, "
        f"{fraction:.2f} of the bound"
    ).format(**speeds.iloc[0])


def markdown(speeds: pd.DataFrame) -> str:
    """The table of speeds as the README has it."""
    head = f"| {ARRANGEMENT} | plain loop | this project | ratio | of the bound |"
    row = (
        "| {variant} | {peer_images_per_second:,.0f} | {engine_images_per_second:,.0f} "
        "| {ratio:.1f} | {fraction_of_bound:.0%} |"
    )
    families = speeds.drop_duplicates("family")
    mean = statistics.geometric_mean(families["ratio"])
    fraction = statistics.geometric_mean(families["fraction_of_bound"])
    rows = [row.format(**values) for _, values in speeds.iterrows()]
    last = f"| geometric mean of the families | | | **{mean:.1f}** | {fraction:.0%} |"
    return "\n".join([head.format(**speeds.iloc[0]), "|---|---|---|---|---|", *rows, last])
