"""What stands on one sheet, in the order in which it is read. All of it is text, ready to be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """A term and the lines that answer it."""

    term: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One cell for each column of its table. `kind`: `sum`, `eg` (a step on the way) or nothing. `note` stands under
    the first cell; `part` draws the swatch of the bar that the row explains (`held`, `taken`, `back`).
    """

    cells: tuple[str, ...]
    kind: str = ""
    note: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` names the columns. The first column is words, the others are figures."""

    heading: str
    heads: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """The hold as a bar: `taken` percent of it from the left, then what is not taken. `given_back`: that part is white,
    else hatched but for the first `sent` percent, which were sent back later. `label` says the same in words.
    """

    taken: float
    given_back: bool
    label: str
    sent: float = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """`title` is the file's own, `kind` the large word on top. `code` is the text of the QR code, `code_label` what
    it is for. `day` is the day of issue as ISO 8601, which the file carries as its date.
    """

    language: str
    right_to_left: bool
    title: str
    day: str
    brand: str
    seller: tuple[str, ...]
    kind: str
    marks: tuple[str, ...]
    buyer: tuple[str, ...]
    facts: tuple[Fact, ...]
    bill: Table | None
    hold: Table | None
    bar: Bar | None
    others: tuple[Table, ...]
    notes: tuple[str, ...]
    foot: tuple[str, ...]
    code: str = ""
    code_label: str = ""
