"""`kiosk reconcile`: real charges of an engine and a sandbox compared over the wire; what differs is told, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.command import cli
from kiosk.command.reconcile import as_json, days_of, headline, lines, reconcile_site, said
from kiosk.config.settings import Settings, SettingsError, variable
from kiosk.config.sites import Site, SiteBook
from kiosk.domain.commands import Kind
from kiosk.domain.reconcile import Line, Reason, State, sums_of
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Rule
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.service.reconcile import Days, Reconciled, Told, reconciled
from kiosk.service.reconcile_words import SENTENCES
from kiosk.store import Store
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.period import Period
from tests.domain.made import CODES
from tests.domain.made import a_transaction as transaction
from tests.domain.test_reconcile import charge
from tests.engine.house import CODE, SMALL, House
from tests.engine.site_house import TOKEN
from tests.worlds.once import migrated_store

KEY = "Zq7-secret_key.with+many/different=characters"
BERLIN = ZoneInfo("Europe/Berlin")
SITE_FACTS: dict[str, Any] = {
    "id": "harbour",
    "name": "Harbour",
    "timezone": "Europe/Berlin",
    "plugchoice_site": SITE_UUID,
    "chargers": [{"code": CODE, "bays": {"1": {"label": "A1"}}}, {"code": SMALL}],
}
BOOK = SiteBook.model_validate({"sites": [SITE_FACTS]})
SITE = BOOK.sites[0]


class World:
    """Two charges that have ended and one that goes on, and an operator's client on the wire of the same sandbox."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder, proofs=True)
        self.keys = [self.ended(1), self.ended(2), self.house.charging(3)]
        self.house.run(60)

    def ended(self, connector_id: int) -> str:
        key = self.house.charging(connector_id)
        self.house.run(300)
        self.house.ask(key, Kind.STOP)
        self.house.until(key, "captured")
        return key

    @property
    def today(self) -> Days:
        day = self.house.clock.now().astimezone(BERLIN).date()
        return Days(day, day, BERLIN)

    def compare(self, fault: Fault | None = None, times: int = 1, **switches: Any) -> Reconciled:
        """With a `fault` the list of transactions fails so."""
        faults = Faults()
        if fault is not None:
            faults.add(Rule(fault, times=times))
        app = create_operator_app(self.house.world, TOKEN, faults=faults, switches=OperatorSwitches(**switches))
        through = FaultyTransport(httpx.WSGITransport(app), faults)
        operator = PlugchoiceOperator("http://up/api/v3", TOKEN, clock=self.house.clock, transport=through)
        try:
            return reconcile_site(self.house.store, operator, SITE, self.today, records=True)
        finally:
            operator.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("reconciled"))
    yield made
    made.house.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = migrated_store(tmp_path / "kiosk.db")
    yield made
    made.close()


def told(found: Reconciled, *, every: bool = False) -> list[str]:
    return list(lines(found, SITE, BOOK, {}, every=every))


def numbers(found: Reconciled) -> list[int]:
    return [line.transaction.id for line in found.lines if line.transaction is not None]


def test_charges_of_a_quiet_day_agree_to_the_last_cent(world: World) -> None:
    found = world.compare(running_kwh="live")
    assert [line.state for line in found.lines] == [State.AGREES, State.AGREES, State.GOES_ON]
    assert found.open_lines == ()
    assert headline(found.sums) == "Explained 3 of 3; unexplained 0.00 and 0.000 kWh"
    assert found.complete
    assert found.gap_kwh is not None
    assert abs(found.gap_kwh) <= Decimal("0.03")  # each of the three rows is rounded to a hundredth
    assert any("which its rows come to as well" in line for line in told(found))
    assert not [line for line in told(found) if "bay" in line]
    assert len([line for line in told(found, every=True) if "agrees" in line and "bay A1" in line]) == 1


