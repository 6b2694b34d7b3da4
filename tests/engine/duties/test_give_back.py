"""A token that was received is never thrown away: a bay is freed by our cancel, not by upstream's expiry."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Phase
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.store.store import Store
from kiosk.store.tables import received_tokens
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import CODE, House
from tests.worlds.spent import spend


def statuses(house: House) -> list[str]:
    return [session.status for session in house.world.sessions()]


def rows(house: House) -> int:
    with house.store._database.read() as connection:
        return len(connection.execute(select(received_tokens.c.id)).all())


def locked(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> list[str]:
    """The store cannot write for so many times, as when another process keeps it locked."""
    real: Callable[..., Any] = getattr(Store, name)
    tried: list[str] = []

    def write(store: Store, *args: Any, **named: Any) -> Any:
        tried.append(name)
        if len(tried) <= times:
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        return real(store, *args, **named)

    monkeypatch.setattr(Store, name, write)
    return tried


@pytest.mark.parametrize(
    "fields", [("payment",), ("payment.client_secret",), ("payment.publishable_key",), ("status",), ("data",)]
)
def test_a_session_whose_answer_cannot_be_used_is_cancelled_at_once(house: House, fields: tuple[str, ...]) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=fields))
    key = house.request()
    house.run(6)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert (statuses(house), rows(house)) == (["abandoned"], 0)
    assert house.answered("start") == 1
    again = house.request()
    house.until(again, "created", 30)
    assert statuses(house) == ["abandoned", "created"]


def test_an_answer_without_a_token_leaves_nothing_to_give_back(house: House) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("session_token",)))
    house.request()
    house.run(6)
    assert (statuses(house), rows(house)) == (["created"], 0)


def test_a_kill_between_the_token_and_its_session_leaves_a_row_that_is_given_back(house: House) -> None:
    key = house.request()
    (start,) = house.store.commands(key)
    now = house.kiosk_clock.now()
    assert house.store.claim(start.id, now)
    started = house.context.public.start(CODE, 1)
    house.store.keep_token(key, started.token, now)
    house.restart()
    house.run(10)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert (statuses(house), rows(house), house.answered("start")) == (["abandoned"], 0, 1)


def test_an_answer_that_comes_when_another_leader_has_ended_the_start_is_given_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease was lost during a slow start: the next leader called it unanswered."""
    key = house.request()
    (start,) = house.store.commands(key)
    public = house.context.public
    real = public.start

    def slow(*args: Any) -> Any:
        answer = real(*args)
        house.store.start_unanswered(start.id, house.kiosk_clock.now(), "cut off")
        return answer

    monkeypatch.setattr(public, "start", slow)
    house.run(8)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert (statuses(house), rows(house)) == (["abandoned"], 0)


@pytest.mark.parametrize("write", ["keep_token", "start_done"])
def test_a_store_that_is_locked_for_a_moment_costs_nobody_their_start(
    house: House, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    tried = locked(monkeypatch, write, 2)
    key = house.request()
    house.run(4)
    assert (house.session(key).status, statuses(house), rows(house)) == ("created", ["created"], 0)
    assert len(tried) == 3


def test_a_start_that_the_store_could_not_take_is_given_back_when_it_can(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(monkeypatch, "start_done", 3)
    kept = locked(monkeypatch, "keep_token", 5)
    key = house.request()
    house.run(150)
    assert len(kept) == 6
    assert house.session(key).phase is Phase.NO_ANSWER
    assert (statuses(house), rows(house), house.answered("start")) == (["abandoned"], 0, 1)


def test_a_token_that_is_written_late_does_not_cancel_the_session_that_has_it(house: House) -> None:
    key = house.request()
    house.until(key, "created")
    house.store.keep_token(key, house.store.token(key) or "", house.kiosk_clock.now())
    house.run(30)
    assert (rows(house), statuses(house)) == (0, ["created"])


@pytest.mark.parametrize(
    ("fault", "more"),
    [(Fault.TIMEOUT, {}), (Fault.SERVER_ERROR, {}), (Fault.UNREACHABLE, {}), (Fault.TOO_MANY, {"retry_after": 3600})],
)
def test_a_cancel_that_fails_is_sent_again_within_a_minute(house: House, fault: Fault, more: dict[str, Any]) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    house.faults.add(Rule(fault, "cancel", **more))
    house.request()
    house.run(5)
    assert (statuses(house), rows(house)) == (["created"], 1)
    house.run(65)
    assert (statuses(house), rows(house)) == (["abandoned"], 0)


def test_a_session_that_ended_by_itself_is_let_go(house: House) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    house.faults.add(Rule(Fault.SERVER_ERROR, "cancel", times=6))
    house.request()
    house.run(400)
    assert (statuses(house), rows(house)) == (["expired"], 0)


def test_no_token_is_in_a_log_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    with caplog.at_level(logging.DEBUG):
        key = house.request()
        house.run(6)
    (session,) = house.world.sessions()
    assert session.token not in caplog.text
    assert house.states(key, Kind.START) == [CommandState.UNKNOWN]


def test_a_token_lies_encrypted_until_it_is_given_back(house: House) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    house.faults.add(Rule(Fault.SERVER_ERROR, "cancel", times=None))
    house.request()
    house.run(5)
    (session,) = house.world.sessions()
    with house.store._database.read() as connection:
        (stored,) = connection.execute(select(received_tokens.c.token)).scalars()
    assert session.token not in stored


def test_a_session_that_upstream_does_not_know_any_more_is_let_go(house: House) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    house.faults.add(Rule(Fault.TOKEN_EXPIRED, "cancel"))
    house.request()
    house.run(6)
    assert (house.answered("cancel"), rows(house)) == (1, 0)


def test_a_token_that_nobody_can_read_is_told_and_let_go(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    house.faults.add(Rule(Fault.UNREACHABLE, "cancel"))
    house.request()
    house.run(3)
    with house.store._database.write() as connection:
        connection.execute(update(received_tokens).values(token="sealed by somebody else"))
    house.run(70)
    assert (house.answered("cancel"), rows(house)) == (0, 0)
    assert "its token cannot be read" in caplog.text


def test_a_cancel_waits_for_its_budget(house: House) -> None:
    spend(house.budgets, Endpoint.CANCEL, house.kiosk_clock.now(), 10)
    house.faults.add(Rule(Fault.NULLS, "start", fields=("payment",)))
    house.request()
    house.run(30)
    assert (statuses(house), rows(house)) == (["created"], 1)
    house.run(40)
    assert (statuses(house), rows(house)) == (["abandoned"], 0)
