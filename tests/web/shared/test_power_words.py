"""Expected power in plain words: before paying, and as the ceiling of a running charge."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Share
from kiosk.domain.fuses import NodeKind
from kiosk.service.power_kept import Ceiling, beside_measured
from kiosk.web.shared.parts import parts
from kiosk.web.shared.power_words import PowerWords, ceiling_words, power_words
from tests.examples import at_most
from tests.service.trees import a_tree, shops
from tests.web.conftest import CODE, NEAR, Kiosk
from tests.web.powered import with_pilot


def words(expectation: Expectation | None, kiosk: Kiosk, lang: str = "en") -> PowerWords | None:
    with kiosk.app.test_request_context(f"/?lang={lang}"):
        return power_words(expectation)


def spoken(expectation: Expectation, kiosk: Kiosk, lang: str = "en") -> PowerWords:
    said = words(expectation, kiosk, lang)
    assert said is not None
    return said


def by_fuse(kw: str, limit: int = 63, sharers: int = 3, kept: int = 0, lost: int = 0, **more: str) -> Share:
    kind = NodeKind(more.get("kind", "fuse"))
    bound = Bound(BoundKind.NODE, kind, "Cabinet", Decimal(limit), Decimal(kept + lost), Decimal(kept), sharers)
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
    assert (said.reason, said.detail) == ("shared with the other bays", "fuse of 63\xa0A")
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
    ("share", "reason", "detail"),
    [
        (by_plug("22"), "the most that this charger gives", ""),
        (by_fuse("11.0"), "shared with the other bays", "fuse of 63\xa0A"),
        (by_fuse("11.0", sharers=1), "the wiring here carries no more", "fuse of 63\xa0A"),
        (by_fuse("11.0", kind="station"), "shared with the other bays of this charger", "limit of 63\xa0A"),
        (by_fuse("11.0", kind="station", sharers=1), "the most that this charger gives", "limit of 63\xa0A"),
        (by_fuse("11.0", kind="group"), "shared with the other bays", "limit of 63\xa0A"),
        (
            by_fuse("11.0", kept=20),
            "shared with the other bays and the building",
            "fuse of 63\xa0A, 20\xa0A of it kept for the building",
        ),
        (
            by_fuse("11.0", sharers=1, kept=20),
            "shared with the building",
            "fuse of 63\xa0A, 20\xa0A of it kept for the building",
        ),
        (
            by_fuse("11.0", sharers=1, lost=6),
            "shared with the other bays",
            "fuse of 63\xa0A, 6\xa0A of it kept for bays without contact",
        ),
        (
            by_fuse("11.0", kept=20, lost=6),
            "shared with the other bays and the building",
            "fuse of 63\xa0A, 26\xa0A of it kept for the building and bays without contact",
        ),
    ],
)
def test_each_limit_has_its_words_and_its_amperes_apart(kiosk: Kiosk, share: Share, reason: str, detail: str) -> None:
    said = spoken(expected(share), kiosk)
    assert (said.reason, said.detail) == (reason, detail)


def test_what_is_not_known_is_said_as_that_and_not_as_the_worst_case(kiosk: Kiosk) -> None:
    said = spoken(expected(by_plug("22.0"), by_fuse("8.5"), Assumption.USE_NOT_KNOWN), kiosk)
    assert (said.short, said.sentence) == ("8.5 to 22\xa0kW", "8.5 to 22\xa0kW, depending on the other bays")
    assert said.note == "Which of them are in use is not known."
    assert "at least" not in repr(said)
    waiting = spoken(expected(by_plug("22.0"), waits(), Assumption.USE_NOT_KNOWN), kiosk)
    assert waiting.sentence == "up to 22\xa0kW, or your car may have to wait its turn: it depends on the other bays"
    alike = spoken(expected(by_plug("22.0"), None, Assumption.PHASES_NOT_KNOWN), kiosk)
    assert (alike.sentence, alike.note) == ("22\xa0kW, also if all bays fill up", "")


def test_where_others_may_go_first_nothing_is_promised(kiosk: Kiosk) -> None:
    said = spoken(expected(by_plug("22.0"), by_fuse("8.5"), Assumption.PRIORITIES), kiosk)
    assert (said.short, said.sentence) == ("up to 22\xa0kW", "up to 22\xa0kW")
    assert said.note == "Other bays may go first, so it may be less."


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
        return ceiling_words(beside_measured(found, Decimal(measured) if measured is not None else None))


def test_a_charging_car_is_told_the_most_that_its_bay_gives(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(32, meter=shops(16)))
    kiosk.card("Charging")
    kiosk.card("Charging", code=NEAR)
    assert ceiling(kiosk) == (
        "This bay gives up to 5.5\xa0kW now, if your car can take it: shared with the other bays and the building. "
        "This is an estimate."
    )
    assert "bis zu 5,5\xa0kW" in ceiling(kiosk, "de")


@pytest.mark.parametrize("measured", ["5.3", "5.5", "5.6", "5.8"])
def test_beside_a_meter_that_says_as_much_stands_no_figure_that_could_contradict_it(
    kiosk: Kiosk, measured: str
) -> None:
    with_pilot(kiosk, a_tree(32, meter=shops(16)))
    kiosk.card("Charging")
    kiosk.card("Charging", code=NEAR)
    assert ceiling(kiosk, measured=measured) == (
        "Your car takes about all that this bay gives now: shared with the other bays and the building. "
        "This is an estimate."
    )


@pytest.mark.parametrize("measured", ["5.9", "11.0", "400"])
def test_an_estimate_that_the_meter_contradicts_is_left_out(kiosk: Kiosk, measured: str) -> None:
    with_pilot(kiosk, a_tree(32, meter=shops(16)))
    kiosk.card("Charging")
    kiosk.card("Charging", code=NEAR)
    assert ceiling(kiosk, measured=measured) == ""


@pytest.mark.parametrize(("measured", "said"), [("22.1", True), ("23.1", True), ("23.2", False)])
def test_a_car_that_takes_all_it_may_does_not_make_the_estimate_come_and_go(
    kiosk: Kiosk, measured: str, said: bool
) -> None:
    kiosk.card("Charging")
    assert bool(ceiling(kiosk, measured=measured)) is said


@settings(max_examples=at_most(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(estimate=st.decimals("1.4", 350, places=1), measured=st.decimals(0, 400, places=1))
def test_no_power_is_ever_said_that_is_below_the_measured_one(
    kiosk: Kiosk, estimate: Decimal, measured: Decimal
) -> None:
    told = beside_measured(Ceiling(by_fuse(str(estimate)), ()), measured)
    with kiosk.app.test_request_context("/"):
        figures = [Decimal(each) for each in re.findall(r"([0-9.]+)\xa0kW", ceiling_words(told))]
    assert all(each > measured for each in figures)


def test_a_car_that_takes_power_is_not_told_to_wait(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(8))
    kiosk.card("Charging")
    kiosk.card("Charging", code=NEAR)
    assert "wait its turn" in ceiling(kiosk)
    assert ceiling(kiosk, measured="1.4") == ""


def test_of_a_charger_of_no_site_no_ceiling_is_known(kiosk: Kiosk) -> None:
    with kiosk.app.test_request_context("/"):
        assert parts().powers.ceiling("STRANGE", 1, parts().site) is None
