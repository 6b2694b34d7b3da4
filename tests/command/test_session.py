"""`kiosk session`: sentences for an operator at night, the documented JSON, and no secret in either."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from kiosk.clock import ManualClock
from kiosk.command.cli import main
from kiosk.command.session import report
from kiosk.config.logs import session_mark
from kiosk.config.settings import Settings, SettingsError, variable
from kiosk.config.sites import SiteBook
from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.session import Event
from kiosk.service.entries import Asked, Change, Changed, Ending, Entry, Measured, Metered, Outcome, Reason
from kiosk.service.story import exactly, sentence, why
from kiosk.store import Store
from tests.engine.house import CODE, House
from tests.store.build import later, opened, queued, seen
from tests.worlds.once import migrated_store

HOME = Path(__file__).parents[2]
DOCUMENTED = (HOME / "docs" / "evidence.md").read_text(encoding="utf-8").partition("## The books")[0]
KEY = "Zq7-secret_key.with+many/different=characters"
BERLIN = ZoneInfo("Europe/Berlin")
NOW = ManualClock().now()
BOOK = SiteBook.model_validate(
    {
        "sites": [
            {
                "id": "harbour",
                "name": "Harbour",
                "timezone": "Europe/Berlin",
                "chargers": [{"code": CODE, "bays": {"1": {"label": "A1"}}}],
            }
        ]
    }
)


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, str]]:
    """A whole charge to the driver's limit of 2 euros, with a receipt that was revised and a proof."""
    house = House(tmp_path_factory.mktemp("charged"), proofs=True)
    key = house.charging(limit=200)
    house.until(key, "captured", 3600)
    house.run(60)
    yield house, key
    house.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened_store = migrated_store(tmp_path / "kiosk.db", KEY)
    yield opened_store
    opened_store.close()


def text(store: Store, wanted: str, book: SiteBook = BOOK) -> str:
    return report(store, book, wanted, NOW, as_json=False)


