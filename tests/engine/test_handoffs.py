"""What the engine forgets of tablets: which phone took a bay over, and then the hand-off itself."""

from __future__ import annotations

from datetime import timedelta

from kiosk.store.records import Handoff
from tests.engine.house import CODE, House


def test_the_engine_forgets_hand_offs_by_itself(house: House) -> None:
    now = house.clock.now()
    tablet = house.store.pair(house.store.new_pairing("harbour", "gate", now, now + timedelta(hours=1)), "key", now)
    assert tablet is not None
    assert house.store.open_handoff(Handoff("h-1", tablet.id, CODE, 1, "en", now))
    assert house.store.claim_handoff("h-1", "phone", now)
    house.run(5)
    assert house.store.handoff_claimed_by("h-1", "phone") is not None
    house.clock.advance(4 * 3600)
    house.run(5)
    assert house.store.handoff_claimed_by("h-1", "phone") is None
    assert house.store.handoff("h-1") is not None
    house.clock.advance(24 * 3600)
    house.run(5)
    assert house.store.handoff("h-1") is None
    assert house.store.tablets() == [tablet]
