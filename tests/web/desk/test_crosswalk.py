"""Which is which, as an owner decides it: confirmed, rejected, taken back, logged, in use from the next start on."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from kiosk.config.sites import SiteBook
from kiosk.domain.crosswalk import Kind, Proposal, Reason, Verdict
from kiosk.domain.desk import Role
from kiosk.service.crosswalk import Crosswalking, Looked
from tests.web.conftest import BOOK, CODE, Kiosk

from .conftest import SignIn

PAGE = "/desk/setup/crosswalk"
STATION = Proposal(Kind.STATION, CODE, "CP-1", "By the gate", 85, (Reason.SAME_NAME, Reason.SAME_CONNECTORS))
SITE = Proposal(Kind.CHARGEPILOT_SITE, "marktplatz", "42", None, 70, (Reason.CHARGERS,))


class Looking:
    def __init__(self) -> None:
        self.times = 0
        self.told: Looked | None = None

    def last(self) -> Looked | None:
        return self.told

    def begin(self) -> bool:
        self.times += 1
        return self.times == 1


@pytest.fixture
def looking(kiosk: Kiosk) -> Looking:
    found = Looking()
    walking: Crosswalking = kiosk.app.extensions["kiosk.crosswalk"]
    kiosk.app.extensions["kiosk.crosswalk"] = replace(walking, lookout=found)
    return found


def plain(browser: FlaskClient) -> str:
    text = browser.get(PAGE).text
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text[text.index("<main") : text.index("</main>")]))
    return told.replace("\N{NO-BREAK SPACE}", " ")


def number(kiosk: Kiosk, value: str) -> int:
    return next(one.id for one in kiosk.store.crosswalk.entries() if one.proposal.value == value)


def say(browser: FlaskClient, number: int, word: str) -> int:
    return browser.post(f"{PAGE}/{number}", data={"say": word}).status_code


def logged(kiosk: Kiosk) -> list[tuple[str, str | None, str | None]]:
    return [
        (one.did, one.subject, one.reason) for one in kiosk.store.desk.log_entries() if one.did.startswith("crosswalk")
    ]


def used_after_a_restart(kiosk: Kiosk) -> None:
    """As if the kiosk had started again."""
    from kiosk.service.crosswalk import joined

    walking: Crosswalking = kiosk.app.extensions["kiosk.crosswalk"]
    known = joined(walking.configured, kiosk.store.crosswalk.entries())
    kiosk.app.extensions["kiosk.crosswalk"] = replace(walking, used=known.used)


def test_a_proposal_is_shown_with_score_and_reasons_and_confirmed(kiosk: Kiosk, at_desk: SignIn) -> None:
    kiosk.store.crosswalk.propose([STATION], kiosk.now)
    browser = at_desk(Role.OWNER)
    assert f"{CODE} Station at ChargePilot CP-1 By the gate 85 same name, same connectors" in plain(browser)
    assert say(browser, number(kiosk, "CP-1"), "confirm") == 303
    assert "from the next start of the kiosk on" in plain(browser)
    assert logged(kiosk) == [("crosswalk_confirmed", CODE, "station CP-1")]
    used_after_a_restart(kiosk)
    assert "in use Take back" in plain(browser)
    assert say(browser, number(kiosk, "CP-1"), "undo") == 303
    assert "in use until the next start of the kiosk" in plain(browser)
    assert logged(kiosk)[0] == ("crosswalk_undone", CODE, "station CP-1")


def test_a_proposal_that_is_rejected_says_so_and_can_be_taken_back(kiosk: Kiosk, at_desk: SignIn) -> None:
    kiosk.store.crosswalk.propose([SITE], kiosk.now)
    browser = at_desk(Role.OWNER)
    assert say(browser, number(kiosk, "42"), "reject") == 303
    assert "rejected, and not proposed again" in plain(browser)
    assert say(browser, number(kiosk, "42"), "undo") == 303
    assert [one.verdict for one in kiosk.store.crosswalk.entries()] == [Verdict.OPEN]
    assert [did for did, _subject, _reason in logged(kiosk)] == ["crosswalk_undone", "crosswalk_rejected"]


def test_whoever_comes_second_is_told_that_nothing_was_changed(kiosk: Kiosk, at_desk: SignIn) -> None:
    kiosk.store.crosswalk.propose([SITE], kiosk.now)
    browser = at_desk(Role.OWNER)
    say(browser, number(kiosk, "42"), "reject")
    assert say(browser, number(kiosk, "42"), "confirm") == 409


def test_the_file_goes_before_what_is_confirmed(kiosk: Kiosk, at_desk: SignIn) -> None:
    site = BOOK["sites"][0] | {"chargepilot_site": "41"}  # type: ignore[index]
    walking: Crosswalking = kiosk.app.extensions["kiosk.crosswalk"]
    configured = SiteBook.model_validate(BOOK | {"sites": [site]})
    kiosk.app.extensions["kiosk.crosswalk"] = replace(walking, configured=configured)
    kiosk.store.crosswalk.propose([SITE], kiosk.now)
    browser = at_desk(Role.OWNER)
    say(browser, number(kiosk, "42"), "confirm")
    text = plain(browser)
    assert "not used: kiosk.toml says something itself, and goes before it" in text
    assert "marktplatz Site at ChargePilot 41 kiosk.toml in use" in text


def test_the_page_asks_nobody_and_the_button_looks_once(kiosk: Kiosk, at_desk: SignIn, looking: Looking) -> None:
    browser = at_desk(Role.OWNER)
    assert "Nobody has looked from this page yet." in plain(browser)
    assert looking.times == 0
    for _ in range(2):
        assert browser.post(PAGE).status_code == 303
    assert logged(kiosk) == [("crosswalk_looked", None, None)]
    looking.told = Looked(kiosk.now)
    assert "They are being looked at" in plain(browser)
    other = replace(SITE, subject="elsewhere")
    looking.told = Looked(kiosk.now, kiosk.now, (SITE, STATION, other), ("ChargePilot asks for a pause (429).",))
    text = plain(browser)
    assert "ChargePilot asks for a pause (429)." in text
    assert "marktplatz: Site at ChargePilot 42 " in text
    assert f"{CODE}: Station at ChargePilot CP-1 (By the gate)" in text
    assert "elsewhere" not in text


def test_owners_of_other_sites_and_words_that_mean_nothing_change_nothing(kiosk: Kiosk, at_desk: SignIn) -> None:
    kiosk.store.crosswalk.propose([SITE], kiosk.now)
    mine, elsewhere = number(kiosk, "42"), at_desk(Role.OWNER, ["another"], "ann")
    assert "42" not in plain(elsewhere).split("To decide")[1]
    assert say(elsewhere, mine, "confirm") == 404
    browser = at_desk(Role.OWNER)
    assert [say(browser, mine, "maybe"), say(browser, mine + 1, "confirm"), say(browser, 2**40, "confirm")] == [404] * 3
    assert say(at_desk(Role.SUPPORT), mine, "confirm") == 403
    assert logged(kiosk) == []


def test_the_set_up_leads_there(at_desk: SignIn) -> None:
    assert f'href="{PAGE}"' in at_desk(Role.OWNER).get("/desk/setup").text