def test_a_transaction_that_the_back_office_never_told_is_only_here(world: World) -> None:
    found = world.compare(never_told=frozenset(numbers(world.compare())[:1]))
    (line,) = found.open_lines
    assert (line.state, line.reasons) == (State.ONLY_HERE, (Reason.NO_TRANSACTION,))
    assert line.charge is not None
    assert line.amount == line.charge.taken
    (shown,) = [one for one in told(found) if "ONLY HERE" in one]
    assert SENTENCES[Reason.NO_TRANSACTION] in shown
    assert "bay A1" in shown


def test_one_that_never_stopped_there_leaves_the_charge_unfinished(world: World) -> None:
    found = world.compare(never_stopped=frozenset(numbers(world.compare())[:1]))
    assert [line.state for line in found.lines] == [State.GOES_ON, State.AGREES, State.GOES_ON]


def test_totals_in_whole_kilowatt_hours_are_told_and_make_no_difference(world: World) -> None:
    found = world.compare(kwh_is_whole=True)
    assert found.open_lines == ()
    assert {line.reasons for line in found.lines if line.state is State.AGREES} == {(Reason.TOTAL,)}
    assert found.gap_kwh != 0
    assert any("which its rows miss by" in line for line in told(found))


def test_a_row_that_runs_and_tells_zero_is_missing_in_the_sum_and_that_is_said(world: World) -> None:
    found = world.compare(running_kwh="zero")
    assert found.gap_kwh is not None
    assert found.gap_kwh > Decimal("0.1")
    assert any("running or of other days" in line for line in told(found))


def test_without_a_sum_of_its_own_none_is_made_up(world: World) -> None:
    assert any("it told no sum of its own" in line for line in told(world.compare(total_told=False)))


@pytest.mark.parametrize(
    "fault",
    [Fault.UNAUTHORIZED, Fault.TOO_MANY, Fault.SERVER_ERROR, Fault.TRUNCATED],
)
def test_when_the_list_fails_nothing_is_compared_and_the_sentence_says_what_to_do(world: World, fault: Fault) -> None:
    with pytest.raises(SettingsError, match="nothing was compared"):
        world.compare(fault)


