"""Tables as files: what a spreadsheet reads is what was written, nothing is computed, and no row is kept in memory."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import Money
from kiosk.tables.csv_text import csv_pieces
from kiosk.tables.table import Column, Kind, Table, Value, amount_of, defused, is_formula, one_line, zone_of
from kiosk.tables.workbook import xlsx_pieces

BERLIN = ZoneInfo("Europe/Berlin")
COLUMNS = [
    Column("Asked for", Kind.TIME),
    Column("Name"),
    Column("kWh", Kind.ENERGY),
    Column("Held", Kind.MONEY),
    Column("Given back", Kind.MONEY),
    Column("Card", Kind.COUNT),
]
AT = datetime(2026, 11, 20, 14, 3, 12, 999, BERLIN)
HOSTILE = [
    "=cmd()|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "a;=cmd()",
    "%0A",
    "|x",
]


def read_csv(table: Table) -> list[list[str]]:
    text = b"".join(csv_pieces(table)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def sheet_of(table: Table) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(io.BytesIO(b"".join(xlsx_pieces(table)))).active


def of(*rows: Sequence[Value]) -> Table:
    return Table("sessions", COLUMNS, rows)


def names(*found: str) -> Table:
    return Table("names", [Column("Name")], [(one,) for one in found])


ROW = (AT, 'Ada "the" driver, Ünal', Decimal("18.620"), Money(3000, "EUR"), Money(-947, "EUR"), 4242)


def test_a_row_of_csv_says_amounts_with_their_currency_and_times_with_their_zone() -> None:
    head, row = read_csv(of(ROW))
    assert head == ["Asked for", "Asked for, time zone", "Name", "kWh", "Held", "Given back", "Currency", "Card"]
    assert row[:3] == ["2026-11-20 14:03:12", "Europe/Berlin (UTC+01:00)", 'Ada "the" driver, Ünal']
    assert row[3:] == ["18.620", "30.00", "-9.47", "EUR", "4242"]


def test_csv_is_what_the_standard_and_spreadsheets_ask_for() -> None:
    content = b"".join(csv_pieces(of(ROW)))
    assert content.startswith(b'\xef\xbb\xbf"Asked for",')
    assert content.count(b"\r\n") == 2
    assert content.replace(b"\r\n", b"").find(b"\n") == -1
    assert b',-9.47,"EUR",4242' in content, "numbers, also negative ones, stand without quotes"


def test_a_row_of_xlsx_holds_numbers_and_times_and_not_their_words() -> None:
    sheet = sheet_of(of(ROW))
    head, row = sheet.iter_rows()
    assert [one.value for one in head][:2] == ["Asked for", "Asked for, time zone"]
    assert row[0].value == datetime(2026, 11, 20, 14, 3, 12)  # noqa: DTZ001 - a sheet has no zone
    assert [one.value for one in row][3:] == [18.62, 30, -9.47, "EUR", 4242]
    assert [row[place].number_format for place in (3, 4, 5)] == ["0.000", "0.00", "0.00"]
    assert sheet.freeze_panes == "A2"
    assert sheet.title == "sessions"


def test_what_is_not_known_stays_empty_and_is_never_zero() -> None:
    nothing = (None, None, None, None, None, None)
    assert read_csv(of(nothing))[1] == [""] * 8
    assert [one.value for one in list(sheet_of(of(nothing, ROW)).iter_rows())[1]] == [None] * 8
    assert read_csv(of((None, "", Decimal("NaN"), None, Money(0, "EUR"), 0)))[1][3:] == ["", "", "0.00", "EUR", "0"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_is_computed_by_a_spreadsheet(hostile: str) -> None:
    (_, (text,)) = read_csv(names(hostile))
    assert not is_formula(text)
    assert not any(is_formula(part) for part in text.split(";"))
    assert text.replace("'", "") == one_line(hostile).replace("'", ""), "nothing of it is lost"
    cell = sheet_of(names(hostile))["A2"]
    assert (cell.data_type, cell.value) == ("s", one_line(hostile))
    assert cell.quotePrefix == is_formula(one_line(hostile))


def test_a_text_that_does_no_harm_stays_as_it_is() -> None:
    for text in ("ada@example.org", "Bay 4", "a - b", "'quoted", "1 + 1 = 2", "5", ""):
        assert defused(text) == text
        assert read_csv(names(text))[1:] == [[text]]


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_whatever_a_text_holds_it_is_one_cell_of_one_line(texts: list[str]) -> None:
    rows = read_csv(names(*texts))
    assert [[text.replace("'", "")] for (text,) in rows[1:]] == [[one_line(text).replace("'", "")] for text in texts]
    cells = [row[0].value or "" for row in sheet_of(names(*texts)).iter_rows(min_row=2)]
    assert cells == [one_line(text) for text in texts]


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(["EUR", "GBP", "JPY", "ISK", "KWD", "CLF"]),
    st.decimals(0, 10_000, places=3),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(BERLIN)),  # noqa: DTZ001
)
def test_figures_and_times_are_the_same_in_both_files(
    minor: int, currency: str, energy: Decimal, moment: datetime
) -> None:
    money = Money(minor, currency)
    row: Sequence[Value] = (moment, "x", energy, money, None, 7)
    written = read_csv(of(row))[1]
    assert Decimal(written[4]) == money.major
    assert Decimal(written[3]) == energy
    read = [one.value for one in list(sheet_of(of(row)).iter_rows())[1]]
    assert Decimal(repr(read[4])) == money.major
    assert Decimal(repr(read[3])) == energy
    assert abs(read[0] - moment.replace(tzinfo=None, microsecond=0)) < timedelta(milliseconds=1)
    assert written[0] == moment.replace(tzinfo=None, microsecond=0).isoformat(sep=" ")


def test_the_hour_that_comes_twice_says_which_one_it_is() -> None:
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert zone_of(twice) == "Europe/Berlin (UTC+02:00)"
    assert zone_of(twice.replace(fold=1)) == "Europe/Berlin (UTC+01:00)"
    assert zone_of(AT.astimezone(UTC)) == "UTC"
    assert zone_of(AT.astimezone(ZoneInfo("UTC"))) == "UTC"
    assert zone_of(AT.astimezone(timezone(timedelta(hours=-5)))) == "UTC-05:00"
    assert zone_of(AT.astimezone(ZoneInfo("Africa/Abidjan"))) == "Africa/Abidjan (UTC+00:00)"


def test_an_amount_of_another_currency_is_no_number_that_somebody_adds_up() -> None:
    row: Sequence[Value] = (AT, "x", None, Money(3000, "EUR"), Money(500, "USD"), None)
    assert read_csv(of(row))[1][4:7] == ["30.00", "5.00 USD", "EUR"]


def test_an_amount_keeps_what_stripe_counts_and_its_currency_does_not_show() -> None:
    assert str(amount_of(Money(50_000, "ISK"))) == "500"
    assert str(amount_of(Money(50_050, "ISK"))) == "500.50"


def test_a_row_that_does_not_fit_its_columns_is_a_fault() -> None:
    with pytest.raises(ValueError, match="zip"):
        read_csv(of((AT, "x")))


def test_a_time_before_the_calendar_of_sheets_is_text() -> None:
    row: Sequence[Value] = (datetime(1899, 1, 1, tzinfo=UTC), "x", Decimal("1E+3"), None, None, None)
    found = [one.value for one in list(sheet_of(of(row)).iter_rows())[1]]
    assert found[0] == "1899-01-01 00:00:00"
    assert found[3] == 1000


def test_a_sheet_that_is_full_says_so_in_its_last_row() -> None:
    table = names("a", "b", "c", "d")
    content = b"".join(xlsx_pieces(table, most_rows=4))
    rows = list(openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["Name", "a", "b", table.words.full]


def test_a_text_longer_than_a_cell_is_cut_in_a_sheet_alone() -> None:
    long = "x" * 40_000
    assert len(sheet_of(names(long))["A2"].value) == 32_767
    assert read_csv(names(long))[1] == [long]


def test_a_sheets_name_holds_no_sign_that_sheets_refuse() -> None:
    table = Table("[a]:*?/\\'" + "b" * 40, [Column("Name")], [])
    assert sheet_of(table).title == "a" + " " * 7 + "b" * 22
    assert sheet_of(Table("///", [Column("Name")], [])).title == "1"


@pytest.mark.parametrize("pieces_of", [csv_pieces, xlsx_pieces])
def test_the_first_piece_leaves_before_any_row_is_asked_for(pieces_of: Callable[[Table], Iterator[bytes]]) -> None:
    asked = []
    rows = (asked.append(number) or ("x",) for number in range(3))  # type: ignore[func-returns-value]
    assert next(pieces_of(Table("x", [Column("Name")], rows)))
    assert asked == []


@pytest.mark.parametrize("pieces_of", [csv_pieces, xlsx_pieces])
def test_many_rows_take_no_more_memory_than_few(pieces_of: Callable[[Table], Iterator[bytes]]) -> None:
    def peak(count: int) -> int:
        rows = (ROW for _ in range(count))
        tracemalloc.start()
        for _piece in pieces_of(Table("x", COLUMNS, rows)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(6000) < peak(600) + 300_000


@pytest.mark.parametrize("pieces_of", [csv_pieces, xlsx_pieces])
def test_a_reader_who_leaves_ends_the_reading_of_rows(pieces_of: Callable[[Table], Iterator[bytes]]) -> None:
    ended = []

    def rows() -> Iterator[Sequence[Value]]:
        try:
            while True:
                yield ("x" * 1000,)
        finally:
            ended.append(True)

    source = rows()
    pieces = pieces_of(Table("x", [Column("Name")], source))
    next(pieces)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    source.close()  # type: ignore[attr-defined]
    assert ended == [True]


def test_a_sheet_is_compressed() -> None:
    content = b"".join(xlsx_pieces(of(*[ROW] * 2000)))
    assert len(content) < 60_000
