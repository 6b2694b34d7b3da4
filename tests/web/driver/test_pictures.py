"""The picture of a charger: from our own address, kept for long, and only behind a closed door of the page."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from kiosk.domain.lab import LabFacts
from kiosk.domain.picture import Picture
from tests.web.conftest import CODE, NEAR, Kiosk

URL = "https://cdn.example/tower.png"
PICTURE = Picture("image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


@pytest.fixture
def shown(kiosk: Kiosk) -> Kiosk:
    kiosk.card("Available")
    kiosk.store.save_lab_facts(CODE, LabFacts(vendor="Webasto", image_url=URL), kiosk.now)
    kiosk.store.save_picture(URL, PICTURE, kiosk.now)
    return kiosk


def source(phone: FlaskClient) -> str:
    page = phone.get(f"/c/{CODE}").get_data(as_text=True)
    return page.partition('<img class="photo" src="')[2].partition('"')[0].replace("&amp;", "&")


@pytest.mark.usefixtures("shown")
def test_the_picture_waits_behind_a_closed_door_of_the_page(phone: FlaskClient) -> None:
    page = phone.get(f"/c/{CODE}").get_data(as_text=True)
    door = page.partition("About this charger")[2].partition("</details>")[0]
    assert page.partition("About this charger")[0].rstrip().endswith('<details class="more">\n  <summary>')
    assert 'loading="lazy"' in door
    assert 'alt="Picture of the charger"' in door
    assert page.count("<img") == door.count("<img") == 1
    assert "cdn.example" not in page


@pytest.mark.usefixtures("shown")
def test_the_picture_comes_from_our_own_address_and_is_kept_for_a_year(phone: FlaskClient) -> None:
    address = source(phone)
    assert address.startswith(f"/c/{CODE}/picture?v=")
    answer = phone.get(address)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PICTURE.body, "image/png")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    again = phone.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_address_changes_with_the_picture(shown: Kiosk, phone: FlaskClient) -> None:
    before = source(phone)
    shown.store.save_picture(URL, Picture("image/png", PICTURE.body + b"new"), shown.now)
    shown.clock.advance(2)
    assert source(phone) not in {before, ""}
    assert phone.get(before).headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("code", [NEAR, "UNKNOWN", "not-a-code", "WAYTOOLONGACODE"])
@pytest.mark.usefixtures("shown")
def test_of_other_chargers_there_is_no_picture(phone: FlaskClient, code: str) -> None:
    assert phone.get(f"/c/{code}/picture").status_code == 404


def test_until_it_was_fetched_there_is_no_picture(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available")
    kiosk.store.save_lab_facts(CODE, LabFacts(vendor="Webasto", image_url=URL), kiosk.now)
    kiosk.store.save_picture(URL, None, kiosk.now)
    assert source(phone) == ""
    assert phone.get(f"/c/{CODE}/picture").status_code == 404
