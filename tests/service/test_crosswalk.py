"""What is confirmed at the desk fills what kiosk.toml leaves out, and nothing that it says itself."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kiosk.config.sites import SiteBook
from kiosk.domain.crosswalk import Kind, Proposal, Reason, Verdict
from kiosk.domain.desk import Person, Role
from kiosk.service.crosswalk import joined, our_sites, settled_by_file
from kiosk.store.crosswalks import Entry

AT = datetime(2026, 12, 1, tzinfo=UTC)
UUID = "0d9c1f52-6f0e-4c55-9a3f-2b7d8e6a4c11"


def book(**more: object) -> SiteBook:
    garage = {
        "id": "garage",
        "name": "Garage",
        "timezone": "Europe/Berlin",
        "chargers": [
            {"code": "7MK4T", "lab_id": "lab-1", "bays": {1: {"label": "A1"}, 2: {"label": "A2"}}},
            {"code": "9QX6B", "station_ids": ["CP-9"]},
        ],
    }
    yard = {"id": "yard", "name": "Yard", "timezone": "Europe/Berlin", "chargers": [{"code": "5RT2C"}]}
    return SiteBook.model_validate({"sites": [garage | more, yard]})


def entry(kind: Kind, subject: str, value: str, verdict: Verdict = Verdict.CONFIRMED, number: int = 1) -> Entry:
    return Entry(number, Proposal(kind, subject, value, None, 80, (Reason.SAME_NAME,)), verdict, AT, AT, "kim")


def test_ids_and_stations_that_were_confirmed_are_in_the_book() -> None:
    found = joined(
        book(),
        [
            entry(Kind.PLUGCHOICE_SITE, "garage", UUID, number=1),
            entry(Kind.CHARGEPILOT_SITE, "garage", "42", number=2),
            entry(Kind.STATION, "7MK4T", "CP-1", number=3),
        ],
    )
    garage, yard = found.book.sites
    assert (garage.plugchoice_site, garage.chargepilot_site) == (UUID, "42")
    assert [one.station_ids for one in garage.chargers] == [("CP-1",), ("CP-9",)]
    assert (yard, len(found.used)) == (book().sites[1], 3)
    assert found.book.charger("7MK4T") == garage.chargers[0]


def test_what_the_file_says_goes_before() -> None:
    given_book = book(plugchoice_site=UUID, chargepilot_site="41")
    entries = [
        entry(Kind.PLUGCHOICE_SITE, "garage", "another", number=1),
        entry(Kind.CHARGEPILOT_SITE, "garage", "42", number=2),
        entry(Kind.STATION, "9QX6B", "CP-1", number=3),
        entry(Kind.CHARGEPILOT_SITE, "yard", "41", number=4),  # the file gives it to the garage
        entry(Kind.STATION, "7MK4T", "cp-9", number=5),  # and this station to another charger
    ]
    found = joined(given_book, entries)
    assert (found.book, found.used) == (given_book, frozenset())


def test_what_is_open_or_rejected_or_of_no_site_counts_nothing() -> None:
    entries = [
        entry(Kind.CHARGEPILOT_SITE, "garage", "42", Verdict.OPEN),
        entry(Kind.CHARGEPILOT_SITE, "garage", "43", Verdict.REJECTED),
        entry(Kind.CHARGEPILOT_SITE, "gone", "44"),
        entry(Kind.STATION, "GONE", "CP-1"),
    ]
    assert joined(book(), entries).book == book()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Kind),
            st.sampled_from(["garage", "yard", "7MK4T", "9QX6B", "5RT2C"]),
            st.sampled_from(["a", "A", "b", "CP-9", "c"]),
        ),
        max_size=12,
    ),
    st.randoms(),
)
def test_nothing_is_in_use_twice_and_the_order_does_not_count(told: list[tuple[Kind, str, str]], luck: object) -> None:
    entries = [entry(*one, number=number) for number, one in enumerate(told)]
    found = joined(book(), entries)
    ends = [(kind, value.casefold()) for kind, _subject, value in found.used]
    subjects = [(kind, subject) for kind, subject, _value in found.used]
    assert len(ends) == len(set(ends))
    assert len(subjects) == len(set(subjects))
    luck.shuffle(entries)  # type: ignore[attr-defined]
    assert joined(book(), entries) == found


def test_a_site_of_the_book_tells_what_it_is_known_by_and_what_is_settled() -> None:
    garage, _yard = our_sites(book(chargepilot_site="42"))
    assert [(one.id, one.names, one.connectors) for one in garage.place.things] == [
        ("7MK4T", ("7MK4T", "lab-1"), frozenset({1, 2})),
        ("9QX6B", ("9QX6B",), frozenset()),
    ]
    assert (garage.chargepilot_site, garage.stations) == ("42", {"9QX6B": ("CP-9",)})


def test_what_the_file_says_is_shown_to_those_who_see_the_site() -> None:
    told = [("garage", "chargepilot_site", "42"), ("9QX6B", "station", "CP-9")]
    assert settled_by_file(book(chargepilot_site="42"), Person(1, "kim", Role.OWNER)) == told
    assert settled_by_file(book(chargepilot_site="42"), Person(1, "kim", Role.OWNER, frozenset({"yard"}))) == []
