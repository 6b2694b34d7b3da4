"""What somebody who looks after a kiosk should know of it: a sentence, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Finding:
    """`mark` is ok, note (works, but look at it) or BAD (will not work, or not safely). `about` names the subject."""

    mark: str
    text: str
    about: str = field(default="", compare=False)

    @property
    def bad(self) -> bool:
        return self.mark == "BAD"


def ok(text: str) -> Finding:
    return Finding("ok", text)


def note(text: str) -> Finding:
    return Finding("note", text)


def bad(text: str) -> Finding:
    return Finding("BAD", text)


def about(subject: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The same, of that subject."""
    return (replace(one, about=subject) for one in findings)