def test_a_transaction_that_ends_a_moment_after_midnight_is_found_for_the_day_of_its_session(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = Days(date(2026, 11, 20), date(2026, 11, 20), BERLIN)
    begin = (days.until - charge(begin=0.0).begun_at).total_seconds() - 2402.0  # its session ends two seconds before
    ours, theirs = charge(begin=begin), transaction(begin=begin)
    assert ours.at < days.until
    assert theirs.stopped_at is not None
    assert theirs.stopped_at > days.until

    def told_until(_operator: object, _site: str, _since: datetime, until: datetime, _longest: timedelta) -> Period:
        found = tuple(one for one in (theirs,) if one.stopped_at is not None and one.stopped_at <= until)
        return Period(found, True, None, Decimal(0), 1)

    monkeypatch.setattr("kiosk.command.reconcile.read_period", told_until)
    monkeypatch.setattr("kiosk.command.reconcile.charges_of", lambda *_: [ours])
    monkeypatch.setattr("kiosk.command.reconcile._codes", lambda *_: CODES)
    operator = PlugchoiceOperator("http://up/api/v3", TOKEN, clock=ManualClock())
    found = reconcile_site(store, operator, SITE, days, records=False)
    operator.close()
    assert [line.state for line in found.lines] == [State.AGREES]


def test_without_a_token_or_a_site_it_says_what_to_set(world: World, store: Store) -> None:
    with pytest.raises(SettingsError, match="KIOSK_PLUGCHOICE_TOKEN"):
        reconcile_site(store, None, SITE, world.today, records=False)
    somebody = PlugchoiceOperator("http://up/api/v3", TOKEN, clock=world.house.clock)
    nowhere = SiteBook.model_validate({"sites": [SITE_FACTS | {"plugchoice_site": None}]}).sites[0]
    with pytest.raises(SettingsError, match="plugchoice_site"):
        reconcile_site(store, somebody, nowhere, world.today, records=False)


def test_json_has_every_line_and_no_secret(world: World) -> None:
    found = world.compare()
    shown = json.loads(as_json(found, SITE, BOOK))
    assert [line["state"] for line in shown["lines"]] == ["agrees", "agrees", "goes_on"]
    first = shown["lines"][0]
    assert first["session"]["taken"] == {"minor": first["session"]["taken"]["minor"], "currency": "EUR"}
    assert re.fullmatch(r"\d+(\.\d+)?", first["transaction"]["energy_kwh"])
    assert first["transaction"]["meter_stop_wh"] > first["transaction"]["meter_start_wh"]
    assert shown["days"][found.days.first.isoformat()]["lines"] == {"agrees": 2, "goes_on": 1}
    for key in world.keys:
        assert key not in json.dumps(shown)
    assert "_secret_" not in json.dumps(shown)


# --- days


NOON = datetime(2026, 11, 30, 11, 0, tzinfo=UTC)


def test_without_a_day_it_is_yesterday_by_the_sites_clock() -> None:
    assert days_of(BERLIN, NOON, None, None) == Days(date(2026, 11, 29), date(2026, 11, 29), BERLIN)
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # the first of December in Berlin
    assert days_of(BERLIN, late, None, None).first == date(2026, 11, 30)


def test_a_month_goes_until_its_last_day_or_today() -> None:
    assert days_of(BERLIN, NOON, None, "2026-11") == Days(date(2026, 11, 1), date(2026, 11, 30), BERLIN)
    assert days_of(BERLIN, NOON, None, "2026-10").last == date(2026, 10, 31)
    assert days_of(BERLIN, NOON - timedelta(days=9), None, "2026-11").last == date(2026, 11, 21)
    assert days_of(BERLIN, datetime(2025, 1, 5, tzinfo=UTC), None, "2024-12").last == date(2024, 12, 31)


@pytest.mark.parametrize(("day", "month"), [("yesterday", None), ("2026-02-30", None), (None, "2026-13"), (None, "x")])
def test_what_is_no_day_gets_a_sentence(day: str | None, month: str | None) -> None:
    with pytest.raises(SettingsError, match="--day 2026-11-30"):
        days_of(BERLIN, NOON, day, month)


def test_a_day_to_come_cannot_be_compared() -> None:
    with pytest.raises(SettingsError, match="still to come"):
        days_of(BERLIN, NOON, "2026-12-01", None)


# --- words


def line_of(**more: Any) -> Line:
    (line,) = reconciled(
        [charge(**more)],
        Told([transaction()], CODES, True, None, Decimal(0)),
        Days(date(2026, 11, 20), date(2026, 11, 20), BERLIN),
        records=False,
    ).lines
    return line


def test_every_reason_has_its_words() -> None:
    assert set(SENTENCES) == set(Reason)


def test_the_head_line_says_what_is_not_known_apart_from_what_is_open() -> None:
    unknown = line_of(taken=None, recorded=None)
    assert (
        headline(sums_of([unknown])) == "Explained 0 of 1; unexplained 0.00 and 0.000 kWh, and 1 line of unknown amount"
    )
    more = line_of(energy_kwh=None)
    assert headline(sums_of([unknown, unknown, more])).endswith(
        "and 2 lines of unknown amount and 1 line of unknown energy"
    )


def test_a_month_lists_its_days_and_an_incomplete_one_says_so() -> None:
    days = Days(date(2026, 11, 1), date(2026, 11, 30), BERLIN)
    ours = [charge("a"), charge("b", 90_000.0), charge("c", 180_000.0, taken=None, recorded=None)]
    theirs = [transaction(1), transaction(2, 90_000.0), transaction(3, 400_000.0, charger=None, started_at=None)]
    found = reconciled(ours, Told(theirs, CODES, False, None, Decimal(0)), days, records=False)
    shown = list(lines(found, SITE, BOOK, {}, every=True))
    assert [line[:10] for line in shown if re.match(r"2026-11-\d\d  \d", line) and "; taken " in line] == [
        "2026-11-20",
        "2026-11-21",
        "2026-11-22",
        "2026-11-25",
    ]
    assert any("CUT OFF" in line for line in shown)
    assert any("unknown bay" in line for line in shown)
    assert any("unknown amount" in line for line in shown)
    assert json.loads(as_json(found, SITE, BOOK))["lines"][-1]["session"] is None


def test_a_line_without_a_time_or_an_energy_is_told() -> None:
    days = Days(date(2026, 11, 20), date(2026, 11, 20), BERLIN)
    lost = transaction(started_at=None, stopped_at=None, meter_stop_wh=None)
    found = reconciled([charge(energy_kwh=None)], Told([lost], CODES, True, None, Decimal(0)), days, records=False)
    shown = "\n".join(lines(found, SITE, BOOK, {}, every=False))
    assert "no time" in shown
    assert "there unknown energy" in shown
    assert "here unknown energy" in shown
    assert "1 without meter stands" in shown


# --- setting aside


def test_a_line_is_set_aside_with_a_reason_and_counts_again_when_that_is_undone(world: World) -> None:
    store = world.house.store
    missing: dict[str, Any] = {"never_told": frozenset(numbers(world.compare())[:1])}
    (line,) = world.compare(**missing).open_lines
    now = world.house.clock.now()
    assert said(store, line.id, "ada", " the charger lost it ", now, undone=False).startswith(
        f"{line.id} is set aside."
    )
    found = world.compare(**missing)
    assert found.open_lines == ()
    shown = "\n".join(lines(found, SITE, BOOK, store.lines_aside(), every=True))
    assert "the charger lost it" in shown
    assert "ada, " in shown
    assert said(store, line.id, "ada", None, now, undone=True) == f"{line.id} counts again."
    assert [one.id for one in world.compare(**missing).open_lines] == [line.id]


@pytest.mark.parametrize(
    ("line", "note", "undone", "words"),
    [
        ("nonsense", "why", False, "is no line"),
        ("t-7", None, False, "Say why"),
        ("t-7", "  ", False, "Say why"),
        ("t-7", None, True, "is not set aside"),
    ],
)
def test_what_cannot_be_set_aside_gets_a_sentence(
    store: Store, line: str, note: str | None, undone: bool, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        said(store, line, "ada", note, NOON, undone=undone)


def test_a_charger_without_a_public_code_has_no_partner_and_stops_nothing(world: World) -> None:
    found = world.compare(settings_permitted=False)
    assert {line.state for line in found.lines} == {State.ONLY_HERE, State.ONLY_THERE, State.GOES_ON}


# --- the command itself


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    config = tmp_path / "kiosk.toml"
    config.write_text(
        '[[sites]]\nid = "a"\nname = "A"\ntimezone = "Europe/Berlin"\nplugchoice_site = "' + SITE_UUID + '"\n'
    )
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    monkeypatch.setenv("KIOSK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KIOSK_CONFIG", str(config))
    migrated_store(tmp_path / "kiosk.db", KEY).close()


@pytest.mark.usefixtures("set_up")
def test_without_a_token_the_command_says_so_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reconcile"]) == 2
    assert "KIOSK_PLUGCHOICE_TOKEN" in capsys.readouterr().err


@pytest.mark.usefixtures("set_up")
def test_the_command_sets_lines_aside(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reconcile", "--aside", "t-7", "--note", "a test"]) == 0
    assert cli.main(["reconcile", "--undo", "t-7"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "t-7 counts again."


@pytest.mark.usefixtures("set_up")
def test_the_command_says_by_its_code_whether_something_is_open(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    days = Days(date(2026, 11, 20), date(2026, 11, 20), BERLIN)
    answers = {1: [transaction(9)], 0: []}

    def instead(_store: Store, _operator: object, _site: Site, _days: Days, *, records: bool) -> Reconciled:
        assert records is False
        return reconciled([], Told(answers[code], CODES, True, None, Decimal(0)), days, records=records)

    monkeypatch.setattr("kiosk.command.reconcile.reconcile_site", instead)
    for code in (1, 0):
        assert cli.main(["reconcile"]) == code
        assert cli.main(["reconcile", "--json"]) == code
    assert "ONLY THERE" in capsys.readouterr().out
