"""Views of the sessions list that people keep: a name and the filters, their own or for everybody."""

from __future__ import annotations

import re

from kiosk.domain.desk import Role
from tests.web.conftest import Kiosk

from .conftest import SignIn

CHOSEN = {"q": "7MK4T", "from": "2026-11-20", "view": "paid"}


def test_a_view_keeps_its_filters_and_leads_to_them(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    page = browser.get("/desk/sessions", query_string=CHOSEN).text
    assert 'action="/desk/views"' in page
    kept = browser.post("/desk/views", data={**CHOSEN, "name": "Paid <here>", "odd": "1"})
    assert kept.headers["Location"] == "/desk/sessions?q=7MK4T&from=2026-11-20&view=paid"
    page = browser.get("/desk/sessions").text
    assert 'href="/desk/sessions?q=7MK4T&amp;from=2026-11-20&amp;view=paid"' in page
    assert "Paid &lt;here&gt;" in page
    (number,) = re.findall(r'action="/desk/views/(\d+)/drop"', page)
    browser.post(f"/desk/views/{number}/drop")
    browser.post(f"/desk/views/{2**40}/drop")
    assert "Paid &lt;here&gt;" not in browser.get("/desk/sessions").text
    assert kiosk.store.access.views_of("viewer") == []


def test_a_shared_view_is_for_everybody_and_its_owner_alone_drops_it(kiosk: Kiosk, at_desk: SignIn) -> None:
    mine, other = at_desk(Role.SUPPORT, name="kim"), at_desk(Role.VIEWER, name="ann")
    mine.post("/desk/views", data={**CHOSEN, "name": "Ours", "shared": "1"})
    mine.post("/desk/views", data={**CHOSEN, "name": "Mine"})
    page = other.get("/desk/sessions").text
    assert "Ours" in page
    assert "Mine" not in page
    (view,) = kiosk.store.access.views_of("ann")
    assert f"/desk/views/{view.id}/drop" not in page
    other.post(f"/desk/views/{view.id}/drop")
    assert len(kiosk.store.access.views_of("ann")) == 1


def test_a_viewer_shares_nothing(kiosk: Kiosk, at_desk: SignIn) -> None:
    at_desk(Role.VIEWER).post("/desk/views", data={**CHOSEN, "name": "x", "shared": "1"})
    (view,) = kiosk.store.access.views_of("viewer")
    assert not view.shared


def test_a_view_without_a_name_or_with_somebodys_address_is_not_kept(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.SUPPORT)
    browser.post("/desk/views", data={**CHOSEN, "name": " "})
    browser.post("/desk/views", data={"q": "ada@example.org", "name": "Ada"})
    browser.post("/desk/views", data={"name": "Everything"})
    assert kiosk.store.access.views_of("support") == []
    for _ in range(2):
        browser.post("/desk/views", data={**CHOSEN, "name": "Twice"})
    assert len(kiosk.store.access.views_of("support")) == 1


def test_a_view_for_everybody_stands_in_the_log_when_it_is_kept_and_dropped_and_ones_own_does_not(
    kiosk: Kiosk, at_desk: SignIn
) -> None:
    browser, other = at_desk(Role.SUPPORT, name="kim"), at_desk(Role.SUPPORT, name="ann")
    for _ in range(2):
        browser.post("/desk/views", data={**CHOSEN, "name": "Ours", "shared": "1"})
    browser.post("/desk/views", data={**CHOSEN, "name": "Mine"})
    numbers = [view.id for view in kiosk.store.access.views_of("kim")]
    for who in (other, browser, browser):
        for number in numbers:
            who.post(f"/desk/views/{number}/drop")
    told = [(one.who, one.did, one.subject) for one in kiosk.store.desk.log_entries() if "view" in one.did]
    assert sorted(told) == [("kim", "dropped_shared_view", "Ours"), ("kim", "shared_view", "Ours")]
    page = at_desk(Role.OWNER, name="owner").get("/desk/log").text
    assert "kept a view of the sessions for everybody" in page
    assert "dropped a view of the sessions that everybody had" in page
