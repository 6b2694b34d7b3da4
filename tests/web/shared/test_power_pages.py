"""Expected power and the charger's make where drivers see them: on the card before paying, and while charging."""

from __future__ import annotations

import json
from decimal import Decimal
from html import unescape

import pytest
from flask.testing import FlaskClient

from kiosk.domain.fuses import FuseConnector, FuseTree, Node, NodeKind
from kiosk.domain.lab import LabFacts
from tests.service.trees import a_tree, shops
from tests.web.conftest import CODE, NEAR, Kiosk
from tests.web.powered import SITE, with_pilot

WEBASTO = LabFacts("Lab name", None, "Webasto", "Unite", Decimal(22), "Type2")


def page(phone: FlaskClient, address: str = f"/c/{CODE}") -> str:
    answer = phone.get(address)
    assert answer.status_code == 200
    return unescape(answer.get_data(as_text=True))


def state(phone: FlaskClient, key: str) -> dict[str, object]:
    return dict(json.loads(phone.get(f"/s/{key}.json").get_data()))


def ceiling(phone: FlaskClient, key: str) -> str:
    figures = state(phone, key)["figures"]
    assert isinstance(figures, dict)
    return str(figures["ceiling"])


def busy(kiosk: Kiosk) -> None:
    """A free bay beside one that charges, and another charger that charges."""
    kiosk.card("Available", "Charging")
    kiosk.card("Charging", code=NEAR)


# --- before paying


def test_the_card_says_what_power_to_expect_and_why(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(63))
    busy(kiosk)
    text = page(phone)
    assert "Type 2, 14.4\xa0kW</small>" in text
    said = (
        "Estimate, if your car can take it: 14.4\xa0kW, also if all bays fill up: shared with the other bays "
        "(fuse of 63\xa0A)."
    )
    assert said in text


def test_the_range_stands_on_the_card(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(40))
    kiosk.card("Available", "Available")
    kiosk.card("Available", code=NEAR)
    text = page(phone)
    assert text.count("Type 2, 9.1 to 22\xa0kW</small>") == 2
    assert (
        text.count(
            "22\xa0kW now, at least 9.1\xa0kW if all bays fill up: shared with the other bays (fuse of 40\xa0A)."
        )
        == 1
    )


def test_the_card_speaks_german_about_power(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(40))
    busy(kiosk)
    text = page(phone, f"/c/{CODE}?lang=de")
    assert "Schätzung, wenn Ihr Auto so viel aufnimmt: " in text
    assert "geteilt mit den anderen Stellplätzen (Sicherung mit 40\xa0A)." in text
    assert "Type 2, 9,1\xa0kW" in text


def test_reasons_that_differ_name_their_bay(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(40), bays={1: {"label": "3", "max_kw": 5}, 2: {"label": "4"}})
    kiosk.card("Available", "Available")
    kiosk.card("Charging", code=NEAR)
    text = page(phone)
    assert (
        "Estimate for bay 3, if your car can take it: 5\xa0kW, also if all bays fill up. Estimate for bay 4, " in text
    )
    assert "if all bays fill up: shared with the other bays (fuse of 40\xa0A)." in text


