"""The sites of both systems, read over the wire of the sandbox; what cannot be read is said, and the rest is there."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from kiosk.config.settings import build_settings
from kiosk.config.sites import SiteBook, load_site
from kiosk.doctor import by_listing
from kiosk.doctor.by_listing import Listed, listed
from kiosk.domain.crosswalk import Kind
from kiosk.outside import connect
from kiosk.sandbox.chargepilot.gateway import SITE_ID
from kiosk.sandbox.plugchoice.office import SITE_UUID, charger_uuid
from kiosk.upstream.plugchoice.budget import Budgets, Limits

from .test_doctor import ALL, BARE, EXAMPLE, StandIns


@pytest.fixture
def outside() -> StandIns:
    return StandIns()


def read(outside: StandIns, codes: dict[str, str] | None = None, **settings: Any) -> Listed:
    made = build_settings(**(BARE | ALL | {"plugchoice_url": "https://up/api/v3"} | settings))
    clients = connect(made, outside.clock, Budgets(Limits()), outside.transports)
    try:
        return listed(clients, codes or {})
    finally:
        clients.close()


def instead(outside: StandIns, word: str, status: int, body: object = None) -> list[str]:
    """Every address that ends with the word is answered so. Returns those that were asked for, as they come."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        asked.append(request.url.path)
        return httpx.Response(status, json=body) if request.url.path.endswith(word) else None

    outside.instead = answer
    return asked


def test_both_list_their_sites_with_ids_chargers_and_connectors(outside: StandIns) -> None:
    found = read(outside)
    assert found.troubles == ()
    assert found.plugchoice is not None
    assert found.pilot is not None
    (there,), (pilot,) = found.plugchoice, found.pilot
    assert (there.id, there.name, there.whole) == (SITE_UUID, "Marktplatz garage", True)
    by_id = {one.id: one for one in there.things}
    assert "7MK4T" in by_id[charger_uuid("7MK4T")].names
    assert by_id[charger_uuid("7MK4T")].connectors == {1, 2}
    assert (pilot.id, pilot.about) == (SITE_ID, "Europe/Berlin")
    assert {one.id: one.connectors for one in pilot.things}["7MK4T"] == {1, 2}


def test_a_book_that_names_no_ids_has_both_proposed(outside: StandIns) -> None:
    sites = [
        one.model_copy(update={"plugchoice_site": None, "chargepilot_site": None}) for one in load_site(EXAMPLE).sites
    ]
    walk = read(outside).crosswalk(SiteBook(sites=tuple(sites)))
    proposed = {(one.kind, one.value) for one in walk.proposals}
    assert {(Kind.PLUGCHOICE_SITE, SITE_UUID), (Kind.CHARGEPILOT_SITE, SITE_ID)} <= proposed


def test_a_charger_whose_code_is_known_is_not_asked_for_it(outside: StandIns) -> None:
    asked = instead(outside, "nothing", 500)
    codes = read(outside).codes
    assert sum("public-charging" in path for path in asked) == len(codes) > 5
    asked.clear()
    assert read(outside, dict(codes)).codes == codes
    assert not [path for path in asked if "public-charging" in path]


def test_more_codes_than_one_go_may_ask_for_are_left_with_a_word(
    outside: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_listing, "MOST_CODES", 3)
    found = read(outside)
    assert len(found.codes) <= 3
    assert found.troubles == ("Not all public codes of Marktplatz garage were asked for: ask again.",)


def test_without_a_token_that_is_said_and_without_chargepilot_nothing(outside: StandIns) -> None:
    found = read(outside, plugchoice_token=None, chargepilot_url=None, chargepilot_key=None, chargepilot_secret=None)
    assert (found.plugchoice, found.pilot) == (None, None)
    assert found.troubles == (
        "Plugchoice's sites are seen with the operator's token alone: set KIOSK_PLUGCHOICE_TOKEN.",
    )


@pytest.mark.parametrize(
    ("word", "status", "said"),
    [
        ("/api/v3/sites", 401, "Plugchoice refuses (401): KIOSK_PLUGCHOICE_TOKEN is wrong."),
        ("/rest/v1/sites", 403, "ChargePilot does not let this key see its sites (403)."),
        (
            "/chargers",
            500,
            "Plugchoice gives no usable answer on the chargers of Marktplatz garage; check the network and its "
            "address.",
        ),
        (
            "/settings/public-charging",
            500,
            "Plugchoice gives no usable answer on the public codes of Marktplatz garage; check the network and its "
            "address.",
        ),
    ],
)
def test_what_does_not_answer_is_said_and_the_other_system_is_there(
    outside: StandIns, word: str, status: int, said: str
) -> None:
    instead(outside, word, status)
    found = read(outside)
    assert found.troubles == (said,)
    assert (found.plugchoice is None) is (word == "/api/v3/sites")
    assert (found.pilot is None) is (word == "/rest/v1/sites")
    if word == "/chargers":
        assert found.plugchoice is not None
        assert [(one.things, one.whole) for one in found.plugchoice] == [((), False)]


def test_a_list_of_sites_without_trees_is_followed_by_a_question_for_each(outside: StandIns) -> None:
    instead(outside, "/rest/v1/sites", 200, [{"id": SITE_ID, "name": "Garage"}, {"id": "gone"}])
    found = read(outside)
    assert found.pilot is not None
    assert [(one.id, bool(one.things)) for one in found.pilot] == [(SITE_ID, True), ("gone", False)]
    assert found.troubles == ("ChargePilot does not know the fuses of gone (404); check its id in kiosk.toml.",)


def test_a_list_of_sites_that_is_cut_off_is_said(outside: StandIns) -> None:
    page = {"data": [{"uuid": SITE_UUID, "name": "Garage"}], "links": {"next": "http://elsewhere/x"}, "meta": {}}
    instead(outside, "/api/v3/sites", 200, json.loads(json.dumps(page)))
    found = read(outside)
    assert "Plugchoice shows only a part of its sites." in found.troubles
