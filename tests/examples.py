"""How many examples a property gets: its own number, or fewer when a run asks for few (the profile `quick`)."""

from __future__ import annotations

from hypothesis import settings


def at_most(number: int) -> int:
    """For `@settings(max_examples=at_most(150))`: a number of its own must not make the quick run a slow one."""
    quick = settings.get_profile("quick").max_examples
    return min(number, quick) if settings().max_examples == quick else number
