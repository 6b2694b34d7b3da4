"""The list of exceptions, and tokens under a secret that was dropped too early."""

from __future__ import annotations

from pathlib import Path

from kiosk.domain.attention import Act, Attention, Level, Matter
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.handling import Did
from kiosk.store import Cipher, Store
from kiosk.store.exceptions import MOST, Changes

from .build import NOW, later, opened, queued, seen, whole_end


def test_an_odd_end_is_listed_and_an_ordinary_one_is_not(store: Store) -> None:
    store.observe(opened(store), whole_end(60), source="read")
    odd = opened(store, queued("key-2", connector_id=2), token="token-2")
    store.observe(odd, seen("captured", 60, authorized_minor=5000), source="read")
    found = store.exceptions(later(100))
    assert [(session.key, what) for session, what in found] == [
        (odd, (Attention.AMOUNT_UNKNOWN, Attention.FIGURE_UNKNOWN))
    ]


def test_a_token_under_a_secret_that_is_gone_is_counted_while_its_session_lives(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kiosk.db"
    before = Store(url, Cipher(["old secret"]))
    before.migrate()
    key = opened(before)
    before.keep_token(opened(before, queued("key-2", connector_id=2), token="token-2"), "token-3", NOW)
    rotated, dropped = Store(url, Cipher(["new", "old secret"])), Store(url, Cipher(["new"]))
    assert (rotated.sealed_off(), dropped.sealed_off()) == (0, 2)
    before.observe(key, whole_end(60), source="read")
    assert dropped.sealed_off() == 1
    for each in (before, rotated, dropped):
        each.close()


def matter(kind: Attention = Attention.HOLD_OVERDUE, subject: str = "key-1", since: float = 0) -> Matter:
    return Matter(kind, subject, "7MK4T", later(since), Act.STOP, 5000, "EUR")


def test_a_reason_is_opened_once_grows_louder_once_and_is_closed_when_it_is_gone(store: Store) -> None:
    first = store.keep_exceptions([matter()], {"key-1"}, later(60))
    assert [(one.matter, one.level) for one in first.opened] == [(matter(), Level.NOTED)]
    assert store.keep_exceptions([matter()], {"key-1"}, later(120)) == Changes()
    louder = store.keep_exceptions([matter()], {"key-1"}, later(3600))
    assert [(one.level, one.level_at) for one in louder.louder] == [(Level.LOUD, later(3600))]
    closed = store.keep_exceptions([], {"key-1"}, later(4000))
    assert [one.matter.kind for one in closed.closed] == [Attention.HOLD_OVERDUE]
    assert store.open_exceptions() == []
    (kept,) = store.exceptions_of("key-1")
    assert (kept.noticed_at, kept.closed_at) == (later(60), later(4000))


def test_what_was_not_looked_at_stays_open(store: Store) -> None:
    store.keep_exceptions([matter(), matter(subject="key-2")], {"key-1", "key-2"}, later(60))
    store.keep_exceptions([], {"key-2"}, later(120))
    assert [one.matter.subject for one in store.open_exceptions()] == ["key-1"]


def test_a_reason_that_comes_back_is_a_new_row(store: Store) -> None:
    store.keep_exceptions([matter()], {"key-1"}, later(60))
    store.keep_exceptions([], {"key-1"}, later(120))
    store.keep_exceptions([matter(since=150)], {"key-1"}, later(180))
    assert [one.closed_at is None for one in store.exceptions_of("key-1")] == [False, True]


def test_the_loudest_and_oldest_come_first(store: Store) -> None:
    rows = [
        matter(Attention.OTHER_PRICE, "quiet", -90_000),
        matter(subject="young", since=80_000),
        matter(subject="alarm", since=-10_000),
        matter(subject="loud", since=70_000),
    ]
    store.keep_exceptions(rows, {one.subject for one in rows}, later(80_000))
    assert [one.matter.subject for one in store.open_exceptions()] == ["alarm", "loud", "quiet", "young"]


def test_commands_without_an_answer_are_found_while_their_session_is_open(store: Store) -> None:
    key = opened(store)
    stop = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(10))
    assert store.claim(stop.id, later(11))
    store.finish(stop.id, CommandState.UNKNOWN, later(20))
    assert [one.id for one in store.unanswered_of({key})] == [stop.id]
    assert store.unanswered_of({"another"}) == []
    store.observe(key, whole_end(60), source="read")
    assert store.unanswered_of({key}) == []


def test_of_a_charger_only_the_reason_that_was_looked_at_is_closed(store: Store) -> None:
    refused = matter(Attention.STARTS_REFUSED, "7MK4T")
    price = matter(Attention.PRICE_BREAKS_RULE, "7MK4T")
    places = {(one.kind, one.subject) for one in (refused, price)}
    store.keep_exceptions([refused, price], (), later(60), places)
    store.keep_exceptions([], {"7MK4T"}, later(120), {(Attention.STARTS_REFUSED, "7MK4T")})
    assert [one.matter.kind for one in store.open_exceptions()] == [Attention.PRICE_BREAKS_RULE]


def test_a_reason_of_a_refund_is_closed_by_a_look_at_its_refund_and_not_by_one_at_its_session(store: Store) -> None:
    refused = matter(Attention.REFUND_REFUSED)
    store.keep_exceptions([refused], (), later(60), {(Attention.REFUND_REFUSED, "key-1")})
    assert store.keep_exceptions([], {"key-1"}, later(120)) == Changes()
    closed = store.keep_exceptions([], (), later(180), {(Attention.REFUND_REFUSED, "key-1")})
    assert [one.matter for one in closed.closed] == [refused]


def test_a_second_refusal_is_not_hidden_by_the_first_that_somebody_has_seen_to(store: Store) -> None:
    first, second = matter(Attention.REFUND_REFUSED, since=10), matter(Attention.REFUND_REFUSED, since=500)
    (row,) = store.keep_exceptions([first], (), later(60)).opened
    store.handle(row.id, Did.DONE, "kim", later(100))
    assert store.keep_exceptions([first], (), later(120)) == Changes()
    changes = store.keep_exceptions([second], (), later(520))
    assert ([one.id for one in changes.closed], [one.matter for one in changes.opened]) == ([row.id], [second])
    (open_now,) = store.open_exceptions()
    assert open_now.handling.waits(later(520))


def test_more_reasons_than_are_shown_at_once_are_opened_once_each(store: Store) -> None:
    many = [matter(subject=f"key-{number}", since=number) for number in range(MOST + 5)]
    store.keep_exceptions(many, {one.subject for one in many}, later(2000))
    assert store.keep_exceptions(many, {one.subject for one in many}, later(2030)) == Changes()
    assert len(store.every_open_exception()) == MOST + 5
