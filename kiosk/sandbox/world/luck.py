"""Bad luck of a whole system beside the public endpoints, in plain words: it lasts until somebody ends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiosk.sandbox.world.faults import Faults, Kind, Rule

SLOW_SECONDS = 3
"""Of the watcher's time, however fast the world goes."""


class Luck(StrEnum):
    GOOD = "good"
    DOWN = "down"
    SLOW = "slow"
    REFUSED = "refused"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Luck.GOOD: "works",
    Luck.DOWN: "down",
    Luck.SLOW: "slow",
    Luck.REFUSED: "refuses the key (401)",
    Luck.GARBAGE: "answers with a web page",
    Luck.TRUNCATED: "answers break off",
}
_KINDS = {
    Luck.DOWN: Kind.UNREACHABLE,
    Luck.SLOW: Kind.LATENCY,
    Luck.REFUSED: Kind.UNAUTHORIZED,
    Luck.GARBAGE: Kind.HTML,
    Luck.TRUNCATED: Kind.TRUNCATED,
}


@dataclass(frozen=True)
class System:
    """`use` is what the kiosk has from it. `faults` are its own."""

    key: str
    name: str
    use: str
    faults: Faults

    @property
    def luck(self) -> Luck:
        kinds = {rule.kind for rule, _ in self.faults.waiting()}
        return next((luck for luck, kind in _KINDS.items() if kind in kinds), Luck.GOOD)

    def set(self, luck: Luck, rate: float = 1.0) -> None:
        """`rate`: how many times as fast as outside the world's clock goes."""
        self.faults.clear()
        if luck is not Luck.GOOD:
            self.faults.add(Rule(_KINDS[luck], times=None, seconds=SLOW_SECONDS * rate))
