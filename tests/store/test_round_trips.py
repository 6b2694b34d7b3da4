"""What goes in comes out, exactly, whatever it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update
from sqlalchemy.engine import make_url

from kiosk.domain.charger import ChargerCard, Connector, merge
from kiosk.domain.commands import AskedBy, Kind, Refusal, Wish
from kiosk.domain.doubt import Doubt
from kiosk.domain.session import HoldProof, LiveFigures, Observation, PaymentContext, Phase, Refund, Session, fold
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Point, Trace
from kiosk.store import NaiveTime, Store
from kiosk.store.rows import session_values
from kiosk.store.tables import sessions
from kiosk.store.types import UtcTime, dump
from tests.examples import at_most
from tests.worlds.once import migrated_store

from .build import NOW, opened, queued, stored

ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60)) | st.just(UTC)
TIMES = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001  the bounds have no zone of their own
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=ZONES,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MINOR = st.integers(-(2**62), 2**62)
ENERGY = st.decimals(allow_nan=False, allow_infinity=False)
TARIFFS = st.builds(Tariff, st.sampled_from(["EUR", "JPY", "KWD", "ISK"]), st.integers(0, 2**62), st.integers(0, 2**62))
STATUS = st.sampled_from([status.value for status in Status]) | TEXT


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


PROOFS = st.builds(
    HoldProof,
    TIMES,
    TEXT,
    MINOR,
    MINOR,
    maybe(TIMES),
    maybe(TEXT),
    maybe(TEXT),
    capture_before=maybe(TIMES),
    refunded_minor=maybe(MINOR),
    refunded_at=maybe(TIMES),
)
TRACES = st.builds(Trace, st.lists(st.builds(Point, TIMES, ENERGY), max_size=4).map(tuple))
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXT,
    "str | None": maybe(TEXT),
    "int": st.integers(0, 2**31 - 1),
    "int | None": maybe(MINOR),
    "bool": st.booleans(),
    "bool | None": maybe(st.booleans()),
    "datetime": TIMES,
    "datetime | None": maybe(TIMES),
    "Decimal | None": maybe(ENERGY),
    "Tariff | None": maybe(TARIFFS),
    "Phase": st.sampled_from(Phase),
    "Refusal | None": maybe(st.sampled_from(Refusal)),
    "LiveFigures | None": maybe(st.builds(LiveFigures, maybe(ENERGY), maybe(MINOR), TIMES)),
    "Trace": TRACES,
    "tuple[Refund, ...]": st.lists(st.builds(Refund, maybe(MINOR), TIMES), max_size=3).map(tuple),
    "HoldProof | None": maybe(PROOFS),
    "Doubt | None": maybe(st.builds(Doubt, TIMES, maybe(ENERGY), maybe(MINOR))),
    "Wish | None": maybe(st.builds(Wish, st.sampled_from(Kind), st.sampled_from(AskedBy), TIMES)),
    "PaymentContext | None": maybe(st.builds(PaymentContext, TEXT, TEXT, TEXT)),
}


def whole(kind: type[Any], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Every field of a dataclass with every value that its type allows. A new field takes part by itself."""
    fields = {name: BY_TYPE[field.type] for name, field in kind.__dataclass_fields__.items()}
    return st.builds(kind, **{**fields, **fixed})


