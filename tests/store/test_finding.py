"""Sessions are found by what is known of them, page by page, and never by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, select

from kiosk.config.logs import session_mark
from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import HoldProof, Phase, Session
from kiosk.store import Store
from kiosk.store.finding import Place, Wanted
from kiosk.store.rows import session_values
from kiosk.store.tables import commands, sessions
from tests.worlds.once import migrated_store

from .build import NOW, TARIFF, charging, later, opened, queued, whole_end

SOON = later(10_000_000)


def fill(store: Store, count: int, **more: Any) -> None:
    """Sessions that have ended long ago, a minute apart, in three charges at five chargers, straight into the table."""
    rows = []
    for number in range(count):
        facts: dict[str, Any] = {
            "status": ("captured", "captured", "no_charge", "requires_review")[number % 4],
            "captured_minor": number % 7 * 100,
            "authorized_minor": 5000,
            "proof": HoldProof(NOW, "succeeded", 0, 100, card_last4=f"{number % 3:04}"),
            **more,
        }
        one = Session(
            key=f"key-{number}",
            code=f"CODE{number % 5}",
            connector_id=1 + number % 2,
            phase=Phase.OPEN,
            requested_at=later(number * 60),
            tariff=TARIFF,
            **facts,
        )
        rows.append({**session_values(one), "watch": False, "unproven": False})
    with store._database.write() as connection:
        connection.execute(insert(sessions), rows)


@pytest.fixture(autouse=True)
def _emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """What `fill` wrote keeps none of the store's promises, so it is gone before they are looked at."""
    kept = request.getfixturevalue("store") if "store" in request.fixturenames else None
    yield
    if kept is not None:
        with kept._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.key.not_in(select(commands.c.session_key))))


def keys(store: Store, wanted: Wanted, after: Place | None = None, most: int = 1000) -> list[str]:
    return [one.session.key for one in store.finding.page(wanted, SOON, after, most)]


def test_every_page_goes_on_where_the_one_before_ended(store: Store) -> None:
    fill(store, 23)
    found: list[str] = []
    after = None
    while rows := store.finding.page(Wanted(), SOON, after, 5):
        assert len(rows) <= 5
        found += [one.session.key for one in rows]
        after = rows[-1].place
    assert found == [f"key-{number}" for number in reversed(range(23))]


def test_sessions_of_one_moment_are_each_on_one_page(store: Store) -> None:
    fill(store, 6)
    with store._database.write() as connection:
        connection.execute(sessions.update().values(requested_at=NOW))
    first = store.finding.page(Wanted(), SOON, None, 4)
    rest = store.finding.page(Wanted(), SOON, first[-1].place, 4)
    assert sorted(one.session.key for one in (*first, *rest)) == [f"key-{number}" for number in range(6)]


@pytest.mark.parametrize(
    ("wanted", "right"),
    [
        (Wanted(codes=("CODE1",)), lambda n: n % 5 == 1),
        (Wanted(codes=("CODE1", "CODE2")), lambda n: n % 5 in {1, 2}),
        (Wanted(codes=()), lambda _n: False),
        (Wanted(bays=(("CODE1", 2), ("CODE3", None))), lambda n: n % 5 == 3 or (n % 5 == 1 and n % 2 == 1)),
        (Wanted(codes=("CODE1",), bays=(("CODE3", None),)), lambda _n: False),
        (Wanted(codes=(), bays=(("CODE3", None),)), lambda _n: False),
        (Wanted(codes=(), mark=session_mark("key-3")), lambda _n: False),
        (Wanted(statuses=("captured",)), lambda n: n % 4 < 2),
        (Wanted(statuses=("no_charge", "requires_review"), codes=("CODE0",)), lambda n: n % 4 > 1 and n % 5 == 0),
        (Wanted(phases=("refused",)), lambda _n: False),
        (Wanted(open=True), lambda _n: False),
        (Wanted(last4="0002"), lambda n: n % 3 == 2),
        (Wanted(last4="0002", since=later(20 * 60), until=later(30 * 60)), lambda n: n % 3 == 2 and 20 <= n < 30),
        (Wanted(amount_minor=300), lambda n: n % 7 == 3),
        (Wanted(amount_minor=5000, statuses=("captured",)), lambda n: n % 4 < 2),
        (Wanted(amount_minor=300, last4="0000"), lambda n: n % 7 == 3 and n % 3 == 0),
        (Wanted(mark=session_mark("key-3")), lambda n: n == 3),
        (Wanted(receipt="2026-000001"), lambda _n: False),
        (Wanted(email="ada@example.org"), lambda _n: False),
    ],
)
def test_all_of_it_has_to_be_true(store: Store, wanted: Wanted, right: Any) -> None:
    fill(store, 60)
    assert keys(store, wanted) == [f"key-{number}" for number in reversed(range(60)) if right(number)]


