"""What the figures of a site's board mean: who is online, and what a meter proves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kiosk.domain.site_board import ChargerRef, SiteTransaction


def transaction(start: int | None, stop: int | None) -> SiteTransaction:
    return SiteTransaction(
        id=1,
        charger=None,
        charger_connector_id=None,
        connector_id=None,
        id_tag="DLJN5625",
        active=stop is None,
        meter_start_wh=start,
        meter_stop_wh=stop,
        reported_kwh=Decimal("7.00"),
        started_at=None,
        stopped_at=None,
        stop_reason=None,
        is_valid=None,
    )


@pytest.mark.parametrize(
    ("word", "online"),
    [("online", True), ("Online", True), ("offline", False), ("never_seen", False), ("sleeping", None), (None, None)],
)
def test_only_a_known_word_says_whether_a_charger_is_online(word: str | None, online: bool | None) -> None:
    assert ChargerRef("u", None, None, connection_status=word).online is online


@pytest.mark.parametrize(
    ("start", "stop", "register", "kwh"),
    [
        (29317, 37253, None, "7.936"),
        (29317, 37253, 99999, "7.936"),
        (29317, None, 30317, "1"),
        (29317, None, 29317, "0"),
        (29317, None, None, None),
        (None, 37253, None, None),
        (29317, 29316, None, None),
        (29317, None, 29316, None),
    ],
)
def test_energy_is_the_difference_of_two_readings_or_not_known(
    start: int | None, stop: int | None, register: int | None, kwh: str | None
) -> None:
    found = transaction(start, stop).energy_kwh(None if register is None else Decimal(register))
    assert found == (None if kwh is None else Decimal(kwh))


def test_who_charges_is_not_in_the_repr() -> None:
    assert "DLJN5625" not in repr(transaction(0, None))
