"""A whole charge, from the price to the receipt, by calling services: an engine, the sandbox behind it, no page at all.

The only requests are those of the engine to the back office, carried in-process by `httpx.WSGITransport`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.config.settings import build_settings
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard
from kiosk.domain.offer import NoOffer, Offer, offer_at
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Phase
from kiosk.service import session, visit
from kiosk.service.cards import LONGEST_TERMS, current_card, own_sessions
from kiosk.service.parts import Parts
from kiosk.service.power_kept import Powers
from kiosk.service.session import Reply
from kiosk.service.start import Started, begin
from kiosk.service.waiting import line_place
from tests.engine.house import CODE, House

from .conftest import BOOK, KEY


@dataclass
class Place:
    """A site with its engine and its back office, and the parts of a kiosk that is never asked over HTTP."""

    house: House
    parts: Parts

    def card(self) -> ChargerCard:
        """What a driver sees who looks at the charger and gives the engine a moment to read it."""
        current_card(self.parts, CODE)
        self.house.run(1)
        card = current_card(self.parts, CODE)
        assert card is not None
        return card

    def offer(self, connector_id: int) -> Offer:
        """What a driver reads before they start."""
        offer = offer_at(self.card(), connector_id, self.house.clock.now(), claimed=False, longest=LONGEST_TERMS)
        assert isinstance(offer, Offer)
        return offer

    def start(self, connector_id: int, device: str = "phone") -> str:
        offer = self.offer(connector_id)
        begun = begin(
            self.parts,
            CODE,
            connector_id,
            device=device,
            seen=offer.terms,
            limit_minor=offer.limits[-1].minor,
        )
        assert isinstance(begun, Started)
        return begun.key

    def pay(self, key: str, device: str = "phone") -> None:
        """As Stripe's form does in the driver's browser; then the kiosk is asked to look."""
        self.house.until(key, "created")
        assert isinstance(session.payment_of(self.parts, key, device), session.PaymentForm)
        self.house.pay(key)
        assert session.confirm(self.parts, key, device) is Reply.DONE


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    house = House(tmp_path, proofs=True)
    settings = build_settings(
        secret_key=KEY,
        data_dir=tmp_path,
        public_url="https://lindenau.example",
        plugchoice_url="http://127.0.0.1:9/api/v3",
    )
    book = SiteBook.model_validate(BOOK)
    store, news, clock = house.store, house.news, house.clock
    powers = Powers(store, news, clock)
    yield Place(house, Parts(settings, book, clock, store, news, house.engine, powers, patience=0.0))
    house.close()


def test_a_driver_reads_the_price_starts_pays_charges_stops_and_keeps_a_receipt(place: Place) -> None:
    house, parts = place.house, place.parts
    house.world.plug_in(CODE, 1, "family", 200)
    offer = place.offer(1)
    assert (offer.tariff.price_per_kwh_minor, offer.hold.minor) == (49, 5000)
    key = place.start(1)
    place.pay(key)
    house.until(key, "charging")
    house.run(600)
    own = own_sessions(parts, "phone", CODE)
    assert own.running is not None
    assert own.running.energy_kwh is not None
    assert own.running.energy_kwh > 0
    assert place.card().connectors[0].status == "Charging"
    assert begin(parts, CODE, 1, device="another phone") is NoOffer.NOT_FREE
    assert session.set_limit(parts, key, "phone", None) is Reply.DONE
    assert session.send_receipt_to(parts, key, "phone", "anna@mail.example") is Reply.DONE
    assert session.stop(parts, key, "another phone") is Reply.NOT_OWNER
    assert session.stop(parts, key, "phone") is Reply.DONE
    ended = house.until(key, "captured")
    house.run(10)
    own = own_sessions(parts, "phone", CODE)
    assert own.running is None
    assert own.ended is not None
    stored, receipt = parts.store.receipt(key), receipt_of(ended)
    assert stored is not None
    assert receipt is not None
    assert stored.document["taken"] == {"minor": ended.captured_minor, "currency": "EUR"}
    assert sum(line.amount.minor for line in receipt.lines) == ended.captured_minor
    intent = house.intent(key)
    assert (intent["amount_received"], intent["amount_capturable"]) == (ended.captured_minor, 0)
    proof = house.session(key).proof
    assert proof is not None
    assert proof.ended


def test_a_bay_that_was_chosen_at_a_tablet_is_paid_on_the_phone_that_scanned_its_code(place: Place) -> None:
    house, parts, now = place.house, place.parts, place.house.clock.now()
    pairing = parts.store.new_pairing("marktplatz", "gate", now, now + timedelta(minutes=15))
    tablet = parts.store.pair(pairing, "the tablet's key", now)
    assert tablet is not None
    handoff = visit.open_handoff(parts, tablet, CODE, 2, "en")
    assert handoff is not None
    token = visit.code_at(parts, handoff, now).token
    assert token is not None
    claimed = visit.claim(parts, token, "phone")
    assert claimed is not None
    house.world.plug_in(CODE, claimed.connector_id, "family", 200)
    key = place.start(claimed.connector_id)
    place.pay(key)
    house.until(key, "charging")
    found = visit.findable(parts, CODE, 2)
    assert found is not None
    assert found.key == key


def test_a_driver_who_leaves_the_tablet_without_paying_frees_the_bay_for_the_next_one(place: Place) -> None:
    house, parts = place.house, place.parts
    key = place.start(1, device="visit")
    house.until(key, "created")
    visit.end_visit(parts, "visit")
    house.until(key, "abandoned")
    assert house.session(key).captured_minor in {None, 0}
    house.run(60)
    assert isinstance(begin(parts, CODE, 1, device="next visit", seen=place.offer(1).terms), Started)


def test_a_fourth_driver_in_a_minute_waits_in_the_line_and_is_started_by_the_engine(place: Place) -> None:
    house, parts = place.house, place.parts
    keys = [place.start(number, device=f"phone {number}") for number in range(1, 5)]
    house.run(5)
    assert [house.session(key).phase for key in keys] == [Phase.OPEN, Phase.OPEN, Phase.OPEN, Phase.QUEUED]
    waits = line_place(parts, keys[3], house.clock.now())
    assert waits is not None
    assert (waits.number, 0 < waits.seconds <= 61) == (1, True)
    house.until(keys[3], "created")
    assert line_place(parts, keys[3], house.clock.now()) is None
