"""A receipt that is revised stays the receipt of its day."""

from __future__ import annotations

from dataclasses import replace

from kiosk.domain.commands import Kind
from kiosk.engine.engine import Engine
from kiosk.upstream.errors import NoAnswer
from tests.engine.house import SELLER, House


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
