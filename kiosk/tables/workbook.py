"""A table as XLSX, one sheet, written while it is sent: no file on disk, and the first bytes at once.

XlsxWriter draws up a workbook with the line above the table and one line of samples; its parts are sent as they are,
and in the place of the samples come the rows, in the samples' formats. A file that was cut off opens nowhere, so that
nobody takes a part for the whole.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from kiosk.tables.table import Cell, Column, Kind, Table, cells, expanded, is_formula, one_line

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
LONGEST_TEXT = 32_767
"""What a sheet, and a cell of it, can hold."""
PIECE_BYTES = 16 * 1024
_SHEET = "xl/worksheets/sheet1.xml"
_DECIMALS = range(5)
"""Each number of decimals that an amount or an energy is shown with; finer ones keep their figures."""
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's times have no zone
_LEAST_DAY = datetime(1900, 3, 1)  # noqa: DTZ001 - the format has a 29 February 1900
_BAD_SIGNS = re.compile(r"[\[\]:*?/\\']")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_WIDTHS = {Kind.TEXT: 18, Kind.MONEY: 12, Kind.ENERGY: 12, Kind.TIME: 20, Kind.COUNT: 10}


@dataclass(frozen=True, slots=True)
class _Frame:
    """Everything of the workbook but the rows: its parts, the sheet before and after them, and the numbers of its
    formats."""

    parts: list[tuple[zipfile.ZipInfo, bytes]]
    before: bytes
    after: bytes
    numbers: list[str]
    time: str
    quoted: str


class _Wire:
    """What a ZIP file is written to when nobody can go back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return found


def xlsx_pieces(table: Table, most_rows: int = MOST_ROWS) -> Iterator[bytes]:
    """The file piece by piece. `most_rows`: a sheet that is full says so in its last row."""
    columns = expanded(table.columns, table.words)
    frame, wire = _frame(table.name, columns), _Wire()
    letters = [xl_col_to_name(place) for place in range(len(columns))]
    with zipfile.ZipFile(wire, "w", zipfile.ZIP_DEFLATED) as file:
        for info, content in frame.parts:
            file.writestr(info, content)
        rows = zipfile.ZipInfo(_SHEET)
        rows.compress_type = zipfile.ZIP_DEFLATED  # else that of the file does not hold for it
        with file.open(rows, "w") as sheet:
            sheet.write(frame.before)
            yield wire.take()
            for number, row in enumerate(table.rows, 2):
                full = number == most_rows
                values: Iterable[Cell] = [table.words.full] if full else cells(table.columns, row)
                sheet.write(_row(number, letters, values, frame))
                if wire.size >= PIECE_BYTES:
                    yield wire.take()
                if full:
                    break
            sheet.write(frame.after)
    yield wire.take()


def _row(number: int, letters: list[str], row: Iterable[Cell], frame: _Frame) -> bytes:
    found = [
        _cell(f"{letter}{number}", cell, frame) for letter, cell in zip(letters, row, strict=False) if cell is not None
    ]
    return f'<row r="{number}">{"".join(found)}</row>'.encode()


def _cell(place: str, cell: Cell, frame: _Frame) -> str:
    if isinstance(cell, datetime) and cell < _LEAST_DAY:
        cell = cell.isoformat(sep=" ")
    if isinstance(cell, datetime):
        days = (cell - _FIRST_DAY) / timedelta(days=1)
        return f'<c r="{place}" s="{frame.time}"><v>{days!r}</v></c>'
    if isinstance(cell, str):
        style = f' s="{frame.quoted}"' if is_formula(cell) else ""
        text = escape(_ESCAPE.sub("_x005F_", cell[:LONGEST_TEXT]))
        return f'<c r="{place}"{style} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    decimals = -int(cell.as_tuple().exponent) if isinstance(cell, Decimal) else 0
    style = frame.numbers[min(max(decimals, 0), _DECIMALS[-1])]
    value = f"{cell:f}" if isinstance(cell, Decimal) else cell
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def _frame(name: str, columns: list[Column]) -> _Frame:
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet(_BAD_SIGNS.sub(" ", one_line(name))[:31].strip() or "1")
    head = book.add_format({"bold": True, "quote_prefix": True})
    for place, column in enumerate(columns):
        sheet.write_string(0, place, one_line(column.name), head)
        sheet.set_column(place, place, _WIDTHS[column.kind])
    for decimals in _DECIMALS:
        shown = book.add_format({"num_format": f"0.{'0' * decimals}" if decimals else "0"})
        sheet.write_number(1, decimals, 1, shown)
    sheet.write_number(1, len(_DECIMALS), 1, book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
    sheet.write_string(1, len(_DECIMALS) + 1, "=", book.add_format({"quote_prefix": True}))
    sheet.freeze_panes(1, 0)
    book.close()
    with zipfile.ZipFile(content) as file:
        parts = [(info, file.read(info)) for info in file.infolist() if info.filename != _SHEET]
        whole = file.read(_SHEET)
    whole = re.sub(rb"<dimension [^>]*/>", b"", whole)  # it counts the samples
    before, samples, after = re.split(rb'(<row r="2".*?</row>)', whole)
    styles = re.findall(r' s="(\d+)"', samples.decode())
    return _Frame(parts, before, after, styles[: len(_DECIMALS)], styles[-2], styles[-1])