def test_a_session_is_found_by_receipt_e_mail_and_card_and_by_its_number(store: Store) -> None:
    key = opened(store)
    store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(5), email="Ada@Example.org")
    store.observe(key, charging(100), source="read")
    store.observe(key, whole_end(400, 525), source="read")
    store.set_proof(key, HoldProof(later(401), "succeeded", 0, 525, card_last4="4242"))
    number = store.issue_receipt(key, {"taken": 525}, later(402))
    opened(store, queued("key-2", connector_id=2), token="token-2")
    for wanted in (
        Wanted(receipt=number),
        Wanted(email="ada@example.org"),
        Wanted(last4="4242"),
        Wanted(amount_minor=525),
        Wanted(mark=session_mark(key)),
    ):
        assert keys(store, wanted) == [key]
    assert keys(store, Wanted(open=True)) == ["key-2"]
    place = store.finding.number_of(key)
    assert place is not None
    found = store.finding.by_number(place)
    assert found is not None
    assert (found.session.key, found.ended_at is not None) == (key, True)
    assert (store.finding.by_number(999), store.finding.number_of("none")) == (None, None)


def test_an_e_mail_that_was_erased_is_not_found_any_more_and_stood_nowhere_in_clear(store: Store) -> None:
    key = opened(store)
    store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(5), email="ada@example.org")
    store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(6), email="bob@example.org")
    assert (keys(store, Wanted(email="ada@example.org")), keys(store, Wanted(email="bob@example.org"))) == ([], [key])
    with store._database.read() as connection:
        stored = [str(value) for row in connection.exec_driver_sql("SELECT * FROM commands") for value in row]
    assert not any("example.org" in one for one in stored)
    store.observe(key, charging(100), source="read")
    store.observe(key, whole_end(400, 525), source="read")
    store.erase_personal(later(1000))
    assert keys(store, Wanted(email="bob@example.org")) == []


USUAL = [
    Wanted(),
    Wanted(since=NOW, until=later(3600)),
    Wanted(codes=("CODE1", "CODE2")),
    Wanted(codes=("CODE1",), statuses=("captured",)),
    Wanted(bays=(("CODE1", 2),)),
    Wanted(statuses=("captured",)),
    Wanted(statuses=("no_charge", "failed", "expired", "abandoned")),
    Wanted(phases=("refused", "no_answer")),
    Wanted(open=True),
    Wanted(last4="0001"),
    Wanted(last4="0001", since=NOW, until=later(3600)),
    Wanted(amount_minor=100, codes=("CODE1",)),
    Wanted(amount_minor=100, statuses=("captured",)),
    Wanted(mark="0123456789"),
    Wanted(receipt="2026-000001"),
    Wanted(email="ada@example.org"),
]


@pytest.fixture
def many(store: Store) -> Store:
    fill(store, 500)
    return store


@pytest.mark.sqlite
@pytest.mark.parametrize("after", [None, Place(later(250 * 60), 250)])
@pytest.mark.parametrize("wanted", USUAL)
def test_no_usual_search_looks_at_every_session(many: Store, wanted: Wanted, after: Place | None) -> None:
    """What SQLite would do: SEARCH uses an index from a value on, SCAN goes over a whole table or index."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        asked.append((statement, values))

    engine = many._database._engine
    event.listen(engine, "before_cursor_execute", note)
    many.finding.page(wanted, SOON, after, 50)
    event.remove(engine, "before_cursor_execute", note)
    (statement, values) = asked[-1]
    with many._database.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    steps = [str(row[3]) for row in plan]
    assert not [step for step in steps if step.startswith("SCAN") and "sessions" in step], steps
    assert not [step for step in steps if step.startswith("SCAN commands")], steps
    assert any("sessions" in step for step in steps), steps


@pytest.mark.sqlite
@settings(max_examples=25)
@given(after=st.integers(0, 500), most=st.integers(1, 60))
def test_the_place_in_time_decides_what_a_page_shows(once_filled: Store, after: int, most: int) -> None:
    wanted = Wanted(statuses=("captured", "no_charge"))
    shown = keys(once_filled, wanted, Place(later(after * 60), 0), most)
    assert shown == [f"key-{n}" for n in reversed(range(after)) if n % 4 < 3][:most]


@pytest.fixture(scope="module")
def once_filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = migrated_store(tmp_path_factory.mktemp("finding") / "kiosk.db")
    fill(store, 500)
    yield store
    store.close()


def test_a_day_without_an_end_ends_tomorrow(store: Store) -> None:
    fill(store, 2)
    assert [one.session.key for one in store.finding.page(Wanted(), NOW - timedelta(days=1), None, 5)] == []


def test_a_number_that_no_row_can_have_is_of_no_session(store: Store) -> None:
    assert store.finding.by_number(2**63) is None
    for number in (-1, 2**63):
        with pytest.raises(ValueError, match="no row"):
            Place(NOW, number)
    with pytest.raises(ValueError, match="no row"):
        Place(NOW.replace(tzinfo=None), 1)
