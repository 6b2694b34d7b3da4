"""What the desk may ask about sessions, and do to them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.desk import Person, Role
from kiosk.domain.session import Phase
from kiosk.service.desk_sessions import Act, Done, Group, Whole, add_note, names_of, perform, search, understood, whole
from kiosk.service.story import exactly, sentence
from kiosk.store import Store

from .conftest import CODE, FAR, NEAR, Desk

KIM = Person(1, "kim", Role.SUPPORT)
BERLIN = ZoneInfo("Europe/Berlin")


def everywhere(_code: str) -> bool:
    return True


def shown(desk: Desk, key: str) -> Whole:
    number = desk.store.finding.number_of(key)
    assert number is not None
    found = whole(desk.parts, number, everywhere)
    assert found is not None
    return found


def do(desk: Desk, key: str, act: Act, reason: str = "the driver called", seen: str | None = None) -> Done:
    now = shown(desk, key)
    return perform(desk.parts, KIM, now, act, reason, now.seen if seen is None else seen)


def found(desk: Desk, text: str, codes: tuple[str, ...] | None = None, group: Group | None = None) -> list[str]:
    said = understood(desk.parts, text, codes, BERLIN)
    return [one.session.key for one in search(desk.parts, said, codes=codes, group=group)]


def charging(desk: Desk) -> str:
    desk.card()
    key = desk.queued()
    desk.start_answer(key)
    desk.observe(key, "charging", authorized_minor=3000)
    return key


def log(store: Store) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.who, one.did, one.subject, one.reason) for one in reversed(store.desk.log_entries())]


def asked(desk: Desk, key: str) -> list[tuple[Kind, AskedBy, CommandState]]:
    return [(one.kind, one.asked_by, one.state) for one in desk.store.commands(key) if one.kind is not Kind.START]


def test_a_bay_a_code_and_the_id_of_a_point_find_what_was_there(desk: Desk) -> None:
    key = charging(desk)
    for text in ("4", "bay 4", CODE.lower(), f"{CODE} 4", key and "14:00"):
        assert found(desk, text) == [key], text
    for text in ("3", NEAR, "4 nonsense", "4242", "ada@example.org"):
        assert found(desk, text) == [], text


def test_a_charger_of_no_list_is_found_by_those_who_see_everything(desk: Desk) -> None:
    key = desk.queued(code="ABC12", connector_id=1)
    assert found(desk, "abc12") == [key]
    assert found(desk, "abc12", codes=(CODE,)) == []


def test_names_of_points_are_bays() -> None:
    book = SiteBook.model_validate(
        {
            "sites": [
                {"id": name.lower(), "name": name, "timezone": "Europe/Berlin", "chargers": [charger]}
                for name, charger in (
                    ("North", {"code": "ABC12", "bays": {1: {"label": "1"}}}),
                    ("South", {"code": "DEF34", "bays": {1: {"label": "1"}}}),
                )
            ]
        }
    )
    assert names_of(book)["1"] == (("ABC12", 1), ("DEF34", 1))
    assert names_of(book, ("ABC12",)) == {"abc12": (("ABC12", None),), "1": (("ABC12", 1),)}


def test_a_point_is_found_by_its_id(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    key = charging(desk)
    monkeypatch.setattr(
        "kiosk.service.desk_sessions.at_point", lambda _book, typed: (CODE, 2) if "*" in typed else None
    )
    assert found(desk, "DE*LND*E000204") == [key]


def test_nobody_finds_or_opens_what_belongs_to_a_site_of_others(desk: Desk) -> None:
    key = charging(desk)
    assert found(desk, "", codes=(NEAR, FAR)) == []
    assert found(desk, "", codes=(CODE,)) == [key]
    number = desk.store.finding.number_of(key)
    assert number is not None
    assert whole(desk.parts, number, lambda code: code == NEAR) is None
    assert whole(desk.parts, 999, everywhere) is None


@pytest.mark.parametrize(
    ("status", "group"),
    [
        ("charging", Group.OPEN),
        ("captured", Group.PAID),
        ("no_charge", Group.NOTHING),
        ("refunded", Group.BACK),
        ("requires_review", Group.STUCK),
    ],
)
def test_each_view_has_its_sessions(desk: Desk, status: str, group: Group) -> None:
    key = charging(desk)
    if status != "charging":
        desk.observe(key, status, captured_minor=0 if status == "no_charge" else 525, authorized_minor=3000)
    assert found(desk, "", group=group) == [key]
    assert found(desk, "", group=Group.REFUSED) == []


def test_a_charge_is_stopped_once_and_the_log_says_who_and_why(desk: Desk) -> None:
    key = charging(desk)
    assert shown(desk, key).acts == (Act.STOP, Act.READ)
    assert do(desk, key, Act.STOP, "  the driver \n called ") is Done.DONE
    assert asked(desk, key) == [(Kind.STOP, AskedBy.OPERATOR, CommandState.WAITING)]
    session = desk.store.session(key)
    assert session is not None
    assert session.wish is not None
    assert (session.wish.kind, session.wish.asked_by) == (Kind.STOP, AskedBy.OPERATOR)
    assert desk.bell.rings > 0
    assert log(desk.store)[-1] == ("kim", "stop", str(shown(desk, key).number), "the driver called")
    assert do(desk, key, Act.STOP) is Done.NOT_OFFERED, "it is under way"
    assert len(asked(desk, key)) == 1
    told = [sentence(entry, exactly(BERLIN)) for entry in shown(desk, key).told.entries]
    assert "Somebody at the desk asked to stop the charge: it waits to be sent." in told


def test_without_a_reason_nothing_is_done(desk: Desk) -> None:
    key = charging(desk)
    assert do(desk, key, Act.STOP, "  ") is Done.NO_REASON
    assert (asked(desk, key), log(desk.store)) == ([], [])


def test_what_was_previewed_for_another_state_is_not_done(desk: Desk) -> None:
    key = charging(desk)
    assert do(desk, key, Act.READ, seen="open-authorized") is Done.CHANGED
    assert log(desk.store) == []


def test_a_start_that_waits_leaves_the_line(desk: Desk) -> None:
    desk.card()
    key = desk.queued()
    assert shown(desk, key).acts == (Act.CANCEL,)
    assert do(desk, key, Act.CANCEL) is Done.DONE
    session = desk.store.session(key)
    assert session is not None
    assert session.phase is Phase.LEFT
    assert asked(desk, key) == []


def test_a_payment_that_waits_is_looked_at_or_cancelled(desk: Desk) -> None:
    desk.card()
    key = desk.queued()
    desk.start_answer(key)
    assert shown(desk, key).acts == (Act.CANCEL, Act.CONFIRM, Act.READ)
    assert do(desk, key, Act.CONFIRM) is Done.DONE
    assert do(desk, key, Act.CANCEL) is Done.DONE
    assert [kind for kind, by, _ in asked(desk, key) if by is AskedBy.OPERATOR] == [Kind.CONFIRM, Kind.CANCEL]


def test_a_session_is_read_anew(desk: Desk) -> None:
    key = charging(desk)
    assert do(desk, key, Act.READ) is Done.DONE
    assert key in desk.store.hints()
    assert log(desk.store)[-1][1] == "read"


def test_an_act_on_a_session_that_was_erased_meanwhile_is_not_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.store.errors import Missing

    key = charging(desk)

    def gone(*_given: object) -> None:
        raise Missing("no such session")

    monkeypatch.setattr(desk.store, "ask", gone)
    assert do(desk, key, Act.STOP) is Done.NOT_OFFERED


def test_a_session_that_vanishes_between_two_reads_is_not_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    key = charging(desk)
    number = desk.store.finding.number_of(key)
    assert number is not None
    monkeypatch.setattr("kiosk.service.desk_sessions.timeline", lambda *_given: None)
    assert whole(desk.parts, number, everywhere) is None


def test_a_note_is_kept_and_told_in_the_log_without_its_words(desk: Desk) -> None:
    key = charging(desk)
    assert not add_note(desk.parts, KIM, shown(desk, key), "  ")
    assert add_note(desk.parts, KIM, shown(desk, key), " Mrs Smith called ")
    assert [(one.who, one.text) for one in shown(desk, key).notes] == [("kim", "Mrs Smith called")]
    assert "Smith" not in str(log(desk.store))