def test_without_a_tree_the_card_says_the_most_beside_the_plug(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Charging")
    text = page(phone)
    assert "Type 2, up to 22\xa0kW</small>" in text
    assert "fill up" not in text
    assert "Other cars may leave less." in text
    assert "Estimate" not in text


def test_a_bay_of_which_nothing_is_known_says_nothing_of_power(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, max_kw=None)
    kiosk.card("Available")
    text = page(phone)
    assert "Type 2</small>" in text
    assert "xpected power" not in text


def test_a_charger_of_no_site_sells_as_before(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.set(sell_unlisted=True)
    kiosk.card("Available", code="NOSITE")
    text = page(phone, "/c/NOSITE")
    assert "Continue to payment" in text
    assert "xpected power" not in text


def test_the_maker_of_a_charger_of_no_site_may_tell_its_power(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.set(sell_unlisted=True)
    kiosk.card("Available", code="NOSITE")
    kiosk.store.save_lab_facts("NOSITE", WEBASTO, kiosk.now)
    assert "Type 2, up to 22\xa0kW" in page(phone, "/c/NOSITE")


@pytest.mark.parametrize(
    "tree",
    [
        FuseTree(),
        FuseTree(complete=False),
        FuseTree((Node(NodeKind.UNKNOWN), Node(NodeKind.STATION, "\ud800</small><script>"))),
        a_tree(None),
        a_tree(0),
    ],
)
def test_a_garbage_tree_leaves_the_card_whole(kiosk: Kiosk, phone: FlaskClient, tree: FuseTree) -> None:
    with_pilot(kiosk)
    if tree.roots and tree.roots[-1].name != "Cabinet":
        tree = FuseTree(tree.roots[:1])  # half a letter cannot be stored
    kiosk.store.save_tree(SITE, tree, kiosk.now)
    busy(kiosk)
    text = page(phone)
    assert "Continue to payment" in text
    assert "<script>" not in text.partition("<main")[2].partition("</main>")[0]


def test_a_busy_card_says_nothing_of_power(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(40))
    kiosk.card("Charging", "Charging")
    assert "xpected power" not in page(phone)


def test_a_car_that_may_have_to_wait_is_told_before_it_pays(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(8))
    busy(kiosk)
    text = page(phone)
    assert "Not enough for all cars now: yours may have to wait its turn." in text
    assert "Type 2, 22\xa0kW</small>" in text


# --- the make


def test_the_make_is_told_on_demand(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.save_lab_facts(CODE, WEBASTO, kiosk.now)
    busy(kiosk)
    details = page(phone).partition("About this charger")[2].partition("</details>")[0]
    for value in ("Webasto", "Unite", "Type 2", "22\xa0kW"):
        assert f"<dd>{value}</dd>" in details


def test_without_facts_there_is_nothing_to_open(kiosk: Kiosk, phone: FlaskClient) -> None:
    busy(kiosk)
    assert "About this charger" not in page(phone)


@pytest.mark.parametrize(
    ("wrong", "left_out"),
    [
        (LabFacts(vendor="Webasto", connector_type="CCS2"), "CCS"),
        (LabFacts(vendor="Webasto", max_kw=Decimal(11)), "11\xa0kW"),
        (LabFacts(vendor="Webasto", model="M" * 61), "MMM"),
    ],
)
def test_what_others_know_better_is_not_shown_as_a_fact(
    kiosk: Kiosk, phone: FlaskClient, wrong: LabFacts, left_out: str
) -> None:
    kiosk.store.save_lab_facts(CODE, wrong, kiosk.now)
    busy(kiosk)
    text = page(phone)
    assert "<dd>Webasto</dd>" in text
    assert left_out not in text


@pytest.mark.parametrize(("whole", "shown"), [("22", True), ("44", True), ("44.1", False), ("21.9", False)])
def test_a_charger_gives_at_least_what_one_bay_does_and_at_most_what_all_do(
    kiosk: Kiosk, phone: FlaskClient, whole: str, shown: bool
) -> None:
    kiosk.store.save_lab_facts(CODE, LabFacts(vendor="Webasto", max_kw=Decimal(whole)), kiosk.now)
    busy(kiosk)
    assert ("Most power" in page(phone)) is shown


def test_a_charger_that_shares_its_power_is_not_promised_whole_at_each_bay(kiosk: Kiosk, phone: FlaskClient) -> None:
    listed = tuple(FuseConnector(CODE, number, most_amperes=Decimal(400), phases=3) for number in (1, 2))
    main = Node(NodeKind.FUSE, limit=Decimal(1000), children=(Node(NodeKind.STATION, CODE, connectors=listed),))
    bays = {1: {"label": "3", "connector": "ccs"}, 2: {"label": "4", "connector": "ccs"}}
    with_pilot(kiosk, FuseTree((main,)), max_kw=None, bays=bays)
    kiosk.card("Available", "Available")
    kiosk.store.save_lab_facts(CODE, LabFacts(max_kw=Decimal(180)), kiosk.now)
    text = page(phone)
    assert text.count("up to 180\xa0kW") == 2
    assert "all bays fill up" not in text
    assert "it may be less" in text


def test_when_nothing_is_left_there_is_nothing_to_open(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.save_lab_facts(CODE, LabFacts(connector_type="CHAdeMO"), kiosk.now)
    busy(kiosk)
    assert "About this charger" not in page(phone)


def test_the_labs_name_is_used_only_when_nobody_else_has_one(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.set(sell_unlisted=True)
    for code in (CODE, "NOSITE"):
        kiosk.store.save_lab_facts(code, WEBASTO, kiosk.now)
        kiosk.card("Available", code=code)
    assert "Lab name" not in page(phone)
    assert "Lab name" not in page(phone, "/c/NOSITE")
    kiosk.clock.advance(5)
    kiosk.card("Available", code="NOSITE", name=None)
    assert '<h1 tabindex="-1">Lab name</h1>' in page(phone, "/c/NOSITE")


def test_hostile_facts_stay_text(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.store.save_lab_facts(CODE, LabFacts(vendor="<script>alert(1)</script>"), kiosk.now)
    busy(kiosk)
    answer = phone.get(f"/c/{CODE}").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in answer
    assert "<script>alert(1)" not in answer


# --- while charging


def test_the_page_of_a_charge_says_the_most_that_the_bay_gives(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(50))
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    kiosk.card("Available", code=NEAR)
    text = page(phone, f"/s/{key}")
    said = (
        "This bay gives up to 22\xa0kW now, if your car can take it: the most that this charger gives. "
        "This is an estimate."
    )
    assert f'<p class="small" data-f="ceiling">{said}</p>' in text
    assert ceiling(phone, key) == said


def test_the_ceiling_changes_as_neighbours_come_and_go(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(50))
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    kiosk.card("Available", code=NEAR)
    first = phone.get(f"/s/{key}.json")
    alone, shape = ceiling(phone, key), state(phone, key)["shape"]
    kiosk.clock.advance(6)
    kiosk.card("Charging", "Charging")
    again = phone.get(f"/s/{key}.json?again", headers={"If-None-Match": str(first.headers["ETag"])})
    assert again.status_code == 200
    assert again.headers["ETag"] != first.headers["ETag"]
    assert "22\xa0kW" in alone
    figures = again.get_json()["figures"]
    assert "up to 17.2\xa0kW now, if your car can take it: shared with the other bays" in figures["ceiling"]
    assert again.get_json()["shape"] == shape  # the text alone is written in place


def test_without_a_change_the_state_is_not_sent_again(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(50))
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    first = phone.get(f"/s/{key}.json")
    kiosk.clock.advance(3)
    kiosk.store.save_tree(SITE, a_tree(50), kiosk.now)
    again = phone.get(f"/s/{key}.json?again", headers={"If-None-Match": str(first.headers["ETag"])})
    assert again.status_code == 304


def test_a_ceiling_below_the_meter_is_not_shown(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_pilot(kiosk, a_tree(32, meter=shops(24)))
    key = kiosk.charging(phone, energy="13.90", steps=40)
    kiosk.card("Available", "Charging")
    assert kiosk.store.session(key).trace.power_kw() > Decimal("5.5")  # type: ignore[union-attr, operator]
    assert ceiling(phone, key) == ""
    assert 'data-f="ceiling"' not in page(phone, f"/s/{key}")


@pytest.mark.parametrize("status", ["stopping", "settling"])
def test_after_the_charge_no_ceiling_is_said(kiosk: Kiosk, phone: FlaskClient, status: str) -> None:
    with_pilot(kiosk, a_tree(50))
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    kiosk.observe(key, status, energy_kwh=Decimal("13.9"), cost_minor=716)
    assert "gives up to" not in page(phone, f"/s/{key}")


def test_a_charge_without_a_tree_is_told_what_the_charger_gives(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    assert ceiling(phone, key).startswith("This bay gives up to 22\xa0kW now")


@pytest.mark.parametrize("word", ["SuspendedEV", "SuspendedEVSE", "Faulted", "Finishing", "Available"])
def test_where_nothing_flows_nobody_is_told_what_the_bay_gives(kiosk: Kiosk, phone: FlaskClient, word: str) -> None:
    with_pilot(kiosk, a_tree(50))
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    kiosk.observe(key, "charging", connector_status=word, energy_kwh=Decimal("13.9"), cost_minor=716)
    assert ceiling(phone, key) == ""
    assert "gives up to" not in page(phone, f"/s/{key}")
