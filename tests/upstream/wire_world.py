"""A client of the public endpoints on a faked wire, and every call that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from kiosk.domain.charger import ChargerCard
from kiosk.domain.session import Observation
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint, Limits
from kiosk.upstream.plugchoice.public import PlugchoicePublic, Started
from tests.worlds.faked_wire import Answers, FakedWire

from .support import (
    EMAIL,
    TOKEN,
    assert_tells_nothing,
    charger_body,
    session_body,
    started_body,
)

BASE = "https://upstream.example/api/v3"
Call = Callable[[PlugchoicePublic], Observation | ChargerCard | Started]

CALLS: dict[Endpoint, Call] = {
    Endpoint.GET_CHARGER: lambda api: api.get_charger("ab12cd"),
    Endpoint.START: lambda api: api.start("ab12cd", 1, EMAIL),
    Endpoint.GET_SESSION: lambda api: api.get_session(TOKEN),
    Endpoint.CONFIRM: lambda api: api.confirm(TOKEN),
    Endpoint.STOP: lambda api: api.stop(TOKEN),
    Endpoint.CANCEL: lambda api: api.cancel(TOKEN),
    Endpoint.RECEIPT_EMAIL: lambda api: api.set_receipt_email(TOKEN, EMAIL),
}
OF_A_SESSION = [e for e in Endpoint if e not in {Endpoint.GET_CHARGER, Endpoint.START}]
every_endpoint = pytest.mark.parametrize("endpoint", list(Endpoint))


class World(FakedWire):
    """A client of the public endpoints on a faked wire, and its budgets."""

    def __init__(self, answer: Answers, limits: Limits | None = None) -> None:
        super().__init__(answer)
        self.budgets = Budgets(limits)
        self.api = PlugchoicePublic(BASE, budgets=self.budgets, **self.wired)


@contextmanager
def world(answer: Answers, limits: Limits | None = None) -> Iterator[World]:
    made = World(answer, limits)
    try:
        yield made
    finally:
        made.api.close()


def good(endpoint: Endpoint) -> httpx.Response:
    if endpoint is Endpoint.GET_CHARGER:
        return httpx.Response(200, json=charger_body())
    if endpoint is Endpoint.START:
        return httpx.Response(201, json=started_body())
    return httpx.Response(200, json=session_body())


def failure(endpoint: Endpoint, answer: Answers) -> UpstreamError:
    with world(answer) as w, pytest.raises(UpstreamError) as failed:
        CALLS[endpoint](w.api)
    assert_tells_nothing(failed.value)
    return failed.value
