"""Word-sized drawings for cells of the report's tables, as SVG that follows the page's colours."""

from collections.abc import Sequence

from markupsafe import Markup

Range = tuple[float, float]


def sparkline(values: Sequence[float], limits: Range, marked: int, label: str) -> Markup:
    """A line through `values` between `limits`, with the point at index `marked` marked.

    Values below the lower limit lie on it. `label` says it to those who cannot see it.
    """
    width, height, margin = 160, 28, 3
    step = (width - 2 * margin) / max(len(values) - 1, 1)
    points = [
        (margin + i * step, height - _place(max(value, limits[0]), limits, height, margin))
        for i, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[marked]
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" width="{}" height="{}">'
        '<polyline points="{}"/><circle cx="{:.1f}" cy="{:.1f}" r="2.5"/></svg>'
    ).format(label, width, height, line, x, y)


def dots(paper: float, ours: float, interval: Range, limits: Range, label: str) -> Markup:
    """Two values on the scale of `limits`: the paper's a ring, ours a dot with its interval."""
    width, height, margin = 180, 18, 6
    across = [f"{_place(value, limits, width, margin):.1f}" for value in (*interval, ours, paper)]
    return Markup(
        '<svg class="dots" role="img" aria-label="{label}" width="{width}" height="{height}">'
        '<line class="axis" x1="0" x2="{width}" y1="{y}" y2="{y}"/>'
        '<line class="interval" x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
        '<circle class="ours" cx="{}" cy="{y}" r="4"/>'
        '<circle class="paper" cx="{}" cy="{y}" r="5"/></svg>'
    ).format(*across, label=label, width=width, height=height, y=height // 2)


def _place(value: float, limits: Range, extent: int, margin: int) -> float:
    """Where `value` lies on an axis of `extent` pixels."""
    low, high = limits
    return margin + (value - low) / ((high - low) or 1) * (extent - 2 * margin)
