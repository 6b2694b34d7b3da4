"""A visit at a tablet without a request: the hand-off to one phone, a charge found again, and the end of the visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.handoff import LIFE, WINDOW
from kiosk.domain.session import Phase
from kiosk.domain.stop_code import stop_code
from kiosk.news.news import handoff_topic
from kiosk.service import visit
from kiosk.service.visit import CLAIM_COUNTS, LONGEST_VISIT, Scanned, SquareCode, Standing
from kiosk.store.records import Handoff, Tablet

from .conftest import CODE, HOLD, NEAR, Desk

STRANGE = "STRNGE"
"""A charger that belongs to no site."""


def tablet_of(desk: Desk, site: str = "marktplatz", key: str = "key") -> Tablet:
    code = desk.store.new_pairing(site, "gate", desk.now, desk.now + timedelta(minutes=15))
    tablet = desk.store.pair(code, key, desk.now)
    assert tablet is not None
    return tablet


@pytest.fixture
def tablet(desk: Desk) -> Tablet:
    return tablet_of(desk)


@pytest.fixture
def handoff(desk: Desk, tablet: Tablet) -> Handoff:
    return opened(desk, tablet)


def opened(desk: Desk, tablet: Tablet, connector_id: int = 2) -> Handoff:
    made = visit.open_handoff(desk.parts, tablet, CODE, connector_id, "en")
    assert made is not None
    return made


def shown(desk: Desk, handoff: Handoff) -> SquareCode:
    """What the tablet shows of it now."""
    stored = desk.store.handoff(handoff.id)
    assert stored is not None
    return visit.code_at(desk.parts, stored, desk.now)


def token(desk: Desk, handoff: Handoff) -> str:
    code = shown(desk, handoff)
    assert code.token is not None
    return code.token


# --- the hand-off


def test_a_tablet_sees_the_chargers_of_its_site_and_no_others(desk: Desk, tablet: Tablet) -> None:
    assert visit.belongs_to(desk.parts, tablet, CODE)
    assert visit.belongs_to(desk.parts, tablet, NEAR)
    assert not visit.belongs_to(desk.parts, tablet, STRANGE)
    assert not visit.belongs_to(desk.parts, replace(tablet, site_id="gone"), CODE)


def test_nothing_is_handed_over_of_another_site_or_by_a_tablet_that_was_unpaired(desk: Desk, tablet: Tablet) -> None:
    assert visit.open_handoff(desk.parts, tablet, STRANGE, 1, "en") is None
    desk.store.unpair(tablet.id, desk.now)
    assert visit.open_handoff(desk.parts, tablet, CODE, 2, "en") is None


def test_a_screen_hands_over_one_bay_at_a_time(desk: Desk, tablet: Tablet, handoff: Handoff) -> None:
    code = token(desk, handoff)
    opened(desk, tablet, 1)
    assert shown(desk, handoff).closed
    assert visit.claim(desk.parts, code, "phone") is None


def test_a_hand_off_is_another_tablets_to_nobody(desk: Desk, tablet: Tablet, handoff: Handoff) -> None:
    other = tablet_of(desk, key="another key")
    assert visit.handoff_of(desk.parts, tablet, handoff.id) == handoff
    assert visit.handoff_of(desk.parts, other, handoff.id) is None
    assert visit.handoff_of(desk.parts, tablet, "nobody") is None
    visit.close_handoff(desk.parts, other, handoff.id)
    assert not shown(desk, handoff).closed
    visit.close_handoff(desk.parts, tablet, handoff.id)
    assert shown(desk, handoff) == SquareCode(None, 0.0, claimed=False, closed=True)


def test_the_code_changes_with_its_window_and_the_words_never(desk: Desk, handoff: Handoff) -> None:
    first, words = shown(desk, handoff), visit.check_number(desk.parts, handoff)
    desk.clock.advance(WINDOW.total_seconds())
    second = shown(desk, handoff)
    assert first.token != second.token
    assert first.seconds_left == second.seconds_left == WINDOW.total_seconds()
    assert visit.check_number(desk.parts, handoff) == words


def test_after_its_life_there_is_nothing_to_scan(desk: Desk, handoff: Handoff) -> None:
    code = token(desk, handoff)
    desk.clock.advance(LIFE.total_seconds())
    assert shown(desk, handoff) == SquareCode(None, 0.0, claimed=False, closed=True)
    assert visit.scanned(desk.parts, code, "phone") is None


def test_looking_at_a_code_spends_nothing(desk: Desk, handoff: Handoff) -> None:
    code = token(desk, handoff)
    for device in ("phone", "another phone", None):
        assert visit.scanned(desk.parts, code, device) == Scanned(handoff, mine=False)
    assert not shown(desk, handoff).claimed


def test_the_first_phone_gets_the_bay_and_may_come_again(desk: Desk, handoff: Handoff) -> None:
    code, topic = token(desk, handoff), handoff_topic(handoff.id)
    before = desk.parts.news.version(topic)
    claimed = visit.claim(desk.parts, code, "phone")
    assert claimed is not None
    assert (claimed.id, claimed.claimed_at) == (handoff.id, desk.now)
    assert desk.parts.news.version(topic) != before
    assert visit.claim(desk.parts, code, "phone") == claimed
    assert visit.scanned(desk.parts, code, "phone") == Scanned(claimed, mine=True)
    assert visit.claim(desk.parts, code, "another phone") is None
    assert visit.scanned(desk.parts, code, "another phone") is None
    assert shown(desk, handoff) == SquareCode(None, 0.0, claimed=True, closed=False)


def test_a_code_that_nobody_made_claims_nothing(desk: Desk, handoff: Handoff) -> None:
    code = token(desk, handoff)
    forged = code[:-1] + ("2" if code[-1] != "2" else "3")
    for typed in (forged, "", "nonsense", "A" * len(code)):
        assert visit.scanned(desk.parts, typed, "phone") is None
        assert visit.claim(desk.parts, typed, "phone") is None


def test_a_claim_counts_for_a_quarter_of_an_hour_at_its_own_charger(desk: Desk, handoff: Handoff) -> None:
    visit.claim(desk.parts, token(desk, handoff), "phone")
    assert visit.claimed_by(desk.parts, "phone", handoff.id, CODE) is not None
    assert visit.claimed_by(desk.parts, "phone", handoff.id, NEAR) is None
    assert visit.claimed_by(desk.parts, "another phone", handoff.id, CODE) is None
    assert visit.claimed_by(desk.parts, None, handoff.id, CODE) is None
    assert visit.claimed_by(desk.parts, "phone", None, CODE) is None
    assert visit.claimed_by(desk.parts, "phone", "too-short", CODE) is None
    desk.clock.advance(CLAIM_COUNTS.total_seconds())
    assert visit.claimed_by(desk.parts, "phone", handoff.id, CODE) is not None
    desk.clock.advance(1)
    assert visit.claimed_by(desk.parts, "phone", handoff.id, CODE) is None


# --- a charge found again


def test_a_session_is_shown_on_the_screens_of_its_site(desk: Desk, tablet: Tablet) -> None:
    here, elsewhere = desk.queued(), desk.queued(1, code=STRANGE)
    found = visit.session_on(desk.parts, tablet, here)
    assert found is not None
    assert found.key == here
    assert visit.session_on(desk.parts, tablet, elsewhere) is None
    assert visit.session_on(desk.parts, tablet, "nobody") is None
    assert visit.session_on(desk.parts, replace(tablet, site_id="gone"), here) is None


def test_a_paid_charge_is_findable_at_its_bay_until_it_ends(desk: Desk) -> None:
    assert visit.findable(desk.parts, CODE, 2) is None
    key = desk.queued()
    assert visit.findable(desk.parts, CODE, 2) is None
    desk.start_answer(key)
    assert visit.findable(desk.parts, CODE, 2) is None
    desk.observe(key, "charging", authorized_minor=HOLD, energy_kwh=Decimal(1), cost_minor=84)
    found = visit.findable(desk.parts, CODE, 2)
    assert found is not None
    assert found.key == key
    assert visit.findable(desk.parts, CODE, 1) is None
    desk.observe(key, "captured", captured_minor=84)
    assert visit.findable(desk.parts, CODE, 2) is None


# --- the end of the visit


def asked(desk: Desk, key: str) -> list[Kind]:
    return [command.kind for command in desk.store.commands(key)]


def test_a_start_that_waits_is_withdrawn(desk: Desk) -> None:
    key = desk.queued(device="visit")
    visit.end_visit(desk.parts, "visit")
    session = desk.store.session(key)
    assert session is not None
    assert session.phase is Phase.LEFT
    assert desk.bell.rings == 1


def test_a_session_that_was_not_paid_is_cancelled_once(desk: Desk) -> None:
    key = desk.queued(device="visit")
    desk.start_answer(key)
    visit.end_visit(desk.parts, "visit")
    visit.end_visit(desk.parts, "visit")
    assert asked(desk, key) == [Kind.START, Kind.CANCEL]


def test_a_start_that_was_sent_is_cancelled_as_soon_as_it_is_answered(desk: Desk) -> None:
    key = desk.queued(device="visit")
    (command,) = desk.store.commands(key)
    assert desk.store.claim(command.id, desk.now)
    visit.end_visit(desk.parts, "visit")
    assert asked(desk, key) == [Kind.START, Kind.CANCEL]


def test_what_may_have_been_paid_is_left_alone(desk: Desk) -> None:
    key = desk.queued(device="visit")
    desk.start_answer(key)
    desk.store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, desk.now)
    visit.end_visit(desk.parts, "visit")
    assert asked(desk, key) == [Kind.START, Kind.CONFIRM]


def test_what_was_paid_goes_on(desk: Desk) -> None:
    key = desk.queued(device="visit")
    desk.start_answer(key)
    desk.observe(key, "charging", authorized_minor=HOLD)
    visit.end_visit(desk.parts, "visit")
    assert asked(desk, key) == [Kind.START]
    assert desk.bell.rings == 0


def test_another_devices_session_and_an_old_one_are_left_alone(desk: Desk) -> None:
    others, old = desk.queued(1, device="phone"), desk.queued(2, device="visit")
    desk.clock.advance(LONGEST_VISIT.total_seconds() + 1)
    visit.end_visit(desk.parts, "visit")
    assert desk.store.queue() == [others, old]


class Broken:
    """A store on a full disk."""

    def sessions_of(self, *_asked: object, **_more: object) -> None:
        raise RuntimeError("the disk is full")


def test_a_store_that_fails_is_logged_and_raises_nothing(desk: Desk) -> None:
    with capture_logs() as logged:
        visit.end_visit(replace(desk.parts, store=Broken()), "visit")  # type: ignore[arg-type]
    assert [one["event"] for one in logged] == ["what was not paid at a tablet could not be given up"]


# --- the owner at the screen


def digits(desk: Desk, key: str) -> str:
    return stop_code(key, desk.parts.settings.secret_keys)


def test_who_types_the_digits_of_a_charge_owns_it_and_other_digits_give_nobody_anything(desk: Desk) -> None:
    key = desk.queued(2)
    desk.start_answer(key)
    desk.observe(key, "charging")
    wrong = str((int(digits(desk, key)) + 1) % 1_000_000).zfill(6)
    assert (
        visit.prove_owner(desk.parts, CODE, 2, wrong, lambda: pytest.fail("no device is given for wrong digits"))
        is None
    )
    assert visit.prove_owner(desk.parts, CODE, 2, digits(desk, key), lambda: "screen") == key
    session = desk.store.session(key)
    assert session is not None
    assert visit.may_act(desk.parts, session, "screen")
    assert not visit.may_act(desk.parts, session, "another")
    assert not visit.may_act(desk.parts, session, None)


def test_digits_are_shown_only_where_a_tablet_stands_and_something_can_be_stopped(desk: Desk) -> None:
    key = desk.queued(2)
    session = desk.start_answer(key)
    assert visit.stop_code_of(desk.parts, session) is None
    tablet_of(desk)
    assert visit.stop_code_of(desk.parts, session) == digits(desk, key)
    assert visit.stop_code_of(desk.parts, replace(session, code=STRANGE)) is None
    assert visit.stop_code_of(desk.parts, desk.observe(key, "expired")) is None


@pytest.mark.parametrize(
    ("setting", "shared", "taken"), [(False, False, True), (False, True, False), (True, True, True)]
)
def test_a_shared_screen_takes_cards_only_when_the_operator_chose_it(
    desk: Desk, setting: bool, shared: bool, taken: bool
) -> None:
    settings = desk.parts.settings.model_copy(update={"tablet_card_entry": setting})
    assert visit.takes_cards(replace(desk.parts, settings=settings), shared_screen=shared) is taken


# --- which tablet asks


def test_a_browser_is_a_tablet_as_long_as_it_is_paired_and_its_site_is_there(desk: Desk) -> None:
    assert visit.identify(desk.parts, None, "1.2") == (None, Standing.NEW)
    assert visit.identify(desk.parts, "made up", "1.2") == (None, Standing.NEW)
    tablet = tablet_of(desk)
    desk.clock.advance(120)
    found, standing = visit.identify(desk.parts, "key", "1.2")
    assert (found is not None and found.id == tablet.id, standing) == (True, Standing.PAIRED)
    (kept,) = desk.store.tablets()
    assert (kept.last_seen_at, kept.version) == (desk.now, "1.2")
    assert visit.identify(desk.parts, "key", None)[1] is Standing.PAIRED
    desk.store.unpair(tablet.id, desk.now)
    assert visit.identify(desk.parts, "key", "1.2") == (None, Standing.UNPAIRED)


def test_a_tablet_whose_site_is_gone_is_told_so(desk: Desk) -> None:
    tablet_of(desk, site="closed")
    assert visit.identify(desk.parts, "key", "1.2") == (None, Standing.HOMELESS)


def test_of_two_phones_at_the_same_moment_one_gets_the_bay(
    desk: Desk, handoff: Handoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = token(desk, handoff)
    first_looks = visit.scanned(desk.parts, both, "slow phone")
    assert visit.claim(desk.parts, both, "quick phone") is not None
    monkeypatch.setattr(visit, "scanned", lambda *_: first_looks)
    assert visit.claim(desk.parts, both, "slow phone") is None


def test_no_digits_find_a_charge_where_there_is_none(desk: Desk) -> None:
    assert visit.prove_owner(desk.parts, CODE, 1, "123456", lambda: "phone") is None
