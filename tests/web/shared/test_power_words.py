"""Expected power in plain words: before paying, and as the ceiling of a running charge."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Share
from kiosk.domain.fuses import NodeKind
from kiosk.service.power_kept import unless_contradicted
from kiosk.web.shared.parts import parts
from kiosk.web.shared.power_words import PowerWords, ceiling_words, power_words
from tests.service.trees import a_tree, shops
from tests.web.conftest import CODE, Kiosk
from tests.web.powered import with_pilot


def words(expectation: Expectation | None, kiosk: Kiosk, lang: str = "en") -> PowerWords | None:
    with kiosk.app.test_request_context(f"/?lang={lang}"):
        return power_words(expectation)


def spoken(expectation: Expectation, kiosk: Kiosk, lang: str = "en") -> PowerWords:
    said = words(expectation, kiosk, lang)
    assert said is not None
    return said


def by_fuse(kw: str, limit: int = 63, sharers: int = 3, kept: int = 0, **more: str) -> Share:
    kind = NodeKind(more.get("kind", "fuse"))
    bound = Bound(BoundKind.NODE, kind, "Cabinet", Decimal(limit), Decimal(kept), sharers)
    return Share(bound, Decimal(9), Decimal(kw))


def by_plug(kw: str) -> Share:
    return Share(Bound(BoundKind.CONNECTOR), Decimal(32), Decimal(kw))


def waits() -> Share:
    return replace(by_fuse("0.0"), pauses=True)


def expected(now: Share, full: Share | None = None, *assumed: Assumption) -> Expectation:
    return Expectation(now, full or now, Decimal(22), frozenset(assumed))


# --- in words


def test_a_range_is_said_with_its_reason(kiosk: Kiosk) -> None:
    said = spoken(expected(by_plug("22.0"), by_fuse("11.0")), kiosk)
    assert (said.range, said.short) == ("11 to 22\xa0kW", "11 to 22\xa0kW")
    assert said.sentence == "22\xa0kW now, at least 11\xa0kW if all bays fill up"
    assert said.reason == "shared fuse of 63\xa0A"
    assert (said.at_most, said.pauses, said.note, said.limited) == (False, False, "", True)


def test_a_decimal_is_kept_where_it_says_something(kiosk: Kiosk) -> None:
    assert spoken(expected(by_fuse("14.4"), by_fuse("10.8")), kiosk).range == "10.8 to 14.4\xa0kW"
    assert spoken(expected(by_fuse("14.4"), by_fuse("10.8")), kiosk, "de").range == "10,8 bis 14,4\xa0kW"


def test_one_figure_is_said_once(kiosk: Kiosk) -> None:
    said = spoken(expected(by_plug("22.0")), kiosk)
    assert (said.range, said.sentence) == ("22\xa0kW", "22\xa0kW, also if all bays fill up")
    assert (said.reason, said.limited) == ("the most that this charger gives", False)


def test_an_upper_bound_is_said_as_one(kiosk: Kiosk) -> None:
    said = spoken(expected(by_plug("22.0"), by_fuse("11.0"), Assumption.NO_TREE), kiosk)
    assert (said.range, said.short, said.at_most) == ("22\xa0kW", "up to 22\xa0kW", True)
    assert said.note == "Other cars may leave less."


def test_a_car_that_may_have_to_wait_is_told_so(kiosk: Kiosk) -> None:
    later = spoken(expected(by_fuse("5.8"), waits()), kiosk)
    assert (later.pauses, later.range) == (True, "0 to 5.8\xa0kW")
    assert later.sentence == "5.8\xa0kW now; if all bays fill up, your car may have to wait its turn"
    now = spoken(expected(waits()), kiosk)
    assert (now.pauses, now.short) == (True, "may have to wait its turn")
    assert "wait its turn" in now.sentence


@pytest.mark.parametrize(
    ("share", "reason"),
    [
        (by_fuse("11.0", sharers=1), "fuse of 63\xa0A"),
        (by_fuse("11.0", kind="station"), "the bays of this charger share 63\xa0A"),
        (by_fuse("11.0", kind="station", sharers=1), "this charger is limited to 63\xa0A"),
        (by_fuse("11.0", kind="group"), "shared limit of 63\xa0A"),
        (by_fuse("11.0", kind="meter", sharers=1), "limit of 63\xa0A"),
        (by_fuse("11.0", kept=20), "shared fuse of 63\xa0A, 20\xa0A of it kept for the building"),
    ],
)
def test_each_limit_has_its_words(kiosk: Kiosk, share: Share, reason: str) -> None:
    assert spoken(expected(share), kiosk).reason == reason


def test_what_is_kept_for_chargers_out_of_reach_is_not_called_the_buildings(kiosk: Kiosk) -> None:
    said = spoken(expected(by_fuse("11.0", kept=20), None, Assumption.OFFLINE_RESERVED), kiosk)
    assert said.reason == "shared fuse of 63\xa0A, 20\xa0A of it kept for others"


def test_names_of_fuses_are_never_shown_to_drivers(kiosk: Kiosk) -> None:
    assert "Cabinet" not in repr(spoken(expected(by_fuse("11.0")), kiosk))


@pytest.mark.parametrize("kind", [BoundKind.OFFLINE, BoundKind.OUT_OF_ORDER, BoundKind.NOT_KNOWN])
def test_where_nothing_can_be_promised_nothing_is_said(kiosk: Kiosk, kind: BoundKind) -> None:
    assert words(expected(Share(Bound(kind))), kiosk) is None
    assert words(None, kiosk) is None


def test_a_figure_of_the_operator_below_what_any_car_takes_makes_nobody_wait(kiosk: Kiosk) -> None:
    none = replace(by_plug("0.0"), pauses=True)
    assert words(expected(none), kiosk) is None


# --- the ceiling of a running charge


def ceiling(kiosk: Kiosk, lang: str = "en", measured: str | None = None) -> str:
    with kiosk.app.test_request_context(f"/?lang={lang}"):
        found = parts().powers.ceiling(CODE, 1, parts().site)
        return ceiling_words(unless_contradicted(found, Decimal(measured) if measured is not None else None))


def test_a_charging_car_is_told_the_most_that_its_bay_gives(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(32, meter=shops(16)))
    kiosk.card("Charging")
    assert ceiling(kiosk) == (
        "This bay gives up to 5.5\xa0kW now: shared fuse of 32\xa0A, 16\xa0A of it kept for the building. "
        "This is an estimate."
    )
    assert "bis zu 5,5\xa0kW" in ceiling(kiosk, "de")


@pytest.mark.parametrize(("measured", "said"), [(None, True), ("5.5", True), ("5.8", True), ("5.9", False)])
def test_an_estimate_that_the_meter_contradicts_is_left_out(kiosk: Kiosk, measured: str | None, said: bool) -> None:
    with_pilot(kiosk, a_tree(32, meter=shops(16)))
    kiosk.card("Charging")
    assert bool(ceiling(kiosk, measured=measured)) is said


@pytest.mark.parametrize(("measured", "said"), [("22.1", True), ("23.1", True), ("23.2", False)])
def test_a_car_that_takes_all_it_may_does_not_make_the_estimate_come_and_go(
    kiosk: Kiosk, measured: str, said: bool
) -> None:
    kiosk.card("Charging")
    assert bool(ceiling(kiosk, measured=measured)) is said


def test_a_car_that_takes_power_is_not_told_to_wait(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(8))
    kiosk.card("Charging", "Charging")
    assert "wait its turn" in ceiling(kiosk)
    assert ceiling(kiosk, measured="1.4") == ""


def test_of_a_charger_of_no_site_no_ceiling_is_known(kiosk: Kiosk) -> None:
    with kiosk.app.test_request_context("/"):
        assert parts().powers.ceiling("STRANGE", 1, parts().site) is None
