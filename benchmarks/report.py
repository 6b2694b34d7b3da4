"""A figure with its target, and the table that shows them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`holds` is None for a figure without a target: it is shown so that one can compare."""

    benchmark: str
    what: str
    value: str
    target: str = ""
    holds: bool | None = None

    @property
    def verdict(self) -> str:
        if self.holds is None:
            return ""
        return "holds" if self.holds else "misses"


def at_most(benchmark: str, what: str, value: float, most: float, form: str = "{:.2f}") -> Figure:
    """A figure that holds up to and including `most`, judged before it is rounded."""
    return Figure(benchmark, what, form.format(value), f"≤ {form.format(most)}", value <= most)


def table(figures: Sequence[Figure]) -> str:
    """Markdown, so that it can be copied into docs/benchmarks.md as it is."""
    rows = [("benchmark", "figure", "seen", "target", "")]
    rows += [(each.benchmark, each.what, each.value, each.target, each.verdict) for each in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered), -int(-share * len(ordered) // 1)) - 1)]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
