"""Keys of the JSON interface at the desk: made by owners, shown once, revoked, and no wider than whoever makes them."""

from __future__ import annotations

import re

from kiosk.domain.desk import CONFIRMED, Role
from tests.web.conftest import Kiosk

from .conftest import SignIn


def test_a_key_is_shown_once_and_opens_what_was_chosen(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    answer = browser.post("/desk/keys", data={"name": "Ledger", "scope": ["sessions", "odd"]})
    (key,) = re.findall(r"<code[^>]*>(kiosk_[^<]+)</code>", answer.text)
    page = browser.get("/desk/keys").text
    assert "Ledger" in page
    assert key not in page
    assert "never" in page
    client = kiosk.app.test_client()
    assert client.get("/api/v1/sessions", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert client.get("/api/v1/queue", headers={"Authorization": f"Bearer {key}"}).status_code == 403
    entry = kiosk.store.desk.log_entries()[0]
    assert (entry.did, entry.subject, entry.reason) == ("made_key", "Ledger", "sessions")
    (made,) = kiosk.store.access.all_keys()
    browser.post(f"/desk/keys/{made.id}/revoke")
    browser.post(f"/desk/keys/{2**40}/revoke")
    assert client.get("/api/v1/sessions", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert "revoked" in browser.get("/desk/keys").text


def test_a_key_wants_the_password_a_name_and_something_to_read(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    for data, said in (({"name": " ", "scope": "queue"}, "Give it a name"), ({"name": "x"}, "Choose what")):
        answer = browser.post("/desk/keys", data=data)
        assert answer.status_code == 422
        assert said in answer.text
    kiosk.clock.advance(CONFIRMED.total_seconds() + 1)
    answer = browser.post("/desk/keys", data={"name": "x", "scope": "queue"})
    assert answer.headers["Location"].startswith("/desk/confirm")
    assert "First type your password" in browser.get("/desk/keys").text
    assert kiosk.store.access.all_keys() == []


def test_an_owner_of_one_site_makes_no_key_for_others_and_sees_none(kiosk: Kiosk, at_desk: SignIn) -> None:
    everybody, mine = at_desk(Role.OWNER), at_desk(Role.OWNER, ["marktplatz"], "ann")
    everybody.post("/desk/keys", data={"name": "Whole", "scope": "queue"})
    mine.post("/desk/keys", data={"name": "Part", "scope": "queue"})
    mine.post("/desk/keys", data={"name": "Other", "scope": "queue", "site": "elsewhere"})
    sites = {one.name: one.sites for one in kiosk.store.access.all_keys()}
    assert sites == {"Whole": None, "Part": {"marktplatz"}, "Other": {"marktplatz"}}
    assert "Whole" not in mine.get("/desk/keys").text
    (whole,) = [one for one in kiosk.store.access.all_keys() if one.name == "Whole"]
    mine.post(f"/desk/keys/{whole.id}/revoke")
    assert "Whole" in [one.name for one in kiosk.store.access.all_keys() if one.revoked_at is None]
    everybody.post("/desk/keys", data={"name": "Chosen", "scope": "queue", "site": "marktplatz"})
    assert kiosk.store.access.all_keys()[0].sites == frozenset({"marktplatz"})
