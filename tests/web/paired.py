"""A screen that was paired as an operator does it: a code from the command line, typed at `/tablet/`."""

from __future__ import annotations

import re
from datetime import timedelta

from flask.testing import FlaskClient

from kiosk.web.tablet.pairing import _serializer
from tests.web.conftest import KEY, Kiosk

SITE = "marktplatz"


def code_of(kiosk: Kiosk, site: str = SITE, name: str = "gate") -> str:
    return kiosk.store.new_pairing(site, name, kiosk.now, kiosk.now + timedelta(minutes=15))


def screen_of(kiosk: Kiosk, site: str = SITE, name: str = "gate") -> FlaskClient:
    """A browser that has just been paired."""
    screen = kiosk.phone()
    answer = screen.post("/tablet/pair", data={"code": code_of(kiosk, site, name)})
    assert answer.status_code == 303, answer.text
    return screen


def key_of(screen: FlaskClient) -> str:
    """The key that the screen holds."""
    cookie = screen.get_cookie("__Host-tablet")
    assert cookie is not None
    content = _serializer(KEY).loads(cookie.value)
    return str(content["tablet"])


def text_of(html: str) -> str:
    """What a person reads, without tags and in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
