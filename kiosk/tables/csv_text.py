"""A table as CSV (RFC 4180): UTF-8 with the mark by which spreadsheets know it, commas, a decimal point.

Formulas are defused. Negative amounts are numbers, and stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from kiosk.tables.table import Cell, Table, cells, defused, expanded

TYPE = "text/csv; charset=utf-8; header=present"
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
PIECE_SIGNS = 16 * 1024
"""So many are gathered before they are handed on. The line above the table leaves by itself, at once."""


def csv_pieces(table: Table) -> Iterator[bytes]:
    """The file piece by piece."""
    yield (_MARK + _line([column.name for column in expanded(table.columns, table.words)])).encode()
    lines: list[str] = []
    gathered = 0
    for row in table.rows:
        lines.append(_line(cells(table.columns, row)))
        gathered += len(lines[-1])
        if gathered >= PIECE_SIGNS:
            yield "".join(lines).encode()
            lines, gathered = [], 0
    if lines:
        yield "".join(lines).encode()


def _line(row: Iterable[Cell]) -> str:
    return ",".join(map(_field, row)) + "\r\n"


def _field(cell: Cell) -> str:
    """Every text in quotes: a comma, or whatever else a spreadsheet takes lines apart at, is a part of it."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return '"' + defused(cell).replace('"', '""') + '"'
    return (
        cell.isoformat(sep=" ")
        if isinstance(cell, datetime)
        else f"{cell:f}"
        if isinstance(cell, Decimal)
        else str(cell)
    )
