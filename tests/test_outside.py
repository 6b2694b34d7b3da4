"""The clients of the systems outside: which of them the settings turn on, and which transport each is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from kiosk.clock import ManualClock
from kiosk.config.settings import SettingsError
from kiosk.domain.telling import Channel, Receiver
from kiosk.outside import Outside, Transports, check_addresses, connect, remembered_budgets
from kiosk.upstream.errors import NotSent, UpstreamError
from kiosk.upstream.plugchoice.budget import Budgets
from tests.web.built import KEY, made_settings
from tests.worlds.once import migrated_store

EVERYTHING: dict[str, Any] = {
    "plugchoice_token": "operator-1",
    "chargepilot_url": "https://pilot.example/rest/v1",
    "chargepilot_key": "key-1",
    "chargepilot_secret": "hidden",
    "ocpplab_url": "https://lab.example",
    "ocpplab_token": "lab-1",
    "stripe_api_key": "sk_test_1",
}
CALLS: dict[str, Callable[[Outside], object]] = {
    "public": lambda outside: outside.public.get_charger("7MK4T"),
    "operator": lambda outside: outside.operator and outside.operator.sites(),
    "pilot": lambda outside: outside.pilot and outside.pilot.sites(),
    "lab": lambda outside: outside.lab and outside.lab.chargers(),
}


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.method} {request.url} was not expected")


def test_nothing_but_plugchoice_is_there_when_nothing_is_set(tmp_path: Path) -> None:
    outside = connect(made_settings(tmp_path), ManualClock(), Budgets())
    assert (outside.operator, outside.pilot, outside.lab, outside.proofs, outside.pictures) == (None,) * 5
    outside.close()


@pytest.mark.parametrize("asked", CALLS)
def test_each_client_calls_over_the_transport_that_is_its_own(tmp_path: Path, asked: str) -> None:
    heard: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(str(request.url))
        return httpx.Response(503)

    transports = {name: httpx.MockTransport(answer if name == asked else nobody) for name in CALLS}
    settings = made_settings(tmp_path, **EVERYTHING)
    outside = connect(settings, ManualClock(), Budgets(), Transports(**transports))  # type: ignore[arg-type]
    with pytest.raises(UpstreamError):
        CALLS[asked](outside)
    outside.close()
    assert heard


def test_stripe_is_asked_over_the_session_that_was_given(tmp_path: Path) -> None:
    class Session(requests.Session):
        asked: list[str]

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
            del args, kwargs
            self.asked.append(f"{method.upper()} {url}")
            raise requests.ConnectionError

    session = Session()
    session.asked = []
    outside = connect(made_settings(tmp_path, **EVERYTHING), ManualClock(), Budgets(), Transports(stripe=session))
    assert outside.proofs is not None
    with pytest.raises(UpstreamError):
        outside.proofs.proof("pi_1", "acct_1")
    outside.close()
    assert session.asked[0].startswith("GET https://api.stripe.com/v1/payment_intents/pi_1")


def test_pictures_are_fetched_with_ocpplab_but_not_where_stand_ins_are(tmp_path: Path) -> None:
    settings = made_settings(tmp_path, **EVERYTHING)
    real, stand_in = (
        connect(settings, ManualClock(), Budgets(), Transports(pictures=pictures)) for pictures in (True, False)
    )
    assert real.pictures is not None
    assert stand_in.pictures is None
    real.close()
    stand_in.close()


@pytest.mark.parametrize("asked", CALLS)
def test_after_the_end_no_client_sends_anything_and_a_second_end_is_harmless(tmp_path: Path, asked: str) -> None:
    silent = httpx.MockTransport(nobody)
    transports = Transports(public=silent, operator=silent, pilot=silent, lab=silent)
    outside = connect(made_settings(tmp_path, **EVERYTHING), ManualClock(), Budgets(), transports)
    outside.close()
    outside.close()
    with pytest.raises(NotSent, match="closed"):
        CALLS[asked](outside)


def test_remembered_budgets_write_each_call_down(tmp_path: Path) -> None:
    store = migrated_store(tmp_path / "kiosk.db", KEY)
    clock = ManualClock()
    failing = httpx.MockTransport(lambda _request: httpx.Response(503))
    budgets = remembered_budgets(store.note_call, store.note_closure)
    outside = connect(made_settings(tmp_path), clock, budgets, Transports(public=failing))
    with pytest.raises(UpstreamError):
        outside.public.get_charger("7MK4T")
    assert [name for name, _ in store.calls_since(clock.now() - timedelta(minutes=1))] == ["get_charger"]
    outside.close()
    store.close()


def test_an_address_that_apprise_cannot_use_is_said_with_the_name_of_its_receiver_alone() -> None:
    usable = Receiver("chat", Channel.APPRISE, "json://chat.example/x")
    other = Receiver("phone", Channel.NTFY, "https://ntfy.example/x")
    check_addresses([usable, other])
    with pytest.raises(SettingsError, match=r"^notify 'kim': Apprise cannot use its address") as caught:
        check_addresses([usable, other, Receiver("kim", Channel.APPRISE, "nonsense://hidden")])
    assert "hidden" not in str(caught.value)
