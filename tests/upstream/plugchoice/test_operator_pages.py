"""Lists of several pages: every form in which they are met, and every way in which a next page can mislead."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kiosk.domain.site_board import Listing, SiteCharger, SiteConnector
from kiosk.upstream.errors import NoAnswer, Refused
from kiosk.upstream.plugchoice.operator import MOST_PAGES, PAGE_SIZE
from tests.upstream.operator_wire import BASE, SITE, Wire, charger, connector, site_connector, transaction, wire

PATH = f"/sites/{SITE}/chargers"
Body = dict[str, Any] | list[Any]
Form = Callable[[list[Any], int, int], Body]


def uuid(number: int) -> str:
    return f"445bd3f6-8f2c-38cb-aa04-{number:012d}"


def chargers(first: int, last: int) -> list[dict[str, Any]]:
    return [charger(uuid=uuid(number), id=number, connectors=[]) for number in range(first, last + 1)]


def url(number: int, base: str = BASE) -> str:
    return f"{base}{PATH}?page={number}"


def simple(shown: list[Any], number: int, last: int) -> Body:
    links = {"first": url(1), "last": None, "prev": None, "next": url(number + 1) if number < last else None}
    return {"data": shown, "links": links, "meta": {"current_page": number, "per_page": 25, "path": BASE + PATH}}


def length_aware(shown: list[Any], number: int, last: int) -> Body:
    body = simple(shown, number, last)
    assert isinstance(body, dict)
    body["meta"] |= {"last_page": last, "total": 99, "links": [{"url": url(1), "label": "1", "active": True}]}
    return body


def flat(shown: list[Any], number: int, last: int) -> Body:
    following = url(number + 1) if number < last else None
    return {"data": shown, "current_page": number, "next_page_url": following, "prev_page_url": None}


def flat_with_a_list_of_links(shown: list[Any], number: int, last: int) -> Body:
    body = flat(shown, number, last)
    assert isinstance(body, dict)
    return body | {"links": [{"url": None, "label": "Next", "active": False}], "last_page": last}


def counted(shown: list[Any], number: int, last: int) -> Body:
    return {"data": shown, "meta": {"current_page": str(number), "last_page": last}}


def counted_flat(shown: list[Any], number: int, last: int) -> Body:
    return {"data": shown, "current_page": number, "last_page": last}


def bare(shown: list[Any], _number: int, _last: int) -> Body:
    return {"data": shown}


def bare_array(shown: list[Any], _number: int, _last: int) -> Body:
    return shown


FORMS = [simple, length_aware, flat, flat_with_a_list_of_links, counted, counted_flat, bare, bare_array]


def server(total: int, form: Form) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        shown = chargers((number - 1) * PAGE_SIZE + 1, min(number * PAGE_SIZE, total))
        return httpx.Response(200, json=form(shown, number, max(1, -(-total // PAGE_SIZE))))

    return answer


def answers(*bodies: object) -> Callable[[httpx.Request], httpx.Response]:
    """One body after the other; the last one for ever."""
    left = list(bodies)
    return lambda _: httpx.Response(200, content=json.dumps(left.pop(0) if len(left) > 1 else left[0]))


def read(answer: Callable[[httpx.Request], httpx.Response], **more: Any) -> tuple[Listing[SiteCharger], Wire]:
    with wire(answer, **more) as w:
        return w.api.site_chargers(SITE), w


def numbers(listing: Listing[SiteCharger]) -> list[int | None]:
    return [each.ref.id for each in listing.entries]


# --- every form


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (24, 1), (26, 2), (60, 3), (200, 8)])
def test_every_form_is_read_to_its_end(form: Form, total: int, pages: int) -> None:
    listing, w = read(server(total, form))
    assert numbers(listing) == list(range(1, total + 1))
    assert listing.complete
    past_the_end = total == 200 and form in (bare, bare_array)  # full pages only: one more look
    assert len(w.sent) == pages + past_the_end


@pytest.mark.parametrize("form", FORMS)
def test_every_page_is_asked_of_our_own_server_with_the_token(form: Form) -> None:
    _, w = read(server(60, form))
    assert {(each.url.host, each.url.path) for each in w.sent} == {("upstream.example", f"/api/v3{PATH}")}
    assert len({each.headers["authorization"] for each in w.sent}) == 1
    assert [each.url.params.get("page") for each in w.sent] == [None, "2", "3"]


def test_a_cursor_is_followed_as_well() -> None:
    first = {"data": chargers(1, 1), "links": {"next": f"{BASE}{PATH}?cursor=eyJpZCI6MX0&per_page=25"}}
    listing, w = read(answers(first, {"data": chargers(2, 2), "links": {"next": None}}))
    assert (numbers(listing), listing.complete) == ([1, 2], True)
    assert dict(w.sent[1].url.params) == {"cursor": "eyJpZCI6MX0"}


def test_our_filters_go_with_every_page_even_when_the_next_address_lacks_them() -> None:
    path = f"/sites/{SITE}/transactions"
    first = {"data": [transaction(id=1)], "links": {"next": f"{BASE}{path}?page=2&filter[status]=finished"}}
    with wire(answers(first, {"data": [transaction(id=2)], "links": {"next": None}})) as w:
        assert len(w.api.site_transactions(SITE, "active").entries) == 2
    assert dict(w.sent[1].url.params) == {"filter[status]": "active", "page": "2"}


def test_a_bay_is_told_by_its_charger_and_its_number() -> None:
    other = {"charger": {"identity": "VTT_0002"}}
    page = {"data": [site_connector(1), site_connector(2), site_connector(1) | other, site_connector(1)]}
    with wire(answers(page)) as w:
        listing: Listing[SiteConnector] = w.api.site_connectors(SITE)
    assert [each.connector.connector_id for each in listing.entries] == [1, 2, 1]


@pytest.mark.parametrize("name", ["uuid", "id", "identity"])
def test_chargers_are_told_apart_by_whatever_names_them(name: str) -> None:
    page = {"data": [connector(1, charger_id=None) | {"charger": {name: number}} for number in (7, 8, 7)]}
    with wire(answers(page)) as w:
        assert len(w.api.site_connectors(SITE).entries) == 2


def test_a_connector_without_a_charger_is_no_bay() -> None:
    alone = connector(1, charger_id=None)
    with wire(answers({"data": [alone, connector(2), None, 5]})) as w:
        listing = w.api.site_connectors(SITE)
    assert [(each.charger.id, each.connector.connector_id) for each in listing.entries] == [(596411, 2)]


# --- what moves meanwhile


def test_what_moved_to_the_next_page_while_they_were_read_is_taken_once() -> None:
    first, last = simple(chargers(1, 25), 1, 2), simple(chargers(25, 26), 2, 2)
    listing, _ = read(answers(first, last))
    assert (numbers(listing), listing.complete) == (list(range(1, 27)), True)


def test_what_was_read_twice_counts_as_it_was_read_last() -> None:
    second = charger(uuid=uuid(1), id=1, status="Faulted", connectors=[])
    listing, _ = read(answers(simple(chargers(1, 2), 1, 2), simple([second], 2, 2)))
    assert [each.ref.status for each in listing.entries] == ["Faulted", "Available"]


def test_a_last_page_of_old_friends_is_the_last_page() -> None:
    listing, _ = read(answers(simple(chargers(1, 25), 1, 2), simple(chargers(25, 25), 2, 2)))
    assert (len(listing.entries), listing.complete) == (25, True)


def test_an_empty_page_is_the_end_of_a_list_that_says_nothing_of_a_next() -> None:
    listing, w = read(answers(bare(chargers(1, 25), 1, 1), bare([], 2, 1)))
    assert (len(listing.entries), listing.complete, len(w.sent)) == (25, True, 2)


def test_an_empty_page_ends_a_list_that_promises_more_but_it_is_not_complete() -> None:
    listing, w = read(answers(simple(chargers(1, 2), 1, 9), simple([], 2, 9)))
    assert (len(listing.entries), listing.complete, len(w.sent)) == (2, False, 2)


def test_entries_that_cannot_be_read_do_not_end_a_list() -> None:
    listing, _ = read(answers(simple([None, {}, 5], 1, 2), simple(chargers(1, 1), 2, 2)))
    assert (numbers(listing), listing.complete) == ([1], True)


def test_a_later_page_that_fails_fails_the_whole_list() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = "page" in request.url.params
        return httpx.Response(500) if page else httpx.Response(200, json=simple(chargers(1, 25), 1, 2))

    with pytest.raises(NoAnswer):
        read(answer)


# --- what misleads


@pytest.mark.parametrize(
    "address",
    [
        f"https://evil.example/api/v3{PATH}?page=2",
        f"http://upstream.example/api/v3{PATH}?page=2",
        f"http://10.0.0.5:8080{PATH}/?page=2",
        f"//evil.example{PATH}?page=2",
        "?page=2",
        f"{PATH}?page=2&page_size=1000&token=x",
    ],
)
def test_of_a_next_address_only_the_position_is_taken(address: str) -> None:
    first = {"data": chargers(1, 25), "links": {"next": address}}
    listing, w = read(answers(first, {"data": chargers(26, 26), "links": {"next": None}}))
    assert (len(listing.entries), listing.complete) == (26, True)
    assert str(w.sent[1].url) == f"{BASE}{PATH}?page=2"


@pytest.mark.parametrize(
    "address",
    [
        f"{BASE}/sites/another/chargers?page=2",
        f"{BASE}{PATH}",
        f"{BASE}{PATH}?per_page=25",
        f"{BASE}{PATH}?page=",
        f"{BASE}{PATH}?page={'9' * 1001}",
        f"{BASE}{PATH}?page=2%203",
        f"{BASE}{PATH}?cursor=\ud800",
        f"{BASE}{PATH}?{'a=1&' * 60}page=2",
        "https://[broken?page=2",
        5,
        True,
        [url(2)],
        {"url": url(2)},
    ],
)
@pytest.mark.parametrize("place", ["links", "flat"])
def test_a_next_address_that_cannot_be_used_leaves_a_list_that_is_not_complete(address: object, place: str) -> None:
    told = {"links": {"next": address}} if place == "links" else {"next_page_url": address}
    listing, w = read(answers({"data": chargers(1, 25)} | told))
    assert (len(listing.entries), listing.complete, len(w.sent)) == (25, False, 1)


def test_an_empty_next_address_is_none() -> None:
    listing, w = read(answers({"data": chargers(1, 25), "links": {"next": ""}}))
    assert (listing.complete, len(w.sent)) == (True, 1)


@pytest.mark.parametrize("again", [1, 2])
def test_a_next_page_that_was_there_already_ends_the_list(again: int) -> None:
    second = {"data": chargers(26, 50), "links": {"next": url(again)}}
    listing, w = read(answers(simple(chargers(1, 25), 1, 9), second))
    assert (len(listing.entries), listing.complete, len(w.sent)) == (50, False, 2)


def test_a_server_that_knows_no_pages_is_asked_only_once_more() -> None:
    listing, w = read(answers(bare(chargers(1, 25), 1, 1)))
    assert (len(listing.entries), listing.complete, len(w.sent)) == (25, False, 2)


def test_the_same_page_under_ever_new_numbers_ends_the_list() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        return httpx.Response(200, json=simple(chargers(1, 25), number, number + 1))

    listing, w = read(answer)
    assert (len(listing.entries), listing.complete, len(w.sent)) == (25, False, 2)


def test_a_list_without_end_is_cut() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        return httpx.Response(200, json=simple(chargers(number, number), number, number + 1))

    listing, w = read(answer)
    assert (len(listing.entries), listing.complete, len(w.sent)) == (MOST_PAGES, False, MOST_PAGES)


def test_a_list_that_takes_too_long_is_no_answer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        made.clock.advance(50)
        number = int(request.url.params.get("page", "1"))
        return httpx.Response(200, json=simple(chargers(number, number), number, number + 1))

    with wire(answer) as made, pytest.raises(NoAnswer):
        made.api.site_chargers(SITE)
    assert len(made.sent) == 3


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_page_that_was_only_guessed_may_be_refused(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        guess = "page" in request.url.params
        return httpx.Response(status) if guess else httpx.Response(200, json=bare(chargers(1, 25), 1, 1))

    listing, _ = read(answer)
    assert (len(listing.entries), listing.complete) == (25, False)


@pytest.mark.parametrize(("status", "form"), [(401, bare), (429, bare), (404, simple)])
def test_any_other_refusal_of_a_page_is_one_of_the_list(status: int, form: Form) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        later = "page" in request.url.params
        return httpx.Response(status) if later else httpx.Response(200, json=form(chargers(1, 25), 1, 2))

    with pytest.raises(Refused) as failed:
        read(answer)
    assert failed.value.status == status


# --- a limit


@pytest.mark.parametrize("told", [{"links": {"next": "?page=2"}}, {"next_page_url": "?page=2"}, {}])
def test_a_limit_is_the_most_that_is_read(told: dict[str, Any]) -> None:
    page = {"data": [transaction(id=number) for number in range(1, 26)], **told}
    more = {"data": [transaction(id=number) for number in range(26, 51)]}
    with wire(answers(page, more)) as w:
        listing = w.api.site_transactions(SITE, limit=30)
    assert ([each.id for each in listing.entries], listing.complete) == (list(range(1, 31)), False)
    assert [each.url.params["limit"] for each in w.sent] == ["30", "30"]


def test_as_many_as_the_limit_may_not_be_all() -> None:
    page = {"data": [transaction(id=1), transaction(id=2)], "links": {"next": None}}
    with wire(answers(page)) as w:
        assert not w.api.charger_transactions(SITE, limit=2).complete
        assert w.api.charger_transactions(SITE, limit=3).complete


def test_fewer_than_the_limit_are_all() -> None:
    with wire(answers(bare([transaction(id=number) for number in range(1, 20)], 1, 1))) as w:
        listing = w.api.charger_transactions(SITE, limit=500)
    assert (len(listing.entries), listing.complete, len(w.sent)) == (19, True, 1)
