"""Benchmarks that anyone can run: `scripts/bench`. Counts, and ratios to a baseline of the same run. Not shipped."""