SESSIONS = whole(Session, status=maybe(STATUS))
OBSERVATIONS = whole(Observation, status=maybe(STATUS))
CARDS = st.builds(
    ChargerCard,
    code=TEXT,
    name=maybe(TEXT),
    online=maybe(st.booleans()),
    connectors=st.lists(
        st.builds(
            Connector, st.integers(0, 99), maybe(TEXT), maybe(TEXT), maybe(TEXT), maybe(TEXT), since=maybe(TIMES)
        ),
        max_size=3,
    ).map(tuple),
    tariff=maybe(TARIFFS),
    preauth_minor=maybe(MINOR),
    seen_at=TIMES,
    priced_at=maybe(TIMES),
)
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples."""
    store = migrated_store(tmp_path_factory.mktemp("store") / "kiosk.db")
    yield store
    store.close()


def put(store: Store, session: Session) -> Session:
    """Store any session under a key of its own, without a start."""
    session = replace(session, key=f"key-{next(NUMBERS)}")
    with store._database.write() as connection:
        connection.execute(insert(sessions).values(**session_values(session)))
    return session


@settings(deadline=None, max_examples=at_most(150))
@given(session=SESSIONS)
def test_a_session_comes_back_exactly(lasting: Store, session: Session) -> None:
    session = put(lasting, session)
    assert lasting.session(session.key) == session


@settings(deadline=None, max_examples=at_most(80))
@given(session=SESSIONS, seen=OBSERVATIONS)
def test_an_observation_changes_a_session_as_the_fold_says(lasting: Store, session: Session, seen: Observation) -> None:
    before = put(lasting, session)
    folded, events = fold(before, seen)
    after, noticed = lasting.observe(before.key, seen, source="read")
    rise = 1 if folded != before else 0
    assert (after, noticed) == (replace(folded, version=before.version + rise), events)
    assert lasting.session(before.key) == after
    assert lasting.observations(before.key)[0].seen == replace(seen, payment=None, driver_email=None)


@settings(deadline=None, max_examples=at_most(80))
@given(card=CARDS)
def test_a_charger_card_comes_back_exactly(lasting: Store, card: ChargerCard) -> None:
    card = replace(card, code=f"code-{next(NUMBERS)}")
    assert lasting.save_card(card) == merge(None, card)
    assert lasting.card(card.code) == card


def test_decimals_keep_their_last_zeros(lasting: Store) -> None:
    session = put(lasting, queued(energy_kwh=Decimal("1.500")))
    found = lasting.session(session.key)
    assert found is not None
    assert str(found.energy_kwh) == "1.500"


def test_times_come_back_in_utc(lasting: Store) -> None:
    cest = timezone(timedelta(hours=2))
    session = put(lasting, queued(requested_at=NOW.astimezone(cest)))
    found = lasting.session(session.key)
    assert found is not None
    assert found.requested_at.tzinfo is UTC


def test_a_database_that_keeps_zones_gives_utc_too() -> None:
    cest = timezone(timedelta(hours=2))
    read = UtcTime().process_result_value(NOW.astimezone(cest), make_url("postgresql://").get_dialect()())
    assert read == NOW
    assert read is not None
    assert read.tzinfo is UTC


NAIVE = NOW.replace(tzinfo=None)
CALLS_WITH_A_NAIVE_TIME: dict[str, Callable[[Store, str], object]] = {
    "create": lambda store, _: store.create(queued("key-2", connector_id=2), device="phone", now=NAIVE),
    "create a session": lambda store, _: store.create(
        queued("key-2", connector_id=2, requested_at=NAIVE), device="phone", now=NOW
    ),
    "observe": lambda store, key: store.observe(key, Observation(NAIVE, NOW, "created"), source="read"),
    "mark_gone": lambda store, key: store.mark_gone(key, NOW + timedelta(hours=1), NAIVE),
    "hint": lambda store, key: store.hint(key, NAIVE),
    "clear_hint": lambda store, key: store.clear_hint(key, NAIVE),
    "waiting": lambda store, _: store.waiting(NAIVE),
    "ask": lambda store, key: store.ask(key, Kind.STOP, AskedBy.DRIVER, NAIVE),
    "claim": lambda store, _: store.claim(1, NAIVE),
    "show_payment": lambda store, key: store.show_payment(key, NAIVE),
    "sessions_of": lambda store, _: store.sessions_of("phone", since=NAIVE),
    "peek_takeover": lambda store, _: store.peek_takeover("code", NAIVE),
    "use_bank_return": lambda store, key: store.use_bank_return(key, "phone", NAIVE),
    "want_card": lambda store, _: store.want_card("ABC", NAIVE),
    "note_card_problem": lambda store, _: store.note_card_problem("ABC", None, NAIVE),
    "save_card": lambda store, _: store.save_card(ChargerCard("ABC", None, None, (), None, None, NAIVE)),
    "take_lease": lambda store, _: store.take_lease("engine", "me", NAIVE, timedelta(seconds=5)),
    "note_call": lambda store, _: store.note_call("start", NAIVE),
    "note_closure": lambda store, _: store.note_closure("start", NAIVE),
    "closures": lambda store, _: store.closures(NAIVE),
    "calls_since": lambda store, _: store.calls_since(NAIVE),
    "note_webhook": lambda store, _: store.note_webhook("evt_1", "x", None, NAIVE),
    "issue_receipt": lambda store, key: store.issue_receipt(key, {}, NAIVE),
    "erase_personal": lambda store, _: store.erase_personal(NAIVE),
    "set_proof": lambda store, key: store.set_proof(key, HoldProof(NAIVE, "succeeded", 0, 0)),
}


@pytest.mark.parametrize("call", CALLS_WITH_A_NAIVE_TIME.values(), ids=CALLS_WITH_A_NAIVE_TIME)
def test_a_time_without_a_zone_is_refused(store: Store, call: Callable[[Store, str], object]) -> None:
    key = opened(store)
    with pytest.raises(NaiveTime, match="zone"):
        call(store, key)


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump({"energy": float("nan")})


def test_a_word_that_the_domain_does_not_have_is_refused(store: Store) -> None:
    stored(store)
    with pytest.raises(Exception, match="not a valid Phase"), store._database.write() as connection:
        connection.execute(update(sessions).values(phase="dreaming"))
