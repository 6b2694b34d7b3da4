"""A receipt that is revised stays the receipt of its day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kiosk.domain.commands import Kind
from kiosk.engine.engine import Engine
from kiosk.engine.receipts import issue
from kiosk.sandbox.world.chargers import Pricing
from kiosk.sandbox.world.switches import Switches
from kiosk.upstream.errors import NoAnswer
from tests.engine.house import CODE, SELLER, House


def test_a_revised_receipt_keeps_the_seller_of_the_day_of_issue(house_with_proofs: House) -> None:
    house = house_with_proofs
    assert house.proofs is not None
    house.proofs.fails_with = NoAnswer("no answer")
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    issued = house.store.receipt(key)
    assert issued is not None
    assert issued.document["given_back_at"] is None
    house.restart()
    house.context = replace(house.context, seller=lambda _session: {"name": "Another GmbH", "address": "Elsewhere"})
    house.engine = Engine(house.context, inline=True)
    house.proofs.fails_with = None
    house.run(900)
    revised = house.store.receipt(key)
    assert revised is not None
    assert revised.document["given_back_at"] is not None
    assert revised.document["seller"] == SELLER
    assert (revised.number, revised.issued_at) == (issued.number, issued.issued_at)


def test_another_price_that_came_later_stands_on_the_receipt_beside_that_of_the_start(tmp_path: Path) -> None:
    house = House(tmp_path, Switches(price_frozen_at_start=False, settle=25))
    key = house.charging()
    house.world.set_pricing(CODE, Pricing("EUR", price_per_kwh=79, start_fee=35))
    house.run(30)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    issued = house.store.receipt(key)
    assert issued is not None
    assert issued.document["later_price"]["per_kwh"]["minor"] == 79
    house.close()


def test_there_is_no_receipt_before_an_end(tmp_path: Path) -> None:
    house = House(tmp_path)
    key = house.charging()
    issue(house.context, house.session(key))
    assert house.store.receipt(key) is None
    house.close()


def test_a_company_that_its_owner_added_stays_when_the_receipt_is_revised(house_with_proofs: House) -> None:
    house = house_with_proofs
    assert house.proofs is not None
    house.proofs.fails_with = NoAnswer("no answer")
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    assert house.store.add_buyer(key, {"name": "Depot GmbH"}, house.kiosk_clock.now())
    house.proofs.fails_with = None
    house.run(900)
    revised = house.store.receipt(key)
    assert revised is not None
    assert revised.document["given_back_at"] is not None
    assert revised.document["buyer"] == {"name": "Depot GmbH"}
    before = house.store.receipt_revisions(revised.number)
    issue(house.context, house.session(key))
    assert house.store.receipt_revisions(revised.number) == before, "the same again is no revision"
