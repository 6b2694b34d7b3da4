"""From a tablet to a phone: the code on the screen, its claim by one phone, and the landing page that knows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound

from kiosk.app import create_app, stop
from kiosk.clock import ManualClock
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import Connector
from kiosk.domain.handoff import ID_SIGNS, LIFE
from kiosk.news.news import handoff_topic
from kiosk.service.visit import CLAIM_COUNTS
from kiosk.store.records import Handoff
from kiosk.web.shared.check_words import check_words
from kiosk.web.tablet.code import Face, face_of, open_handoff
from kiosk.web.tablet.pairing import current_tablet
from tests.web.built import KEY as FIRST_KEY
from tests.web.built import OLDER_KEY, made_settings
from tests.web.conftest import BOOK, CODE, NEAR, Kiosk
from tests.web.paired import key_of, screen_of, text_of

CONTINUE = "Continue to payment"
GONE = "The square code on the screen changes every minute. Scan it again."
STICKER = "Same on the sticker?"
OTHER_ID = "ABCDEFGHJKMN"


def tapped(kiosk: Kiosk, screen: FlaskClient, code: str = CODE, connector: int = 2, spoken: str = "en") -> Handoff:
    """The driver tapped a bay on the screen."""
    cookie = f"__Host-tablet={getattr(screen.get_cookie('__Host-tablet'), 'value', '')}"
    headers = {"Cookie": cookie, "Accept-Language": spoken}
    with kiosk.app.test_request_context("/test", headers=headers):
        tablet = current_tablet()
        assert tablet is not None
        made = open_handoff(tablet, code, connector)
        assert made is not None
        return made


def face(kiosk: Kiosk, handoff: Handoff, now: datetime | None = None) -> Face:
    """What the screen shows of it now."""
    known = kiosk.store.handoff(handoff.id)
    assert known is not None
    with kiosk.app.test_request_context("/test"):
        return face_of(known, now or kiosk.now)


def path_of(kiosk: Kiosk, handoff: Handoff) -> str:
    """Where the code on the screen leads now."""
    url = face(kiosk, handoff).url
    assert url.startswith("https://lindenau.example/h/")
    return url.removeprefix("https://lindenau.example")


def landing(handoff: Handoff) -> str:
    return f"/c/{handoff.code}?h={handoff.id}"


@pytest.fixture
def screen(kiosk: Kiosk) -> FlaskClient:
    return screen_of(kiosk)


@pytest.fixture
def handoff(kiosk: Kiosk, screen: FlaskClient) -> Handoff:
    kiosk.card("Available", "Available")
    return tapped(kiosk, screen)


# --- on the screen


def test_the_screen_shows_a_code_of_this_very_kiosk_and_two_words(kiosk: Kiosk, handoff: Handoff) -> None:
    shown = face(kiosk, handoff)
    assert re.fullmatch(r"https://lindenau\.example/h/[2-9A-HJKMNP-Z]{25}", shown.url)
    assert shown.picture.startswith('<svg class="matrix"')
    assert "Code to open lindenau.example for bay 4" in shown.picture
    assert len(shown.phrase.split()) == 2
    assert (shown.seconds_left, shown.claimed, shown.closed) == (45, False, False)


def test_the_code_changes_every_45_seconds_and_the_words_do_not(kiosk: Kiosk, handoff: Handoff) -> None:
    first = face(kiosk, handoff)
    kiosk.clock.advance(44)
    same = face(kiosk, handoff)
    kiosk.clock.advance(1)
    second = face(kiosk, handoff)
    assert (same.url, same.seconds_left) == (first.url, 1)
    assert second.url != first.url
    assert second.picture != first.picture
    assert first.phrase == second.phrase
    assert second.seconds_left == 45


def test_after_ten_minutes_there_is_no_code_any_more(kiosk: Kiosk, handoff: Handoff) -> None:
    shown = face(kiosk, handoff, handoff.made_at + LIFE)
    assert (shown.url, shown.picture, shown.seconds_left, shown.closed) == ("", "", 0, True)


def test_a_claimed_one_shows_no_code_any_more(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    phone.post(path_of(kiosk, handoff))
    shown = face(kiosk, handoff)
    assert (shown.url, shown.picture, shown.claimed, shown.closed) == ("", "", True, False)


def test_one_that_the_screen_has_left_is_closed(kiosk: Kiosk, screen: FlaskClient, handoff: Handoff) -> None:
    tapped(kiosk, screen, connector=1)
    assert face(kiosk, handoff).closed


def test_the_words_are_in_the_language_of_the_screen(kiosk: Kiosk, screen: FlaskClient) -> None:
    shown = face(kiosk, tapped(kiosk, screen, spoken="de"))
    assert shown.language == "de"
    assert shown.phrase.split()[0] in check_words("de").looks


def test_a_bay_of_another_site_cannot_be_handed_over(kiosk: Kiosk, screen: FlaskClient) -> None:
    with pytest.raises(NotFound):
        tapped(kiosk, screen, code="FAR01")


def test_a_tablet_that_was_unpaired_meanwhile_hands_nothing_over(kiosk: Kiosk, screen: FlaskClient) -> None:
    cookie = screen.get_cookie("__Host-tablet")
    assert cookie is not None
    with kiosk.app.test_request_context("/test", headers={"Cookie": f"__Host-tablet={cookie.value}"}):
        tablet = current_tablet()
        assert tablet is not None
        kiosk.store.unpair(tablet.id, kiosk.now)
        with pytest.raises(NotFound):
            open_handoff(tablet, CODE, 2)


# --- looking at the code


def test_looking_says_what_will_happen_and_claims_nothing(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    answer = phone.get(path_of(kiosk, handoff))
    assert answer.status_code == 200
    assert "Continue at bay 4" in answer.text
    assert f'method="post" action="{path_of(kiosk, handoff)}"' in answer.text
    assert "handoff.js" in answer.text
    assert kiosk.store.handoff(handoff.id) == handoff


def test_the_page_is_kept_by_nobody_and_tells_its_address_to_nobody(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient
) -> None:
    path = path_of(kiosk, handoff)
    for answer in (phone.get(path), phone.post(path), phone.post("/h/JUNK")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}])
def test_previews_and_prefetches_leave_the_code_good(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient, headers: dict[str, str]
) -> None:
    path = path_of(kiosk, handoff)
    for _visit in range(3):
        assert phone.head(path, headers=headers).status_code == 200
        assert kiosk.phone().get(path, headers=headers).status_code == 200
    assert kiosk.store.handoff(handoff.id) == handoff
    assert kiosk.phone().post(path).status_code == 303


def test_a_browser_that_hides_where_a_form_came_from_is_believed_by_its_cookie(kiosk: Kiosk, handoff: Handoff) -> None:
    path = path_of(kiosk, handoff)
    old_safari = kiosk.app.test_client()
    old_safari.get(path)
    assert old_safari.post(path, headers={"Origin": "null"}).status_code == 303


def test_another_site_cannot_claim_for_a_browser(kiosk: Kiosk, handoff: Handoff) -> None:
    answer = kiosk.app.test_client().post(path_of(kiosk, handoff), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert kiosk.store.handoff(handoff.id) == handoff


# --- the claim


def test_the_claim_leads_to_the_bay(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    answer = phone.post(path_of(kiosk, handoff))
    assert (answer.status_code, answer.headers["Location"]) == (303, landing(handoff))
    claimed = kiosk.store.handoff(handoff.id)
    assert claimed is not None
    assert claimed.claimed_at == kiosk.now


def test_the_screen_hears_of_the_claim_at_once(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    with kiosk.app.extensions["kiosk"].news.subscribe(handoff_topic(handoff.id)) as news:
        phone.get(path_of(kiosk, handoff))
        assert not news.wait(0)
        phone.post(path_of(kiosk, handoff))
        assert news.wait(0)


@pytest.mark.parametrize(("seconds", "status"), [(0, 303), (44, 303), (45, 303), (89, 303), (90, 410), (601, 410)])
def test_a_code_is_good_until_the_end_of_the_next_window(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient, seconds: int, status: int
) -> None:
    path = path_of(kiosk, handoff)
    kiosk.clock.advance(seconds)
    looked = phone.get(path)
    assert looked.status_code == (200 if status == 303 else 410)
    assert phone.post(path).status_code == status


def test_a_late_code_says_so_and_offers_the_chargers_code(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    kiosk.clock.advance(90)
    for answer in (phone.get(path), phone.post(path)):
        assert answer.status_code == 410
        assert "Code is too old" in answer.text
        assert GONE in answer.text
        assert 'action="/" method="get"' in answer.text
    assert kiosk.store.handoff(handoff.id) == handoff


def test_a_second_phone_is_told_to_scan_again(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    phone.post(path)
    second = kiosk.phone()
    assert GONE in second.get(path).text
    assert GONE in second.post(path).text
    assert STICKER in second.get(landing(handoff)).text


def test_of_many_phones_at_once_one_wins(kiosk: Kiosk, handoff: Handoff) -> None:
    path = path_of(kiosk, handoff)
    statuses: list[int] = []
    threads = [Thread(target=lambda: statuses.append(kiosk.phone().post(path).status_code)) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(statuses) == [303] + [410] * 7


def test_the_same_phone_may_scan_again(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    phone.post(path)
    for seconds in (1, 120, 600):
        kiosk.clock.advance(seconds)
        for answer in (phone.get(path), phone.post(path)):
            assert (answer.status_code, answer.headers["Location"]) == (303, landing(handoff))


def test_a_tampered_code_is_refused_also_from_the_phone_that_has_claimed(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient
) -> None:
    path = path_of(kiosk, handoff)
    phone.post(path)
    tampered = path[:-1] + ("2" if path[-1] != "2" else "3")
    assert phone.get(tampered).status_code == 410
    assert phone.post(tampered).status_code == 410


@pytest.mark.parametrize("token", ["A", OTHER_ID + "2" * 13, OTHER_ID + "2" * 14, "x" * 25, "A" * 3000, "%00", "é"])
def test_a_guessed_or_broken_code_is_refused(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient, token: str) -> None:
    assert phone.get(f"/h/{token}").status_code == 410
    assert phone.post(f"/h/{token}").status_code == 410
    assert kiosk.store.handoff(handoff.id) == handoff


def test_a_26th_sign_is_refused(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    assert phone.post(path_of(kiosk, handoff) + "A").status_code == 410


def test_an_unpaired_tablets_code_dies_with_it(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    kiosk.store.unpair(handoff.tablet_id, kiosk.now)
    assert phone.get(path).status_code == 410
    assert phone.post(path).status_code == 410


def test_a_clock_that_is_corrected_by_a_second_does_no_harm(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    kiosk.clock.advance(-1)
    assert path_of(kiosk, handoff) == path
    assert phone.post(path).status_code == 303
    assert "The screen shows:" in phone.get(landing(handoff)).text


def test_two_screens_may_hand_over_the_same_bay_and_the_start_decides(kiosk: Kiosk, handoff: Handoff) -> None:
    other = tapped(kiosk, screen_of(kiosk, name="ramp"))
    first, second = kiosk.phone(), kiosk.phone()
    assert first.post(path_of(kiosk, handoff)).status_code == 303
    assert second.post(path_of(kiosk, other)).status_code == 303
    assert first.post(f"/c/{CODE}/start", data={"connector": "2", "h": handoff.id}).status_code == 303
    late = second.post(f"/c/{CODE}/start", data={"connector": "2", "h": other.id})
    assert late.status_code == 409
    assert "Bay 4 is in use. Nothing is held." in late.text


def test_who_scanned_the_screen_may_start_whatever_others_at_their_address_do(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient
) -> None:
    stranger = kiosk.phone()
    assert [stranger.post(f"/c/{CODE}/start?cookie=1").status_code for _n in range(11)][-1] == 429
    phone.post(path_of(kiosk, handoff))
    assert phone.post(f"/c/{CODE}/start?cookie=1", data={"connector": "2"}).status_code == 429
    assert phone.post(f"/c/{CODE}/start", data={"connector": "2", "h": handoff.id}).status_code == 303


def test_guessing_is_limited(phone: FlaskClient) -> None:
    answers = [phone.post(f"/h/{OTHER_ID}{'2' * 13}").status_code for _n in range(61)]
    assert answers == [410] * 60 + [429]


# --- the landing page


def test_the_landing_shows_the_words_of_the_screen_instead_of_the_sticker(
    kiosk: Kiosk, screen: FlaskClient, phone: FlaskClient
) -> None:
    kiosk.card("Available", "Available")
    handoff = tapped(kiosk, screen, spoken="de")
    phone.post(path_of(kiosk, handoff))
    page = phone.get(landing(handoff)).text
    words = face(kiosk, handoff).phrase
    assert f'The screen shows: <b class="nb" lang="de">{words}</b>' in page
    assert STICKER not in page


@pytest.mark.parametrize("connector", [1, 2])
def test_the_bay_of_the_screen_is_chosen(kiosk: Kiosk, screen: FlaskClient, phone: FlaskClient, connector: int) -> None:
    kiosk.card("Available", "Available")
    handoff = tapped(kiosk, screen, connector=connector)
    phone.post(path_of(kiosk, handoff))
    chosen = re.findall(r'name="connector" value="(\d)"[^>]* checked', phone.get(landing(handoff)).text)
    assert chosen == [str(connector)]


def test_a_sticker_shows_the_label_to_compare(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    page = phone.get(f"/c/{CODE}").text
    assert STICKER in page
    assert "The screen shows" not in page


@pytest.mark.parametrize("wish", ["", OTHER_ID, "x", "A" * 500, "%00", "<b>"])
def test_a_made_up_id_shows_the_page_of_the_sticker(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient, wish: str
) -> None:
    phone.post(path_of(kiosk, handoff))
    page = phone.get(f"/c/{CODE}", query_string={"h": wish})
    assert page.status_code == 200
    assert STICKER in page.text
    assert wish == OTHER_ID or "&amp;h=" not in page.text


def test_the_words_are_for_that_charger_only(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    kiosk.card("Available", code=NEAR)
    phone.post(path_of(kiosk, handoff))
    assert STICKER in phone.get(f"/c/{NEAR}?h={handoff.id}").text


def test_a_link_that_was_passed_on_shows_no_words(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    phone.post(path_of(kiosk, handoff))
    assert STICKER in kiosk.phone().get(landing(handoff)).text


def test_after_a_quarter_of_an_hour_the_page_is_that_of_the_sticker(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient
) -> None:
    phone.post(path_of(kiosk, handoff))
    kiosk.clock.advance(CLAIM_COUNTS.total_seconds())
    kiosk.card("Available", "Available")
    assert STICKER not in phone.get(landing(handoff)).text
    kiosk.clock.advance(1)
    assert STICKER in phone.get(landing(handoff)).text


def test_a_bay_that_was_taken_between_the_tap_and_the_scan_is_said(
    kiosk: Kiosk, handoff: Handoff, phone: FlaskClient
) -> None:
    kiosk.start(kiosk.phone(), connector=2)
    phone.post(path_of(kiosk, handoff))
    page = text_of(phone.get(landing(handoff)).text)
    assert "Not possible now Bay 4 is in use. Nothing is held." in page
    assert CONTINUE in page


def test_so_is_one_that_broke_meanwhile(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    kiosk.card("Available", "Faulted")
    phone.post(path_of(kiosk, handoff))
    assert "That bay cannot be used now. Please choose another one." in phone.get(landing(handoff)).text


def test_and_one_that_is_not_there_any_more(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    one = Connector(1, "Available", "IEC 62196", "Socket", "AC_3_PHASE")
    kiosk.card(connectors=(one,))
    phone.post(path_of(kiosk, handoff))
    assert "That bay cannot be used now. Please choose another one." in phone.get(landing(handoff)).text


def test_a_charger_without_news_says_that_and_nothing_else(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    kiosk.card("Available", "Faulted", online=False)
    phone.post(path_of(kiosk, handoff))
    page = phone.get(landing(handoff)).text
    assert "No connection to this charger" in page
    assert "That bay cannot be used now" not in page


def test_a_form_that_is_refused_keeps_the_words(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    phone.post(path_of(kiosk, handoff))
    page = phone.get(landing(handoff)).text
    assert f'<input type="hidden" name="h" value="{handoff.id}">' in page
    refused = phone.post(f"/c/{CODE}/start", data={"connector": "2", "seen": "EUR-1-1-1", "h": handoff.id})
    assert refused.status_code == 409
    assert "The price or the hold has just changed" in refused.text
    assert "The screen shows:" in refused.text
    assert phone.post(f"/c/{CODE}/start", data={"connector": "2", "h": handoff.id}).status_code == 303


def test_the_links_to_other_languages_keep_the_hand_off(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    phone.post(path_of(kiosk, handoff))
    assert f'href="/c/{CODE}?lang=de&amp;h={handoff.id}"' in phone.get(landing(handoff)).text
    assert f'href="/c/{CODE}?lang=de"' in phone.get(f"/c/{CODE}").text


def test_a_late_page_can_be_read_in_another_language(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    kiosk.clock.advance(90)
    assert f'href="{path}?lang=de"' in phone.post(path).text
    assert "Code ist zu alt" in phone.get(f"{path}?lang=de").text


def test_a_phone_with_a_running_session_here_is_led_there(
    kiosk: Kiosk, screen: FlaskClient, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    handoff = tapped(kiosk, screen, connector=1)
    answer = phone.post(path_of(kiosk, handoff))
    assert answer.headers["Location"] == landing(handoff)
    assert phone.get(landing(handoff)).headers["Location"] == f"/s/{key}"
    assert face(kiosk, handoff).claimed


def test_the_page_of_a_hand_off_is_never_kept_in_front(kiosk: Kiosk, handoff: Handoff, phone: FlaskClient) -> None:
    path = path_of(kiosk, handoff)
    phone.get(path)
    before = phone.get(landing(handoff)).text
    phone.post(path)
    after = phone.get(landing(handoff)).text
    assert STICKER in before
    assert "The screen shows:" in after
    assert STICKER in phone.get(f"/c/{CODE}").text


# --- other clocks and keys


class FastClock(ManualClock):
    rate = 10.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[Flask, FastClock]]:
    """A kiosk whose clock runs ten times as fast as people do."""
    clock = FastClock()
    app = create_app(made_settings(tmp_path), site=SiteBook.model_validate(BOOK), clock=clock)
    app.testing = True
    yield app, clock
    stop(app)


def made_in(app: Flask, clock: FastClock) -> Handoff:
    store, now = app.extensions["kiosk"].store, clock.now()
    tablet = store.pair(store.new_pairing("marktplatz", "gate", now, now + LIFE), "key", now)
    handoff = Handoff(OTHER_ID, tablet.id, CODE, 2, "en", now)
    assert store.open_handoff(handoff)
    return handoff


def test_in_a_fast_demo_people_have_the_same_time(demo: tuple[Flask, FastClock]) -> None:
    app, clock = demo
    handoff = made_in(app, clock)
    with app.test_request_context("/test"):
        first = face_of(handoff, clock.now())
        assert face_of(handoff, clock.advance(440)).seconds_left == 1
        assert face_of(handoff, clock.advance(10)).seconds_left == 45
    path = "/h/" + first.url.rpartition("/")[2]
    phone = app.test_client()
    phone.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    assert phone.post(path).status_code == 303
    clock.advance(CLAIM_COUNTS.total_seconds() * 9)
    assert phone.get(path).status_code == 303


def test_a_code_from_before_a_change_of_keys_is_still_good(tmp_path: Path) -> None:
    clock = FastClock()
    book = SiteBook.model_validate(BOOK)
    before = create_app(made_settings(tmp_path, secret_key=OLDER_KEY), site=book, clock=clock)
    handoff = made_in(before, clock)
    with before.test_request_context("/test"):
        token = face_of(handoff, clock.now()).url.rpartition("/")[2]
    stop(before)
    after = create_app(made_settings(tmp_path, secret_key=f"{FIRST_KEY},{OLDER_KEY}"), site=book, clock=clock)
    answer = after.test_client().post(f"/h/{token}", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
    stop(after)


def test_the_id_tells_nothing(kiosk: Kiosk, screen: FlaskClient) -> None:
    made = {tapped(kiosk, screen).id for _n in range(20)}
    assert len(made) == 20
    assert {len(one) for one in made} == {ID_SIGNS}
    assert key_of(screen) not in made


def test_a_face_of_an_old_reading_is_what_was_read(kiosk: Kiosk, handoff: Handoff) -> None:
    with kiosk.app.test_request_context("/test"):
        assert face_of(replace(handoff, closed_at=kiosk.now), kiosk.now).closed
        assert not face_of(handoff, kiosk.now).closed