def as_json(store: Store, wanted: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(report(store, BOOK, wanted, NOW, as_json=True))
    return shown


def line(shown: str, head: str) -> str:
    (found,) = [one for one in shown.splitlines() if one.startswith(head)]
    return found


def asked(**more: Any) -> Asked:
    facts: dict[str, Any] = {
        "at": NOW,
        "kind": Kind.STOP,
        "reason": Reason.LIMIT,
        "state": CommandState.DONE,
        "attempts": 1,
        "sent_at": NOW,
        "ended_at": NOW,
        "refusal": None,
        "said": None,
    }
    return Asked(**(facts | more))


def documented_entries() -> dict[str, set[str]]:
    """The table of entries in the documentation: type to the fields that it has besides."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*)\|$", DOCUMENTED, re.M)
    kinds = {row[0]: set(re.findall(r"`([a-z_]+)`", row[1])) for row in rows}
    return {kind: names for kind, names in kinds.items() if kind not in {"session", "ending", "entries"}}


def test_why_it_was_stopped_stands_in_one_line(charged: tuple[House, str]) -> None:
    house, key = charged
    said = line(text(house.store, session_mark(key)), "Why ")
    assert re.search(
        r"At 2026-11-20 14:\d\d:\d\d\+01:00 the kiosk asked to stop the charge, because the cost was about to reach "
        r"the driver's limit, and the back office accepted it; the end was seen 2026-11-20 14:\d\d:\d\d\+01:00\.$",
        said,
    )


def test_the_whole_charge_is_told_from_the_wish_to_the_proof(charged: tuple[House, str]) -> None:
    house, key = charged
    shown = text(house.store, session_mark(key))
    taken = house.session(key).captured_minor
    assert taken is not None
    amount = f"{taken / 100:.2f} EUR"
    assert line(shown, "Money") == f"Money     held 50.00 EUR, cost {amount}, taken {amount}"
    assert line(shown, "Limit").startswith("Limit     2.00 EUR")
    assert "charger 7MK4T, connector 1, bay A1, Harbour (times of Europe/Berlin)" in line(shown, "Where")
    assert "Seen (read): status starting -> charging; " in shown
    assert f"Receipt 2026-000001 was issued (captured): held 50.00 EUR, taken {amount}, given back" in shown
    assert "Receipt 2026-000001 was revised: given_back_at 2026-11-20 14:" in shown
    assert f"Stripe said succeeded: still held 0.00 EUR, taken {amount}; the hold has ended." in shown


def test_every_line_of_the_story_begins_with_the_time_and_its_distance_from_utc(charged: tuple[House, str]) -> None:
    house, key = charged
    story = text(house.store, session_mark(key)).split("\n\n")[1].splitlines()
    assert len(story) > 10
    assert [one for one in story if not re.match(r"2026-11-20 \d\d:\d\d:\d\d\+01:00  [A-Z].*\.$", one)] == []


def test_nothing_in_it_opens_anything(charged: tuple[House, str]) -> None:
    house, key = charged
    payment, token = house.store.payment(key), house.store.token(key)
    assert payment is not None
    assert token is not None
    for as_json in (False, True):
        shown = report(house.store, BOOK, session_mark(key), NOW, as_json=as_json)
        assert not [one for one in (key, token, payment.client_secret, "phone") if one in shown]


def test_the_json_has_the_shape_that_is_documented(charged: tuple[House, str]) -> None:
    house, key = charged
    shown = as_json(house.store, session_mark(key))
    assert set(shown) == {"session", "ending", "entries"}
    rows = dict(re.findall(r"^\| `(session|ending)` \| (.*) \|$", DOCUMENTED, re.M))
    assert set(shown["session"]) == set(re.findall(r"`([a-z_]+)`", rows["session"]))
    assert set(shown["ending"]) == set(re.findall(r"`([a-z_]+)`", rows["ending"])) - {"asked"}
    for entry in shown["entries"]:
        assert set(entry) == {"type", "at", "sentence"} | documented_entries()[entry["type"]]
    told = {entry["type"] for entry in shown["entries"]}
    assert told >= {"requested", "asked", "changed", "metered", "issued", "revised", "proven"}


def test_every_kind_of_entry_is_documented_with_its_fields() -> None:
    made = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): {one.name for one in fields(kind)} - {"at"}
        for kind in get_args(Entry)
    }
    assert documented_entries() == made


@pytest.mark.parametrize("word", [*Outcome, *Reason])
def test_every_word_of_the_json_is_documented(word: str) -> None:
    assert f"`{word}`" in DOCUMENTED


def test_the_json_says_amounts_with_currency_energy_as_text_and_unknown_as_null(store: Store) -> None:
    key = opened(store, queued(code=CODE))
    store.observe(key, seen("charging", 60, charger_online=True, authorized_minor=5000), source="read")
    session = as_json(store, session_mark(key))["session"]
    assert session["held"] == {"minor": 5000, "currency": "EUR"}
    assert session["requested_at"] == "2026-11-20T14:00:00+01:00"
    assert (session["energy_kwh"], session["cost"], session["taken"], session["receipt"]) == (None, None, None, None)


def test_a_figure_that_nobody_said_is_unknown_and_never_zero(store: Store) -> None:
    key = opened(store, queued(code=CODE))
    store.observe(key, seen("charging", 60, charger_online=True), source="read")
    shown = text(store, session_mark(key))
    assert line(shown, "Money") == "Money     held unknown, cost unknown, taken unknown"
    assert line(shown, "Energy") == "Energy    unknown"
    assert "status created -> charging; charger in contact yes; energy unknown; cost unknown." in shown
    assert "0.00" not in shown.replace("50.00", "")


def test_without_a_site_times_are_utc_and_say_so(store: Store) -> None:
    key = opened(store)
    shown = text(store, session_mark(key), SiteBook())
    assert "(times of UTC)" in shown
    assert "2026-11-20 13:00:00+00:00  A driver asked for connector 1 of ABC" in shown


def test_a_charger_with_several_sessions_lists_them_with_their_marks(store: Store) -> None:
    keys = [opened(store, queued(f"key-{n}", CODE, n), token=f"token-{n}") for n in (1, 2)]
    first, *rows = text(store, CODE.lower()).splitlines()
    assert first == f"The last 2 sessions of {CODE}; `kiosk session MARK` tells one of them:"
    assert rows == [
        f"{session_mark(keys[1])}  2026-11-20 14:00:00+01:00  bay 2  created, taken unknown",
        f"{session_mark(keys[0])}  2026-11-20 14:00:00+01:00  bay A1  created, taken unknown",
    ]
    listed = as_json(store, CODE)["sessions"]
    assert [one["mark"] for one in listed] == [session_mark(key) for key in reversed(keys)]
    assert list(listed[0])[-1] == "energy_kwh"


def test_a_charger_with_one_session_tells_it(store: Store) -> None:
    key = opened(store, queued(code=CODE))
    assert text(store, CODE) == text(store, session_mark(key))


def test_what_is_not_found_is_one_sentence(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"There is no session for 'nothing': give a mark, a receipt number"):
        text(store, "nothing")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (Ending(Outcome.GOES_ON), "It has not ended yet."),
        (Ending(Outcome.LEFT), "left the line"),
        (Ending(Outcome.NEVER_PAID), "Nobody paid: it ended before a hold was seen"),
        (
            Ending(Outcome.START_REFUSED, asked(refusal=Refusal.CONNECTOR_BUSY, said="status 409: in use")),
            "The start was refused as connector_busy (status 409: in use); nothing was held.",
        ),
        (Ending(Outcome.START_NOT_ANSWERED, asked()), "The start got no answer and was not sent again"),
        (Ending(Outcome.LOST), "look at the payment"),
        (Ending(Outcome.NOT_ASKED, said="EVDisconnected"), "The back office gives as reason: EVDisconnected."),
        (
            Ending(Outcome.NOT_ASKED, asked(state=CommandState.REFUSED, refusal=Refusal.CHARGER_OFFLINE)),
            "No stop of this kiosk ended it (the kiosk asked to stop the charge, because the cost was about to reach "
            "the driver's limit, but that did not end it: it was refused as charger_offline): the car, the cable",
        ),
        (Ending(Outcome.ASKED, asked(reason=Reason.DRIVER)), "the driver asked to stop the charge, and the back"),
    ],
)
def test_each_ending_is_one_sentence(ending: Ending, said: str) -> None:
    line = why(ending, exactly(BERLIN))
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize("state", CommandState)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("reason", Reason)
def test_every_command_has_a_sentence(kind: Kind, reason: Reason, state: CommandState) -> None:
    said = sentence(asked(kind=kind, reason=reason, state=state), exactly(BERLIN))
    assert re.fullmatch(r"(The driver|The kiosk|Somebody at the desk) asked .*: .*\.", said)


def test_a_command_that_took_long_or_was_sent_again_says_so() -> None:
    slow = asked(ended_at=later(90), attempts=3)
    assert sentence(slow, exactly(BERLIN)).endswith("(sent 3 times, 90.0 s after it was asked for).")
    assert sentence(asked(), exactly(BERLIN)).endswith("the back office accepted it.")


@pytest.mark.parametrize("event", [event for event in Event if event not in {Event.STATUS, Event.FIGURES}])
def test_every_odd_event_has_words(event: Event) -> None:
    change = Change("status", "charging", "created")
    entry = Changed(NOW, "read", "created", (change,), (event,), None, None)
    assert sentence(entry, exactly(BERLIN)).count("; ") == 1


def test_the_meter_that_begins_from_unknown_says_so() -> None:
    entry = Metered(NOW, NOW, 1, None, None, None, None)
    assert "energy unknown -> unknown, cost unknown -> unknown" in sentence(entry, exactly(BERLIN))


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    monkeypatch.setenv("KIOSK_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("environment")
def test_the_command_prints_the_story_and_ends_with_0(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    mark = session_mark(opened(store))
    assert main(["session", mark]) == 0
    assert capsys.readouterr().out.startswith(f"Session   {mark}, no receipt\n")
    assert main(["session", mark, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["session"]["mark"] == mark
    assert main(["session", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("kiosk: There is no session for 'nothing'")


def test_the_command_makes_no_database(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session", "nothing"]) == 2
    assert "There is no database at" in capsys.readouterr().err
    assert list(environment.iterdir()) == []


def test_the_chargers_own_meter_is_told_in_watt_hours_and_as_unsigned() -> None:
    entry = Measured(NOW, 7, NOW - timedelta(hours=1), 29_317, 37_253, "EVDisconnected")
    said = sentence(entry, exactly(BERLIN))
    assert "from 29317 to 37253 Wh (7.936 kWh), stopped as EVDisconnected. Nobody has signed that." in said
    assert "stopped as" not in sentence(replace(entry, stop_reason=None), exactly(BERLIN))


def test_a_database_without_tables_is_one_sentence(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (environment / "kiosk.db").touch()
    assert main(["session", "nothing"]) == 2
    assert "lacks its tables: `kiosk migrate`" in capsys.readouterr().err
