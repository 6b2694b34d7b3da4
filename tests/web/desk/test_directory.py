"""Signing in at the desk with the operator's own directory: over a real provider on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from werkzeug.test import TestResponse

from kiosk.clock import ManualClock
from kiosk.config.settings import SettingsError
from kiosk.domain.desk import CONFIRMED, IDLE, Role
from kiosk.domain.directory import FLOW_LIVES_SECONDS
from kiosk.service.desk_people import add_person
from tests.web.conftest import Kiosk
from tests.worlds.directory import CLIENT, SECRET, Provider, open_provider

from .conftest import PASSWORD

GO = "/desk/sign-in/directory"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> Iterator[Provider]:
    with open_provider(clock) as found:
        yield found


@pytest.fixture
def kiosk(tmp_path: Path, clock: ManualClock, provider: Provider) -> Iterator[Kiosk]:
    one = Kiosk(
        tmp_path,
        clock,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_roles="bosses=owner, desk=support, garage=viewer@marktplatz",
    )
    yield one
    one.close()


def sent(browser: FlaskClient, address: str = GO) -> str:
    """Where the kiosk sends somebody."""
    answer = browser.get(address)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def returned(address: str) -> str:
    """What the directory sends them back to, as a path."""
    back = urlsplit(httpx.get(address, follow_redirects=False).headers["Location"])
    assert back.netloc == "lindenau.example"
    return f"{back.path}?{back.query}"


def came_in(kiosk: Kiosk, address: str = GO) -> tuple[FlaskClient, TestResponse]:
    browser = kiosk.phone()
    return browser, browser.get(returned(sent(browser, address)))


def did(kiosk: Kiosk) -> list[tuple[str, str]]:
    """What stands in the log, the newest first."""
    return [(one.who, one.did) for one in kiosk.store.desk.log_entries()]


def test_somebody_whom_the_role_map_names_comes_in_with_that_role(kiosk: Kiosk) -> None:
    browser, answer = came_in(kiosk, f"{GO}?after=/desk/queue")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/queue")
    page = browser.get("/desk/account").text
    assert "kim.lind" in page
    assert "Role: support" in page
    assert "You sign in with your directory" in page
    assert did(kiosk)[0] == ("kim.lind", "signed_in")
    assert browser.get("/desk/log").status_code == 403


def test_the_sign_in_page_offers_it(kiosk: Kiosk) -> None:
    page = kiosk.phone().get("/desk/sign-in?after=/desk/queue").text
    assert f'href="{GO}?after=/desk/queue"' in page
    assert 'name="password"' in page


def test_what_is_asked_for_is_the_code_flow_with_state_nonce_and_a_challenge(kiosk: Kiosk) -> None:
    first, second = (parse_qs(urlsplit(sent(kiosk.phone())).query) for _ in range(2))
    assert first["tenant"] == ["1"], "what the directory's own address says stays"
    assert first["redirect_uri"] == ["https://lindenau.example/desk/sign-in/directory/back"]
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]
    assert "prompt" not in first


def test_groups_give_the_highest_role_and_all_its_sites(kiosk: Kiosk, provider: Provider) -> None:
    provider.claims["groups"] = ["garage"]
    browser, _ = came_in(kiosk)
    assert "You see: marktplatz" in browser.get("/desk/account").text
    provider.claims["groups"] = ["garage", "bosses", "others"]
    browser, _ = came_in(kiosk)
    assert browser.get("/desk/log").status_code == 200
    assert ("kim.lind", "directory_changed_rights") in did(kiosk)
    assert len(kiosk.store.desk.users()) == 1


@pytest.mark.parametrize("groups", [[], ["others"], None, "none", 7, [["desk"]]])
def test_somebody_whom_the_role_map_does_not_name_is_refused_with_a_sentence(
    kiosk: Kiosk, provider: Provider, groups: object
) -> None:
    provider.claims["groups"] = groups
    browser, answer = came_in(kiosk)
    assert answer.status_code == 403
    assert "nothing there says what you may do here" in answer.text
    assert browser.get("/desk/").status_code == 303
    assert kiosk.store.desk.users() == []
    assert did(kiosk)[0] == ("kim.lind", "directory_not_known")


def test_one_whose_group_was_taken_away_is_signed_out_everywhere(kiosk: Kiosk, provider: Provider) -> None:
    before, _ = came_in(kiosk)
    assert before.get("/desk/").status_code == 200
    provider.claims["groups"] = []
    came_in(kiosk)
    assert before.get("/desk/").status_code == 303
    assert ("kim.lind", "directory_took_rights") in did(kiosk)


def test_a_name_that_another_one_has_opens_nothing_of_theirs(kiosk: Kiosk, provider: Provider) -> None:
    assert add_person(kiosk.store, "kim.lind", PASSWORD, Role.OWNER, None, kiosk.now, "test") is None
    browser, _ = came_in(kiosk)
    assert browser.get("/desk/log").status_code == 403
    provider.claims["sub"] = "another"
    came_in(kiosk)
    names = sorted(one.person.name for one in kiosk.store.desk.users())
    assert names[0] == "kim.lind"
    assert len(names) == 3
    assert all(name.startswith("kim.lind-") for name in names[1:])


def test_nobody_of_the_directory_has_a_password_here(kiosk: Kiosk) -> None:
    came_in(kiosk)
    for password in ("", "x", PASSWORD):
        answer = kiosk.phone().post("/desk/sign-in", data={"name": "kim.lind", "password": password})
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "spoiled",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://another.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": None},
        {"sub": "s" * 256},
        {"azp": "another"},
    ],
    ids=str,
)
def test_a_token_that_is_not_the_answer_to_the_question_lets_nobody_in(
    kiosk: Kiosk, provider: Provider, spoiled: dict[str, Any]
) -> None:
    provider.spoil = spoiled
    browser, answer = came_in(kiosk)
    assert answer.status_code == 403
    assert "does not vouch for you" in answer.text
    assert browser.get("/desk/").status_code == 303
    assert did(kiosk)[0] == ("directory", "directory_refused")


def test_a_token_of_another_key_or_without_a_signature_lets_nobody_in(
    kiosk: Kiosk, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = provider.token

    def unsigned(begun: dict[str, str]) -> str:
        _, body, _ = right(begun).split(".")
        return f"eyJhbGciOiJub25lIn0.{body}."

    def forged(begun: dict[str, str]) -> str:
        key, provider.key = provider.key, Provider(provider.clock).key
        found = right(begun)
        provider.key = key
        return found

    for token in (unsigned, forged, lambda _: "no token", lambda _: ""):
        monkeypatch.setattr(provider, "token", token)
        assert came_in(kiosk)[1].status_code == 403


def test_keys_that_were_changed_are_read_anew_but_not_for_every_strange_token(kiosk: Kiosk, provider: Provider) -> None:
    assert came_in(kiosk)[1].status_code == 303
    directory = kiosk.app.extensions["kiosk"].directory
    provider.rotate()
    directory._monotonic = lambda: 10.0**9
    assert came_in(kiosk)[1].status_code == 303
    provider.rotate()
    before = provider.asked.count("/keys")
    assert came_in(kiosk)[1].status_code == 403, "keys were read a moment ago"
    assert provider.asked.count("/keys") == before
    directory._monotonic = lambda: 10.0**9 + 31
    assert came_in(kiosk)[1].status_code == 303


@pytest.mark.parametrize(("minutes", "status"), [(-1, 303), (1, 303), (-30, 403), (30, 403)])
def test_a_clock_that_is_a_little_off_is_allowed_for(
    kiosk: Kiosk, provider: Provider, minutes: int, status: int
) -> None:
    provider.ahead = timedelta(minutes=minutes)
    assert came_in(kiosk)[1].status_code == status


def test_a_lost_answer_signs_nobody_in_and_the_code_is_not_sent_again(kiosk: Kiosk, provider: Provider) -> None:
    provider.lose = True
    browser = kiosk.phone()
    back = returned(sent(browser))
    answer = browser.get(back)
    assert answer.status_code == 503
    assert "Begin again" in answer.text
    provider.lose = False
    assert browser.get(back).status_code == 403, "what the browser kept is used up"
    assert provider.asked.count("/token") == 1


def test_a_directory_without_an_answer_is_said_before_anybody_is_sent_there(kiosk: Kiosk, provider: Provider) -> None:
    provider.down = True
    answer = kiosk.phone().get(GO)
    assert answer.status_code == 503
    assert "gives no answer" in answer.text
    assert 'name="password"' in answer.text


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "https://keys.example/#part"},
    ],
    ids=str,
)
def test_a_directory_that_describes_itself_badly_is_not_used(
    kiosk: Kiosk, provider: Provider, says: dict[str, Any]
) -> None:
    provider.says = says
    assert kiosk.phone().get(GO).status_code == 503


def test_keys_that_cannot_be_read_are_no_answer(kiosk: Kiosk, provider: Provider) -> None:
    provider.says = {"jwks_uri": f"{provider.issuer}/.well-known/openid-configuration"}
    assert came_in(kiosk)[1].status_code == 503


def test_who_says_no_there_is_not_signed_in(kiosk: Kiosk, provider: Provider) -> None:
    provider.refuse = "access_denied"
    assert came_in(kiosk)[1].status_code == 403
    assert "/token" not in provider.asked


def test_only_the_browser_that_began_can_end_it_once_and_in_time(kiosk: Kiosk, provider: Provider) -> None:
    browser, other = kiosk.phone(), kiosk.phone()
    back = returned(sent(browser))
    assert other.get(back).status_code == 403
    sent(other)
    assert other.get(back).status_code == 403, "a state of somebody else"
    kiosk.clock.advance(FLOW_LIVES_SECONDS + 1)
    assert browser.get(back).status_code == 403
    browser.set_cookie("__Host-desk-flow", "made up", domain="localhost")
    assert browser.get(back).status_code == 403
    assert "/token" not in provider.asked
    assert browser.get("/desk/sign-in/directory/back").status_code == 403


def test_a_network_that_tries_too_often_waits(kiosk: Kiosk, provider: Provider) -> None:
    provider.spoil = {"nonce": "another"}
    statuses = [came_in(kiosk)[1].status_code for _ in range(21)]
    assert statuses == [403] * 20 + [429]


def test_they_are_signed_out_as_everybody_else(kiosk: Kiosk) -> None:
    browser, _ = came_in(kiosk)
    kiosk.clock.advance(IDLE.total_seconds() + 61)
    assert browser.get("/desk/").status_code == 303


def test_before_money_moves_they_prove_there_once_more_who_they_are(kiosk: Kiosk, provider: Provider) -> None:
    kiosk.charging(kiosk.phone())
    browser, _ = came_in(kiosk)
    stop = {"reason": "the driver called", "seen": "open-charging"}
    kiosk.clock.advance(CONFIRMED.total_seconds() + 1)
    answer = browser.post("/desk/sessions/1/stop", data=stop)
    assert answer.headers["Location"].startswith("/desk/confirm?after=")
    page = browser.get(answer.headers["Location"]).text
    assert 'href="/desk/confirm/directory?after=/desk/sessions/1/stop"' in page
    assert 'name="password"' not in page
    provider.signed_in_for = timedelta(hours=8)
    asked = sent(browser, "/desk/confirm/directory?after=/desk/sessions/1/stop")
    assert parse_qs(urlsplit(asked).query)["prompt"] == ["login"]
    assert browser.get(returned(asked)).headers["Location"] == "/desk/sessions/1/stop"
    assert browser.post("/desk/sessions/1/stop", data=stop).headers["Location"] == "/desk/sessions/1"


@pytest.mark.parametrize("more", [{"sub": "another"}, {"auth_time": None}, {"auth_time": 1000}], ids=str)
def test_somebody_else_or_an_old_proof_confirms_nothing(kiosk: Kiosk, provider: Provider, more: dict[str, Any]) -> None:
    browser, _ = came_in(kiosk)
    kiosk.clock.advance(CONFIRMED.total_seconds() + 1)
    provider.spoil = more
    answer = browser.get(returned(sent(browser, "/desk/confirm/directory?after=/desk/")))
    assert answer.status_code == 403
    assert "not the person who is signed in here" in answer.text
    assert browser.post("/desk/account/codes").headers["Location"].startswith("/desk/confirm")


def test_a_sign_in_that_rests_on_an_old_proof_does_not_move_money(kiosk: Kiosk, provider: Provider) -> None:
    provider.signed_in_for = timedelta(hours=8)
    browser, _ = came_in(kiosk)
    assert browser.post("/desk/account/codes").headers["Location"].startswith("/desk/confirm")


def test_passwords_can_be_switched_off(tmp_path: Path, clock: ManualClock, provider: Provider) -> None:
    one = Kiosk(
        tmp_path / "off",
        clock,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_roles="desk=support",
        desk_passwords=False,
    )
    try:
        assert add_person(one.store, "ann", PASSWORD, Role.OWNER, None, one.now, "test") is None
        browser = one.phone()
        assert 'name="password"' not in browser.get("/desk/sign-in").text
        answer = browser.post("/desk/sign-in", data={"name": "ann", "password": PASSWORD})
        assert answer.status_code == 403
        assert "with your directory" in answer.text
        assert came_in(one)[1].status_code == 303
    finally:
        one.close()


def test_without_a_directory_there_is_no_way_there(tmp_path: Path) -> None:
    one = Kiosk(tmp_path / "none")
    try:
        assert GO not in one.phone().get("/desk/sign-in").text
        assert one.phone().get(GO).status_code == 404
    finally:
        one.close()


def test_a_role_map_that_names_an_unknown_site_keeps_the_kiosk_from_starting(
    tmp_path: Path, clock: ManualClock
) -> None:
    for roles, words in (("desk=viewer@nowhere", "the site 'nowhere'"), ("desk=boss", "neither value=role")):
        with pytest.raises(SettingsError, match=words):
            Kiosk(
                tmp_path / "bad",
                clock,
                oidc_issuer="https://id.example",
                oidc_client_id=CLIENT,
                oidc_client_secret=SECRET,
                oidc_roles=roles,
            )


def test_a_directory_that_cannot_be_reached_is_no_answer_and_what_a_browser_made_up_is_no_flow(tmp_path: Path) -> None:
    one = Kiosk(
        tmp_path / "away",
        oidc_issuer="http://127.0.0.1:9",
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_roles="desk=support",
    )
    browser = one.phone()
    assert browser.get(GO).status_code == 503
    signer = URLSafeSerializer(list(one.settings.secret_keys), salt="kiosk.desk.flow")
    browser.set_cookie("__Host-desk-flow", signer.dumps(["too", "short"]), domain="localhost", secure=True)
    assert browser.get(f"{GO}/back?state=x&code=y", base_url="https://localhost").status_code == 403
    one.close()


def test_an_answer_without_a_token_lets_nobody_in(
    kiosk: Kiosk, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "token", lambda _: None)
    assert came_in(kiosk)[1].status_code == 503


def test_a_code_that_the_directory_does_not_know_lets_nobody_in(kiosk: Kiosk, provider: Provider) -> None:
    browser = kiosk.phone()
    back = returned(sent(browser))
    provider._codes.clear()
    assert browser.get(back).status_code == 403
    assert did(kiosk)[0] == ("directory", "directory_refused")
