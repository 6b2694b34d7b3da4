"""Of a run that broke a promise: the fewest drivers and pieces of bad luck that still break it.

A run is a deterministic replay of what its seed deals out, and what is left out of it is a set of names. So there is no
machine of rules that hypothesis would have to drive itself: it draws, for each part of the failing run, whether it
comes, and its shrinker leaves out whole halves first, then one after the other. First the drivers, the blows and whole
kinds of bad luck on the wire; then, of what is left of these kinds, one call after the other.

hypothesis is only needed here: a kiosk that serves drivers has none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from kiosk.simulation.play import Result

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Kept = frozenset[str]
Replay = Callable[[Kept], Result]

MOST_RUNS = 100
"""Of each of the two rounds. What has not been left out by then stays in the story."""
LEAST = 2000
"""One part in so many is left out where hypothesis only looks for a run to begin with: nearly always none is."""


class NoShrinker(Exception):
    """hypothesis is not installed."""


def shrunk(whole: Result, replay: Replay) -> Result:
    """The smallest run found that breaks a promise that `whole` has broken; `whole` itself when it is that.

    `replay` plays the same seed with those parts alone. Raises NoShrinker.
    """
    wanted = frozenset(whole.promises)
    for names in (_kinds, _parts):
        runs = _Runs(replay, wanted)
        found = smallest(names(whole), runs.breaks)
        whole = runs.broken.get(found, whole)
    return whole


class _Runs:
    """Replays, each only once, and no more than MOST_RUNS."""

    def __init__(self, replay: Replay, wanted: frozenset[str]) -> None:
        self._replay, self._wanted = replay, wanted
        self._known: dict[Kept, bool] = {}
        self.broken: dict[Kept, Result] = {}

    def breaks(self, kept: Kept) -> bool:
        if kept not in self._known:
            if len(self._known) >= MOST_RUNS:
                return False
            result = self._replay(kept)
            self._known[kept] = not self._wanted.isdisjoint(result.promises)
            if self._known[kept]:
                self.broken[kept] = result
        return self._known[kept]


def smallest(parts: Sequence[str], breaks: Callable[[Kept], bool]) -> Kept:
    """As few of `parts` as still break it; all of them when nothing less does. Raises NoShrinker."""
    try:
        from hypothesis import HealthCheck, Phase, find, settings
        from hypothesis.errors import NoSuchExample
    except ImportError:
        raise NoShrinker("hypothesis is not installed") from None
    everything = frozenset(parts)
    if not parts:
        return everything
    quiet = settings(
        database=None,
        deadline=None,
        max_examples=20,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(_some_of(parts), breaks, settings=quiet, random=random.Random(0))  # noqa: S311 - no secret
    except NoSuchExample:
        return everything


def _some_of(parts: Sequence[str]) -> SearchStrategy[Kept]:
    """Drawn half by half, so that the shrinker can leave out a half at once."""
    from hypothesis import strategies as st

    if len(parts) == 1:
        only = frozenset(parts)
        return st.integers(0, LEAST).map(lambda drawn: only if drawn else frozenset())
    middle = len(parts) // 2
    return st.tuples(_some_of(parts[:middle]), _some_of(parts[middle:])).map(lambda halves: halves[0] | halves[1])


def _kinds(result: Result) -> list[str]:
    return _sorted(dict.fromkeys(result.parts.values()))


def _parts(result: Result) -> list[str]:
    return _sorted(result.parts)


def _sorted(names: Iterable[str]) -> list[str]:
    """What is alike stands together. Drivers come last: what they do is the story."""
    return sorted(names, key=lambda name: name.startswith("driver "))
