"""What is left behind for those who ask later: reasons with the commands, marks in the log, events to count."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from kiosk.config.logs import configure_logs, session_mark
from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Event, Session
from kiosk.engine.duties.send import LONGEST_REASON
from kiosk.engine.engine import Engine
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule, endpoint_of
from tests.engine.house import CODE, House

SECRETS = ("anna@mail.example", "pi_1_secret_2", "https://up.example/s/1")


class Refusing(httpx.BaseTransport):
    """Answers every call of one endpoint with a refusal and this sentence."""

    def __init__(self, inner: httpx.BaseTransport, endpoint: str, said: str) -> None:
        self._inner, self._endpoint, self._said = inner, endpoint, said

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if endpoint_of(request.method, request.url.path) != self._endpoint:
            return self._inner.handle_request(request)
        return httpx.Response(409, json={"message": self._said}, request=request)


def refuse(house: House, endpoint: str, said: str) -> None:
    house.transport = Refusing(house.transport, endpoint, said)  # type: ignore[assignment]  # only handed to the client
    house.engine = house.new_engine()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process would write, as it would write it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def said_of(lines: io.StringIO, event: str) -> list[dict[str, object]]:
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in written if line["event"] == event]


@pytest.mark.parametrize("endpoint", ["start", "stop"])
def test_upstreams_own_reason_is_kept_with_the_command(house: House, endpoint: str) -> None:
    key = house.request() if endpoint == "start" else house.charging()
    refuse(house, endpoint, "Connector is reserved")
    if endpoint == "stop":
        house.ask(key, Kind.STOP)
    house.run(12)
    command = house.last(key, Kind(endpoint))
    assert (command.state, command.detail) == (CommandState.REFUSED, "409: Connector is reserved")


def test_a_refusal_without_a_sentence_keeps_its_status(house: House) -> None:
    refuse(house, "start", "")
    key = house.request()
    house.run(12)
    assert house.last(key, Kind.START).detail == "status 409"


@pytest.mark.parametrize("secret", [*SECRETS, "token of the session"])
def test_no_secret_is_kept_with_a_reason(house: House, secret: str) -> None:
    key = house.charging()
    if secret == "token of the session":
        secret = house.store.token(key) or ""
    refuse(house, "stop", f"not for {secret} now")
    house.ask(key, Kind.STOP)
    house.run(12)
    assert house.last(key, Kind.STOP).detail == "409: not for [hidden] now"


def test_a_reason_is_at_most_a_sentence_long(house: House) -> None:
    refuse(house, "start", "no and " * 1000)
    key = house.request()
    house.run(12)
    detail = house.last(key, Kind.START).detail or ""
    assert detail.startswith("409: no and no and")
    assert len(detail) <= LONGEST_REASON


def test_lines_about_a_session_name_its_mark_and_its_charger_and_never_its_key(
    house: House, lines: io.StringIO
) -> None:
    key = house.charging()
    refuse(house, "stop", "Not now")
    house.ask(key, Kind.STOP)
    house.run(12)
    silent = house.request(2)
    house.faults.add(Rule(Fault.TIMEOUT, "start"))
    house.run(5)
    for event, whose in [
        ("upstream refused a command", key),
        ("a start got no answer; it is not sent again", silent),
    ]:
        line = said_of(lines, event)[0]
        assert (line["session"], line["code"]) == (session_mark(whose), CODE)
    refusal = said_of(lines, "upstream refused a command")[0]
    assert (refusal["kind"], refusal["said"]) == ("stop", "409: Not now")
    assert key not in lines.getvalue()
    assert silent not in lines.getvalue()


def test_what_the_kiosk_does_by_itself_is_logged_with_its_reason(house: House, lines: io.StringIO) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "abandoned")
    (line,) = said_of(lines, "the kiosk acts by itself")
    assert (line["session"], line["code"], line["kind"], line["reason"]) == (
        session_mark(key),
        CODE,
        "cancel",
        "start_deadline",
    )


def test_a_command_that_was_cut_off_is_logged_with_its_session(house: House, lines: io.StringIO) -> None:
    key = house.charging()
    assert house.store.claim(house.ask(key, Kind.STOP).id, house.clock.now())
    house.restart()
    house.run(2)
    (line,) = said_of(lines, "a command was cut off")
    assert (line["session"], line["code"], line["kind"]) == (session_mark(key), CODE, "stop")


def test_every_event_of_a_fold_can_be_counted(house: House) -> None:
    counted: Counter[tuple[str, Event]] = Counter()

    def count(event: Event, session: Session) -> None:
        counted[session.code, event] += 1

    house.context = replace(house.context, on_event=count)
    house.engine = Engine(house.context, inline=True)
    key = house.charging()
    house.run(60)
    house.world.set_online(CODE, False)
    house.run(30)
    assert house.session(key).charger_online is False
    assert counted[CODE, Event.STATUS] >= 2
    assert counted[CODE, Event.FIGURES] >= 1
    assert counted[CODE, Event.WENT_OFFLINE] == 1
    assert counted[CODE, Event.ENERGY_FELL] == 0
