"""The queue at the desk: what a person sees of it, what they may do, and that the tab counts it."""

from __future__ import annotations

import re

import pytest

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.desk import Role
from tests.web.conftest import CODE, Kiosk

from .conftest import SignIn


def listed(kiosk: Kiosk, kind: Attention = Attention.OTHER_PRICE, subject: str = "key-1", code: str = CODE) -> int:
    matter = Matter(kind, subject, code, kiosk.now, Act.ASK_BACK_OFFICE, 5000, "EUR")
    (row,) = kiosk.store.keep_exceptions([matter], (), kiosk.now).opened
    return row.id


def test_the_tab_counts_what_waits_and_the_page_says_what_where_and_how_much(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    assert 'class="count"' not in browser.get("/desk/").text
    listed(kiosk)
    assert re.search(r'Needs a person <b class="count">1</b>', browser.get("/desk/").text)
    page = browser.get("/desk/queue").text
    for word in ("Another price after the start", "€50.00", CODE, "nobody", "<title>(1) Needs a person"):
        assert word in page


def test_a_viewer_reads_and_somebody_of_support_acts(kiosk: Kiosk, at_desk: SignIn) -> None:
    number = listed(kiosk)
    viewer, support = at_desk(Role.VIEWER), at_desk(Role.SUPPORT)
    assert "I take it" not in viewer.get(f"/desk/queue/{number}").text
    assert viewer.post(f"/desk/queue/{number}", data={"did": "owned"}).status_code == 403
    assert "I take it" in support.get(f"/desk/queue/{number}").text
    for form in ({"did": "owned"}, {"did": "noted", "note": "<b>called</b>"}, {"did": "set_aside", "until": "4h"}):
        answer = support.post(f"/desk/queue/{number}", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/desk/queue/{number}")
    page = viewer.get(f"/desk/queue/{number}").text
    assert "support took it" in page
    assert "&lt;b&gt;called&lt;/b&gt;" in page
    assert "Set aside<small>until" in page
    assert 'class="count"' not in page
    assert [one.did for one in kiosk.store.desk.log_entries() if one.did.startswith("queue_")] == [
        "queue_set_aside",
        "queue_noted",
        "queue_owned",
    ]


def test_the_last_step_is_taken_back_once_and_not_from_an_old_page(kiosk: Kiosk, at_desk: SignIn) -> None:
    number, browser = listed(kiosk), at_desk(Role.SUPPORT)
    browser.post(f"/desk/queue/{number}", data={"did": "owned"})
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(f"/desk/queue/{number}").text)
    assert seen is not None
    back = {"did": "undone", "seen": seen[1]}
    assert browser.post(f"/desk/queue/{number}", data=back).status_code == 303
    assert kiosk.store.exception(number).handling.owner is None
    again = browser.post(f"/desk/queue/{number}", data=back)
    assert again.status_code == 409
    assert "somebody has done something since" in again.text


@pytest.mark.parametrize(
    ("form", "status"),
    [({}, 422), ({"did": "burn"}, 422), ({"did": "set_aside", "until": "never"}, 409), ({"did": "noted"}, 409)],
)
def test_a_form_that_says_nothing_useful_changes_nothing(
    kiosk: Kiosk, at_desk: SignIn, form: dict[str, str], status: int
) -> None:
    number = listed(kiosk)
    before = kiosk.store.exception(number)
    answer = at_desk(Role.SUPPORT).post(f"/desk/queue/{number}", data=form)
    assert answer.status_code == status
    assert "Nothing was done" in answer.text
    assert kiosk.store.exception(number) == before


def test_to_read_it_again_asks_the_engine_and_sends_nothing_else(kiosk: Kiosk, at_desk: SignIn) -> None:
    key = kiosk.charging(kiosk.phone())
    number = listed(kiosk, subject=key)
    commands = kiosk.store.commands(key)
    answer = at_desk(Role.SUPPORT).post(f"/desk/queue/{number}", data={"did": "read"})
    assert answer.status_code == 303
    assert key in kiosk.store.hints()
    assert kiosk.store.commands(key) == commands


def test_of_a_charger_there_is_no_session_to_read_again(kiosk: Kiosk, at_desk: SignIn) -> None:
    number = listed(kiosk, Attention.STARTS_REFUSED, CODE)
    assert at_desk(Role.SUPPORT).post(f"/desk/queue/{number}", data={"did": "read"}).status_code == 303
    assert kiosk.store.hints() == {}


def test_filters_stand_in_the_address_and_an_odd_one_is_none(kiosk: Kiosk, at_desk: SignIn) -> None:
    listed(kiosk)
    listed(kiosk, Attention.REVIEW, "key-2")
    browser = at_desk(Role.SUPPORT)

    def rows(query: str) -> int:
        answer = browser.get(f"/desk/queue?{query}")
        assert answer.status_code == 200, query
        return answer.text.count("<li data-tone")

    assert [rows(query) for query in ("", "kind=review", "kind=fire", "state=aside", "mine=1", "state=x")] == [
        2,
        1,
        2,
        0,
        0,
        2,
    ]
    assert [rows(query) for query in ("after=loud~nan~1", "after=~1e400~1", "site=nowhere&after=%00")] == [2, 2, 2]


def test_a_place_that_is_none_is_left_out_of_the_queue_and_the_page_says_so(kiosk: Kiosk, at_desk: SignIn) -> None:
    listed(kiosk)
    browser = at_desk(Role.VIEWER)
    assert "It was left out: Where to go on “here”." in " ".join(browser.get("/desk/queue?after=here").text.split())
    assert "It was left out" not in browser.get("/desk/queue?after=").text


def test_whoever_sees_one_site_sees_nothing_of_another(kiosk: Kiosk, at_desk: SignIn) -> None:
    number = listed(kiosk, code="9QX6B")
    browser = at_desk(Role.SUPPORT, sites=["nowhere"], name="ann")
    assert "<li data-tone" not in browser.get("/desk/queue").text
    assert 'class="count"' not in browser.get("/desk/").text
    assert browser.get(f"/desk/queue/{number}").status_code == 404
    assert browser.post(f"/desk/queue/{number}", data={"did": "owned"}).status_code == 404
    assert browser.get("/desk/queue/99999999999999999999").status_code == 404


def test_every_kind_has_a_page(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    for kind in Attention:
        page = browser.get(f"/desk/queue/{listed(kiosk, kind)}")
        assert page.status_code == 200, kind
        assert "What we know" in page.text
