"""Times that were measured, put together: percentiles and growth."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of some times, in the unit of the times."""

    p50: float
    p95: float
    p99: float
    worst: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Return the percentiles, each one of the values; zeros and a count of 0 for none."""
    if not values:
        return Spread(0.0, 0.0, 0.0, 0.0, 0)
    ranked = sorted(values)

    def percentile(percent: int) -> float:
        return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]

    return Spread(percentile(50), percentile(95), percentile(99), ranked[-1], len(ranked))


def slope_per_minute(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much values grow in a minute, by least squares over (seconds, value)."""
    if len(points) < 2:
        return 0.0
    times, values = zip(*points, strict=True)
    return 60 * statistics.linear_regression(times, values).slope
