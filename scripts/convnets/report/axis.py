"""Scales of the report's small drawings; their shapes are in report/sections/drawings.html."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from matplotlib.ticker import LogLocator, MaxNLocator


class Axis(NamedTuple):
    """A linear or logarithmic scale; places are in percent of its length."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Iterable[float | None], log: bool = False) -> "Axis":
        """The scale that has room for `values`; those that are missing or infinite do not count."""
        known = [value for value in values if value is not None and math.isfinite(value)]
        known = [value for value in known if value > 0 or not log] or [1.0]
        ends = [math.log(end) if log else end for end in (min(known), max(known))]
        margin = 0.05 * (ends[1] - ends[0]) or 0.01
        low, high = ends[0] - margin, ends[1] + margin
        return cls(math.exp(low), math.exp(high), log) if log else cls(low, high)

    def at(self, value: float) -> float:
        """The place of `value`; beyond an end, that end."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0), 1), 2)

    def ticks(self) -> list[float]:
        """Three to six round numbers on the scale."""
        wide = self.log and self.high > 8 * self.low
        locator = LogLocator(subs=(1, 3)) if wide else MaxNLocator(4, steps=[1, 2, 2.5, 5, 10])
        values = map(float, locator.tick_values(self.low, self.high))
        return [value for value in values if self.low <= value <= self.high]
