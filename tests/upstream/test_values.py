"""Single values: right in every form that is documented or was met, None for everything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.upstream.http import decode
from kiosk.upstream.plugchoice.public_reading import read_observation
from kiosk.upstream.values import (
    MOST_MINOR,
    as_count,
    as_credential,
    as_epoch,
    as_flag,
    as_kwh,
    as_minor,
    as_moment,
    as_number,
    as_text,
    as_word,
)

from .support import session_body

ASKED = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SEEN = ASKED + timedelta(seconds=1)
NAN, INFINITE = Decimal("NaN"), Decimal("Infinity")


@pytest.mark.parametrize("value", [4900, "4900", " 4900 ", Decimal("4900.0"), "4900.00", Decimal("4.9e3"), "+4900"])
def test_an_amount_may_be_written_in_many_ways(value: object) -> None:
    assert as_minor(value) == 4900


@pytest.mark.parametrize(
    "value",
    [None, True, "", "4900.5", -1, "-1", MOST_MINOR + 1, 10**60, "1" * 50, "4,900", "4_900", "٤٩", "0x10", NAN, [], {}],
)
def test_an_amount_that_is_none_is_absent(value: object) -> None:
    assert as_minor(value) is None


def test_the_largest_amount_is_an_amount() -> None:
    assert as_minor(MOST_MINOR) == MOST_MINOR


@pytest.mark.parametrize(
    ("value", "kwh"),
    [
        ("7.940", "7.940"),
        ("7", "7"),
        (7, "7"),
        (Decimal("0.1"), "0.1"),
        (" 0.0", "0.0"),
        ("-0.000", "0.000"),
        ("1.234567891234", "1.234567891"),
        ("100000", "100000"),
        ("1e-30", "0.000000000"),
    ],
)
def test_energy_is_exact(value: object, kwh: str) -> None:
    found = as_kwh(value)
    assert found is not None
    assert (str(found), found.is_signed()) == (str(Decimal(kwh)), False)


@pytest.mark.parametrize(
    "value", [None, True, "", "-", "-0.001", "100000.001", "7,94", "7.94 kWh", "NaN", INFINITE, NAN, Decimal("1e-99")]
)
def test_energy_that_is_none_is_absent(value: object) -> None:
    assert as_kwh(value) is None


def test_energy_never_passes_through_a_float() -> None:
    body = decode(json.dumps(session_body()).replace('"7.940"', "0.100000001").encode())
    assert read_observation(body, ASKED, SEEN).energy_kwh == Decimal("0.100000001")
    assert as_number(0.1) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-10T01:14:32.000000Z",
        "2026-01-10T01:14:32.000Z",
        "2026-01-10T01:14:32Z",
        "2026-01-10T01:14:32+00:00",
        "2026-01-10T02:14:32+01:00",
        "2026-01-10T01:14:32",
        "2026-01-10 01:14:32",
        "2026-01-10T01:14:32.000000000Z",
    ],
)
def test_a_moment_may_be_written_in_many_ways(text: str) -> None:
    moment = as_moment(text)
    assert moment == datetime(2026, 1, 10, 1, 14, 32, tzinfo=UTC)
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "2026-01-10",
        "2026-13-10T01:14:32Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-10T01:14:32 Europe/Berlin",
        1736471672,
        True,
        "2" * 500,
    ],
)
def test_a_moment_that_is_none_is_absent(value: object) -> None:
    assert as_moment(value) is None


@given(st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_every_moment_comes_back_as_it_was(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert as_moment(moment.isoformat()) == moment


@pytest.mark.parametrize(("value", "flag"), [(True, True), ("true", True), (1, True), ("0", False), (" OFF ", False)])
def test_a_flag_may_be_written_in_many_ways(value: object, flag: bool) -> None:
    assert as_flag(value) is flag


@pytest.mark.parametrize("value", [None, "", "maybe", 2, [], Decimal(1)])
def test_a_flag_that_is_none_is_absent(value: object) -> None:
    assert as_flag(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Bay 1", "Bay 1"),
        ("  Bay \r\n\t 1\x00\x1b[31m ", "Bay 1 [31m"),
        ("\u202eevil\u2066\u200b", "evil"),
        ("a\ud800b", "ab"),
        ("Zoë 👩\u200d🔧", "Zoë 👩\u200d🔧"),
        ("x" * 900, "x" * 200),
        (42, "42"),
        (10**30, None),
        (True, None),
        ("\n\u2028", None),
        (None, None),
        (["x"], None),
    ],
)
def test_a_text_is_one_clean_line(value: object, text: str | None) -> None:
    assert as_text(value) == text


def test_a_word_and_a_credential_are_never_numbers() -> None:
    assert as_word(5) is None
    assert as_credential(5) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [(1736471672, datetime(2025, 1, 10, 1, 14, 32, tzinfo=UTC)), (0, None), (None, None), (10**12, None), ("x", None)],
)
def test_seconds_since_1970_are_a_moment(value: object, moment: datetime | None) -> None:
    assert as_epoch(value) == moment


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_nothing(body: bytes) -> None:
    decode(body)


@given(st.text())
def test_a_clean_text_stays_as_it_is(value: str) -> None:
    once = as_text(value)
    assert once is None or as_text(once) == once
    assert once is None or len(once) <= 200


@given(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text() | st.lists(st.integers()),
    st.integers(0, 10**6),
)
def test_a_count_is_a_count(value: object, most: int) -> None:
    found = as_count(value, most)
    assert found is None or 0 <= found <= most
