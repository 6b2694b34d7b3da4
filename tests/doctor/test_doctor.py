"""The doctor on the tablet and the three systems behind the board of a site: set or not, and asked when told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.config.logs import session_mark
from kiosk.config.settings import build_settings
from kiosk.config.sites import load_site
from kiosk.doctor.by_asking import MUST_ARRIVE, everybody
from kiosk.doctor.examine import examine
from kiosk.doctor.front import HTTP_1, HTTP_2
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.crosswalk import Kind, Proposal, Reason
from kiosk.domain.finding import Finding
from kiosk.domain.nightly import NotWritten
from kiosk.domain.ownership import ListProblem
from kiosk.domain.tariff import Tariff
from kiosk.outside import Transports, connect
from kiosk.sandbox.chargepilot.gateway import create_chargepilot_app
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.scene import build_scene
from kiosk.sandbox.world.world import World
from kiosk.store import Cipher, Store
from kiosk.store.backup import back_up
from kiosk.store.chargers import learn_pace
from kiosk.store.errors import CannotWrite, Trouble
from kiosk.upstream.plugchoice.budget import Budgets, Limits
from tests.store.build import later, opened, queued, stored
from tests.worlds.once import SECRET, migrated_store

EXAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.example.toml"
ALL: dict[str, Any] = {
    "plugchoice_token": "operator-hidden",
    "chargepilot_url": "https://pilot.example/rest/v1",
    "chargepilot_key": "key-hidden",
    "chargepilot_secret": "hidden",
    "ocpplab_url": "https://lab.example",
    "ocpplab_token": "lab-hidden",
}
ARRIVED = dict.fromkeys(MUST_ARRIVE, "as the kiosk sends it")
BARE: dict[str, Any] = {
    "secret_key": "Zq7-secret_key.with+many/different=characters",
    "public_url": "https://charge.example",
    "plugchoice_url": "https://public/api/v3",
}
INSTALLED = ManualClock().now()
"""When the kiosk's files were written, as the tests have it: the real date is that of the clone."""
Answer = Callable[[httpx.Request], httpx.Response | None]


def findings(folder: Path, *, config: Path | None = EXAMPLE, **more: Any) -> list[Finding]:
    asked = {name: more.pop(name) for name in ("online", "clock", "transports", "protocol", "headers") if name in more}
    given = {
        "secret_key": "Zq7-secret_key.with+many/different=characters",
        "data_dir": folder,
        "public_url": "https://charge.example",
        "config": config,
    }
    asked.setdefault("protocol", lambda _: HTTP_2)
    asked.setdefault("headers", lambda _: ARRIVED)
    return examine(build_settings(**(given | more)), installed=INSTALLED, **asked)


def said(found: list[Finding], word: str) -> str:
    """The mark of the one finding that has the word."""
    (finding,) = [each for each in found if word in each.text]
    return finding.mark


class StandIns:
    """All of them behind one transport. `instead` may answer in their place; `clock` is theirs."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        world = World(self.clock, StripeBook(self.clock))
        build_scene(world)
        pilot = create_chargepilot_app(world, self.clock, "key-hidden", "hidden")
        self._apps = {
            "pilot.example": httpx.WSGITransport(pilot),
            "lab.example": httpx.WSGITransport(create_ocpplab_app(world, "lab-hidden")),
            "public": httpx.WSGITransport(create_plugchoice_app(world)),
            "operator": httpx.WSGITransport(create_operator_app(world, "operator-hidden")),
        }
        self.instead: Answer = lambda _request: None
        every = httpx.MockTransport(self._answer)
        self.transports = Transports(public=every, operator=every, pilot=every, lab=every)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = self.instead(request)
        if answer is not None:
            return answer
        plugchoice = "public" if "/public-charging/" in request.url.path.split("/settings")[0] else "operator"
        app = self._apps.get(request.url.host, self._apps[plugchoice])
        return httpx.Response((got := app.handle_request(request)).status_code, content=got.read())


@pytest.fixture
def outside() -> StandIns:
    return StandIns()


def site_of(folder: Path, chargers: int, more: str = "") -> Path:
    file = folder / "kiosk.toml"
    listed = "".join(f'[[sites.chargers]]\ncode = "B{number}"\n' for number in range(chargers))
    file.write_text(f'[[sites]]\nid = "a"\nname = "Depot"\ntimezone = "Europe/Berlin"\n{more}\n{listed}')
    return file


# --- what is set


def test_what_is_not_set_is_said_in_one_line_each(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert said(found, "KIOSK_PLUGCHOICE_TOKEN is not set") == "note"
    assert said(found, "ChargePilot is not set") == "note"
    assert said(found, "OCPPLAB is not set") == "ok"
    assert said(found, "on the driver's own phone") == "ok"


def test_a_kiosk_that_could_sell_nothing_or_everybodys_chargers_is_told_so(tmp_path: Path) -> None:
    assert said(findings(tmp_path, config=None), "Nothing can be sold") == "BAD"
    assert said(findings(tmp_path, sell_unlisted=True), "KIOSK_SELL_UNLISTED is true") == "note"
    assert not [one for one in findings(tmp_path) if "sold" in one.text]


@pytest.mark.parametrize(
    ("done", "words", "mark"),
    [
        ("nothing", "is being asked: 0 chargers that it has shown are sold as yours so far, of 2", "note"),
        ("learnt", "was read at 2026-", "ok"),
        ("token", "KIOSK_PLUGCHOICE_TOKEN is wrong or was revoked. 2 chargers", "note"),
        ("token for long", "Of any other nobody can say whose it is: only 2 chargers", "BAD"),
        ("never", "no charger is sold but those of kiosk.toml", "BAD"),
        ("settings", "does not let this token see the settings of your chargers", "BAD"),
        ("one refused", "The token may not see the settings of 1 of your chargers", "note"),
        ("missing", "list does not have ABC any more", "note"),
    ],
)
def test_how_the_list_of_the_own_chargers_is_read_is_told(tmp_path: Path, done: str, words: str, mark: str) -> None:
    clock, codes = ManualClock(), {"uuid-1": "ABC", "uuid-2": "ABD"}
    found = _after(tmp_path, clock, lambda store: _own_list(store, clock, codes, done))
    assert said(found, words) == mark


def test_what_keeps_a_charger_from_being_sold_is_said_of_those_that_the_token_has_shown_too(tmp_path: Path) -> None:
    clock = ManualClock()

    def learn(store: Store) -> None:
        store.own_list_was_read(["uuid-1"], clock.now(), whole=True)
        store.own_charger_told("uuid-1", "ABC", clock.now())
        strange = ChargerCard("ABC", None, True, (), None, 5000, clock.now(), unshown=("price_per_minute",))
        store.save_card(strange)

    assert said(_after(tmp_path, clock, learn), "Charger ABC is not sold") == "BAD"


def test_what_waits_of_the_crosswalk_is_told_with_where_to_decide_it(tmp_path: Path) -> None:
    clock = ManualClock()
    site = Proposal(Kind.CHARGEPILOT_SITE, "marktplatz", "42", "Garage", 80, (Reason.SAME_NAME,))
    found = _after(tmp_path, clock, lambda store: store.crosswalk.propose([site], clock.now()))
    assert said(found, "chargepilot_site 42 for marktplatz: confirm or reject them at the desk") == "note"


def _after(folder: Path, clock: ManualClock, work: Callable[[Store], None]) -> list[Finding]:
    """What the doctor finds after `work` on the store, with a token."""
    store = migrated_store(folder / "kiosk.db", "Zq7-secret_key.with+many/different=characters")
    work(store)
    store.close()
    return findings(folder, clock=clock, plugchoice_token="operator-hidden")


def _own_list(store: Store, clock: ManualClock, codes: dict[str, str], done: str) -> None:
    now = clock.now()
    if done in {"never", "settings"}:
        store.own_list_failed(ListProblem.NOT_ALLOWED if done == "never" else ListProblem.NO_SETTINGS, now)
        return
    store.own_list_was_read(list(codes), now, whole=True)
    if done == "nothing":
        return
    for uuid, code in codes.items():
        store.own_charger_told(uuid, code, now)
    store.own_list_learnt(now)
    if done == "one refused":
        store.own_list_was_read([*codes, "uuid-3"], now, whole=True)
        store.own_charger_refused("uuid-3", now)
    if done == "missing":
        store.own_list_was_read(["uuid-2"], now, whole=True)
    if done.startswith("token"):
        clock.advance(25 * 3600 if done.endswith("long") else 60)
        store.own_list_failed(ListProblem.TOKEN, clock.now())


def test_the_list_of_the_own_chargers_is_asked_for(tmp_path: Path, outside: StandIns) -> None:
    asked: dict[str, Any] = {"online": True, "clock": outside.clock, "transports": outside.transports}
    assert said(findings(tmp_path, **asked, plugchoice_token="operator-hidden"), "chargers as yours") == "ok"
    outside.instead = lambda request: httpx.Response(403) if request.url.path.endswith("/v3/chargers") else None
    found = findings(tmp_path, **asked, plugchoice_token="operator-hidden")
    assert said(found, "does not let this key see the list of your chargers (403)") == "BAD"


def test_what_is_set_is_said_too_and_no_secret_with_it(tmp_path: Path) -> None:
    found = findings(tmp_path, **ALL)
    assert said(found, "KIOSK_PLUGCHOICE_TOKEN is set") == "ok"
    assert said(found, "ChargePilot is at pilot.example") == "ok"
    assert said(found, "OCPPLAB is at lab.example") == "ok"
    assert not [each for each in found if "hidden" in each.text]


def test_stand_ins_are_called_so(tmp_path: Path) -> None:
    here = {"chargepilot_url": "http://127.0.0.1:1/rest/v1", "ocpplab_url": "http://localhost:1"}
    found = findings(tmp_path, **(ALL | here))
    assert said(found, "KIOSK_CHARGEPILOT_URL is on this machine") == "note"
    assert said(found, "KIOSK_OCPPLAB_URL is on this machine") == "note"


def test_card_entry_on_the_tablet_comes_with_its_consequence(tmp_path: Path) -> None:
    found = findings(tmp_path, tablet_card_entry=True)
    assert said(found, "takes you out of PCI's SAQ A") == "note"
    assert said(found, "ask your acquirer or QSA first") == "note"


def test_a_site_that_is_too_large_to_be_read_one_by_one_is_named(tmp_path: Path) -> None:
    word = "the board cannot keep them fresh within 60 s"
    uuid = f'plugchoice_site = "{SITE_UUID}"'
    assert not [each for each in findings(tmp_path, config=site_of(tmp_path, 20)) if word in each.text]
    large = site_of(tmp_path, 21, uuid)
    assert said(findings(tmp_path, config=large), f"serves the 21 chargers of Depot: {word}") == "note"
    token = {"plugchoice_token": "operator-hidden"}
    assert not [each for each in findings(tmp_path, config=large, **token) if word in each.text]
    assert said(findings(tmp_path, config=site_of(tmp_path, 21), **token), word) == "note"


def test_all_sites_share_the_reads_one_by_one(tmp_path: Path) -> None:
    config = site_of(tmp_path, 11)
    yard = config.read_text().replace('"a"', '"b"').replace("Depot", "Yard").replace('code = "B', 'code = "C')
    config.write_text(config.read_text() + yard)
    assert said(findings(tmp_path, config=config), "No operator token serves the 22 chargers of Depot, Yard") == "note"
    served = config.read_text().replace('name = "Yard"', f'name = "Yard"\nplugchoice_site = "{SITE_UUID}"')
    config.write_text(served)
    token = {"plugchoice_token": "operator-hidden"}
    assert not [each for each in findings(tmp_path, config=config, **token) if "within 60 s" in each.text]


def test_a_site_without_its_names_in_the_other_systems_is_named(tmp_path: Path) -> None:
    found = findings(tmp_path, config=site_of(tmp_path, 1), **ALL)
    assert said(found, "no plugchoice_site for Depot") == "note"
    assert said(found, "no chargepilot_site for Depot") == "note"


# --- what is asked


def test_nobody_is_asked_unless_told(tmp_path: Path, outside: StandIns) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    outside.instead = nobody
    findings(tmp_path, transports=outside.transports, **ALL)


@pytest.mark.parametrize(
    ("spoken", "mark", "words"),
    [
        (HTTP_2, "ok", "charge.example speaks HTTP/2."),
        (HTTP_1, "BAD", "charge.example speaks HTTP/1.1 alone"),
        (None, "note", "Nobody answers at https://charge.example from here"),
    ],
)
def test_what_stands_in_front_is_asked_for_its_protocol(
    tmp_path: Path, outside: StandIns, spoken: str | None, mark: str, words: str
) -> None:
    asked: list[str] = []

    def protocol(url: str) -> str | None:
        asked.append(url)
        return spoken

    told = findings(tmp_path, online=True, transports=outside.transports, protocol=protocol)
    assert asked == ["https://charge.example"]
    assert [one.mark for one in told if words in one.text] == [mark]
    assert findings(tmp_path, protocol=protocol)
    assert len(asked) == 1, "nobody is asked unless told"


def test_every_system_that_is_set_is_asked(tmp_path: Path, outside: StandIns) -> None:
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    assert said(found, "Plugchoice shows 15 connectors on the board of Marktplatz garage") == "ok"
    assert said(found, "every charger of Marktplatz garage is in the fuse tree") == "ok"
    assert said(found, "OCPPLAB answers and knows 10 of our chargers") == "ok"
    assert not [each for each in found if each.bad or "has the code" in each.text]


def test_only_what_is_set_is_asked(tmp_path: Path, outside: StandIns) -> None:
    asked: list[str] = []

    def listen(request: httpx.Request) -> None:
        asked.append(request.url.path)

    outside.instead = listen
    findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports)
    findings(
        tmp_path, online=True, clock=outside.clock, transports=outside.transports, config=site_of(tmp_path, 0), **ALL
    )
    assert [path.split("/")[3] for path in asked[:1]] == ["public-charging"]
    assert asked[1:] == ["/ocpp/chargers", "/api/v3/chargers"]


def test_chargers_that_the_other_systems_do_not_know_are_named(tmp_path: Path, outside: StandIns) -> None:
    config = site_of(tmp_path, 2, f'plugchoice_site = "{SITE_UUID}"\nchargepilot_site = "site-7f3c"')
    config.write_text(config.read_text() + 'station_ids = ["3HW9P"]\nlab_id = "dep-3hw9p"\n')
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, config=config, **ALL)
    assert said(found, "does not name B0: set their station_ids") == "note"
    assert said(found, "does not know B0: set their lab_id") == "note"
    assert said(found, "No charger on the board of Depot has the code B0, B1; check kiosk.toml") == "note"


def test_names_are_compared_as_the_kiosk_does(tmp_path: Path, outside: StandIns) -> None:
    config = site_of(tmp_path, 0, 'chargepilot_site = "site-7f3c"')
    chargers = '[[sites.chargers]]\ncode = "B0"\nstation_ids = ["3hw9p"]\nlab_id = "3hw9p"\n'
    config.write_text(config.read_text() + chargers + '[[sites.chargers]]\ncode = "7MK4T"\nlab_id = "7MK4T"\n')
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, config=config, **ALL)
    assert said(found, "every charger of Depot is in the fuse tree") == "ok"
    assert said(found, "does not know B0: set their lab_id") == "note"  # a lab_id is compared as it is written


def lab_of(*chargers: dict[str, str]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.host != "lab.example":
            return None
        return httpx.Response(200, json={"data": list(chargers)})

    return answer


def test_without_a_lab_id_only_the_identity_counts_in_any_case(tmp_path: Path, outside: StandIns) -> None:
    config = site_of(tmp_path, 2)
    outside.instead = lab_of({"id": "B0", "identity": "other"}, {"id": "x", "identity": "b1"})
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, config=config, **ALL)
    assert said(found, "does not know B0: set their lab_id") == "note"


def test_a_token_without_the_right_to_settings_cannot_keep_the_board(tmp_path: Path, outside: StandIns) -> None:
    asked: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/settings/public-charging"):
            return None
        asked.append(request.url.path)
        return httpx.Response(403, json={"message": "operator-hidden"})

    outside.instead = refuse
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    assert said(found, "(403): without that right it cannot keep the board") == "BAD"
    assert len(asked) == 1
    assert not [each for each in found if "has the code" in each.text]
    assert not [each for each in found if "hidden" in each.text]


def test_a_charger_that_is_gone_meanwhile_does_not_end_the_search(tmp_path: Path, outside: StandIns) -> None:
    gone: list[str] = []

    def lose_the_first(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/settings/public-charging") and not gone:
            gone.append(request.url.path)
            return httpx.Response(404, json={"message": "gone"})
        return None

    outside.instead = lose_the_first
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    (lost,) = [each.text for each in found if "has the code" in each.text]
    assert lost == "No charger on the board of Marktplatz garage has the code 3HW9P; check kiosk.toml."


def test_a_site_without_a_fuse_tree_is_said(tmp_path: Path, outside: StandIns) -> None:
    def bare(request: httpx.Request) -> httpx.Response | None:
        body = {"id": "site-7f3c", "name": "x", "fuse_tree": []}
        return httpx.Response(200, json=body) if request.url.host == "pilot.example" else None

    outside.instead = bare
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    assert said(found, "has no fuse tree of Marktplatz garage") == "note"


def test_a_wrong_clock_is_suspected_when_chargepilot_refuses(tmp_path: Path, outside: StandIns) -> None:
    late = ManualClock(outside.clock.now() + timedelta(hours=1))
    found = findings(tmp_path, online=True, clock=late, transports=outside.transports, **ALL)
    assert said(found, "ChargePilot refuses (401): this machine's clock may be wrong") == "BAD"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses (401)"),
        (403, "does not let this key see"),
        (404, "check its id in kiosk.toml"),
        (422, "refuses"),
        (429, "asks for a pause"),
        (500, "gives no usable answer"),
    ],
)
def test_what_is_wrong_is_said_of_each_system(tmp_path: Path, outside: StandIns, status: int, words: str) -> None:
    outside.instead = lambda _request: httpx.Response(status, json={"message": "operator-hidden"})
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    bad = [each.text for each in found if each.bad and words in each.text]
    assert [text.split()[0] for text in bad[:3]] == ["Plugchoice", "ChargePilot", "OCPPLAB"]
    assert not [each for each in found if "hidden" in each.text]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Store]:
    """The store of a kiosk whose folder the doctor is shown."""
    opened_store = migrated_store(tmp_path / "kiosk.db", "Zq7-secret_key.with+many/different=characters")
    yield opened_store
    opened_store.close()


def test_the_books_of_a_new_kiosk_are_in_order(books: Store, tmp_path: Path) -> None:
    opened(books)
    found = findings(tmp_path, clock=ManualClock())
    assert said(found, "The books are in order: ") == "ok"
    assert said(found, "The database answers, and can be written") == "ok"


@pytest.mark.parametrize(("seconds", "mark"), [(20, "ok"), (300, "note")])
def test_how_often_a_charger_reports_is_told_as_far_as_it_was_seen(
    books: Store, tmp_path: Path, seconds: int, mark: str
) -> None:
    assert not [each for each in findings(tmp_path, clock=ManualClock()) if "reports its meter" in each.text]
    with books._database.write() as connection:
        learn_pace(connection, "7MK4T", timedelta(seconds=seconds), timedelta(seconds=seconds - 10))
    sentence = f"{seconds} s or more often, as the last charge showed." if mark == "ok" else "290 to 300 s, as the last"
    assert said(findings(tmp_path, clock=ManualClock()), sentence) == mark


@pytest.mark.parametrize("surely", [timedelta(0), None])
def test_a_meter_that_has_something_new_at_each_look_is_not_called_slow(
    books: Store, tmp_path: Path, surely: timedelta | None
) -> None:
    with books._database.write() as connection:
        learn_pace(connection, "7MK4T", timedelta(seconds=120), surely)
    sentence = "7MK4T had something new at each look, up to 120 s apart"
    assert said(findings(tmp_path, clock=ManualClock()), sentence) == "ok"


def test_a_row_that_breaks_the_books_is_one_sentence_with_the_command_that_tells_more(
    books: Store, tmp_path: Path
) -> None:
    key = opened(books)
    with books._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET token = 'in the open'")
    found = findings(tmp_path, clock=ManualClock())
    mark = session_mark(key)
    sentence = (
        f"Secrets are stored encrypted, but session {mark}: its token or payment secret is stored in clear. "
        f"See `kiosk session {mark}`."
    )
    assert Finding("BAD", sentence) in found
    assert not [each for each in found if "in the open" in each.text or key in each.text or "in order" in each.text]


def test_many_broken_rows_are_counted_and_less_grave_ones_are_notes(books: Store, tmp_path: Path) -> None:
    for number in range(7):
        asked = stored(books, queued(f"key-{number}", connector_id=number))
        books.claim(asked.id, later(1))
        books.start_unanswered(asked.id, later(-60), "no answer")
    found = findings(tmp_path, clock=ManualClock())
    assert [each.mark for each in found if "ended before it was sent" in each.text] == ["note"] * 5
    assert said(found, "2 more rows break it") == "note"


@pytest.mark.parametrize(
    ("trouble", "helps"),
    [
        (Trouble.LOCKED, "another process keeps it locked"),
        (Trouble.AWAY, "its server does not answer"),
        (Trouble.FULL, "the disk is full; make room"),
        (Trouble.READ_ONLY, "give it to the kiosk's user"),
        (Trouble.BROKEN, "look at the system's log"),
    ],
)
def test_a_database_that_cannot_be_written_is_told_with_what_helps(
    books: Store, tmp_path: Path, trouble: Trouble, helps: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(books)

    def refuse(*_asked: object) -> None:
        raise CannotWrite(trouble)

    monkeypatch.setattr(Store, "try_write", refuse)
    found = findings(tmp_path, clock=ManualClock())
    assert said(found, "The database cannot be written") == "BAD"
    assert said(found, helps) == "BAD"
    assert said(found, "The books are in order") == "ok"


@pytest.mark.parametrize(("free", "told"), [(199_999_999, True), (200_000_000, False)])
def test_a_disk_that_is_nearly_full_is_noted(
    books: Store, tmp_path: Path, free: int, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(books)
    monkeypatch.setattr("kiosk.doctor.of_store.shutil.disk_usage", lambda _folder: SimpleNamespace(free=free))
    found = findings(tmp_path, clock=ManualClock())
    assert [each.mark for each in found if "MB are free" in each.text] == (["note"] if told else [])


def test_a_start_fee_at_a_fast_charger_is_bad_and_its_price_alone_is_not(books: Store, tmp_path: Path) -> None:
    def fast(fee: int) -> list[Finding]:
        connectors = (Connector(1, "Available", power_type="DC"),)
        books.save_card(ChargerCard("DCF4N", None, True, connectors, Tariff("EUR", 69, fee), 7500, later(60 - fee)))
        return findings(tmp_path, clock=ManualClock(later(70)))

    assert said(fast(50), "has a start fee of 0.50 EUR") == "BAD"
    assert not [each for each in fast(0) if "start fee" in each.text]


def test_what_a_site_does_not_say_to_its_drivers_is_noted(tmp_path: Path) -> None:
    assert not [each for each in findings(tmp_path) if "EU-13" in each.text or "EU-03" in each.text]
    bare = findings(tmp_path, config=site_of(tmp_path, 1))
    assert said(bare, "does not say opening_hours, renewable_percent") == "note"


def test_what_a_person_should_look_at_is_told_with_its_age_what_is_at_stake_and_what_to_do(
    books: Store, tmp_path: Path
) -> None:
    key, clock = opened(books), ManualClock()
    assert said(findings(tmp_path, clock=clock), "No session waits for a person") == "ok"
    overdue = Matter(
        Attention.HOLD_OVERDUE, key, "7MK4T", clock.now() - timedelta(hours=3), Act.LOOK_AT_PAYMENT, 5000, "EUR"
    )
    refused = Matter(Attention.STARTS_REFUSED, "9QX6B", "9QX6B", clock.now() - timedelta(days=3), Act.LOOK_AT_CHARGER)
    place = (Attention.STARTS_REFUSED, "9QX6B")
    books.keep_exceptions([overdue, refused], {key}, clock.now(), {place})
    found = findings(tmp_path, clock=clock)
    mark = session_mark(key)
    sentence = f"Look at session {mark} at 7MK4T, 50.00 EUR: its hold should have ended by now, since 3 h (loud). "
    assert said(found, sentence + "What to do: look at its payment at Stripe") == "note"
    assert said(found, "Look at charger 9QX6B: the last starts there were all refused, since 3 days.") == "note"
    clock.advance(22 * 3600)
    books.keep_exceptions([overdue], {key}, clock.now(), {place})
    found = findings(tmp_path, clock=clock)
    assert said(found, "its hold should have ended by now, since 25 h (alarm)") == "BAD"
    assert not [each for each in found if key in each.text or "9QX6B" in each.text]


def test_limits_that_were_agreed_on_are_told(tmp_path: Path) -> None:
    found = findings(tmp_path, plugchoice_limits="get_session=120,operator=900")
    assert said(found, "KIOSK_PLUGCHOICE_LIMITS: get_session 120, operator 900 requests a minute.") == "note"
    more = findings(tmp_path, config=site_of(tmp_path, 21), plugchoice_limits="get_charger=60")
    assert not [each for each in more if "cannot keep them fresh" in each.text]


@pytest.fixture
def with_store(tmp_path: Path) -> Path:
    migrated_store(tmp_path / "data" / "kiosk.db").close()
    return tmp_path / "data"


def test_without_a_folder_for_backups_it_says_that_none_are_made(with_store: Path) -> None:
    assert said(findings(with_store), "No backups are made") == "note"


def test_the_last_backup_is_told_with_its_age(with_store: Path, tmp_path: Path) -> None:
    clock, folder = ManualClock(), tmp_path / "backups"
    asked: dict[str, Any] = {"clock": clock, "backup_folder": folder}
    assert said(findings(with_store, **asked), "There is no backup") == "BAD"
    back_up(with_store / "kiosk.db", folder, Cipher([SECRET]), clock.now(), keep=3)
    assert said(findings(with_store, **asked), "The last backup is of") == "ok"
    assert said(findings(with_store, **asked), "on the disk of the database") == "note"
    clock.advance(3 * 3600 + 60)
    assert said(findings(with_store, **asked), "kiosk backup` says what is wrong") == "BAD"


def test_a_folder_for_backups_that_is_no_folder_is_said(with_store: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file")
    assert said(findings(with_store, backup_folder=tmp_path / "backups"), "Nobody can look into") == "BAD"


def test_a_proxy_that_drops_the_headers_is_named(tmp_path: Path, outside: StandIns) -> None:
    kept = {name: "" for name in MUST_ARRIVE if name != "strict-transport-security"}
    for headers, words, mark in ((kept, "without strict-transport-security: let", "BAD"), (None, "not seen", "note")):
        found = findings(
            tmp_path, online=True, transports=outside.transports, headers=lambda _, arrived=headers: arrived
        )
        assert said(found, words) == mark


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("enabled", False, "is not opened for public charging"),
        ("has_account", False, "has no Stripe account"),
        ("onboarding_complete", False, "is not complete: finish the onboarding"),
    ],
)
def test_a_charger_at_which_nobody_can_pay_is_named_with_what_to_do(
    tmp_path: Path, outside: StandIns, field: str, value: object, words: str
) -> None:
    outside.instead = changed(
        outside, "/settings/public-charging", {field: value} if field == "enabled" else {"connect": {field: value}}
    )
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    told = [one for one in found if words in one.text]
    assert told
    assert all(one.bad for one in told)


def test_what_a_charger_says_of_itself_is_told(tmp_path: Path, outside: StandIns) -> None:
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    told = [one for one in found if "7MK4T: firmware" in one.text]
    assert [one.mark for one in told] == ["ok"]
    fault = {"error": "GroundFailure", "error_info": "left cable", "vendor_error_code": "E7", "blocked": True}
    outside.instead = changed(outside, "/chargers", fault)
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    told = [one for one in found if one.text.startswith("7MK4T: error GroundFailure, its maker's code E7, left cable")]
    assert [one.mark for one in told] == ["note"]
    assert "blocked in the back office" in told[0].text


def test_chargers_that_cannot_be_listed_are_no_second_complaint(tmp_path: Path, outside: StandIns) -> None:
    outside.instead = lambda request: httpx.Response(500) if request.url.path.endswith("/chargers") else None
    found = findings(tmp_path, online=True, clock=outside.clock, transports=outside.transports, **ALL)
    assert not [one for one in found if "firmware" in one.text]


def test_a_budget_that_is_spent_says_nothing_against_plugchoice(outside: StandIns) -> None:
    client = connect(build_settings(**BARE), outside.clock, Budgets(Limits(get_charger=1)), outside.transports)
    book = load_site(EXAMPLE)
    assert [one.mark for one in everybody(client, book, learns=False)] == ["ok"]
    (spent,) = everybody(client, book, learns=False)
    assert (spent.mark, "budget of this minute is spent" in spent.text) == ("note", True)
    client.close()


def changed(outside: StandIns, path: str, fields: dict[str, object]) -> Answer:
    """The stand-in's answers on that path, with other values in every row."""
    operator = outside._apps["operator"]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(path):
            return None
        body = json.loads(operator.handle_request(request).read())
        rows = body["data"] if isinstance(body, dict) and "data" in body else body
        for row in rows if isinstance(rows, list) else [rows]:
            row.update(fields)
        return httpx.Response(200, json=body)

    return answer


def test_where_the_tables_go_and_since_when_they_do_not(with_store: Path, tmp_path: Path) -> None:
    place, month = str(tmp_path / "books"), date(2026, 11, 1)
    assert not any("tables of" in one.text for one in findings(with_store))
    assert said(findings(with_store, export_to=place), "each night, not yet") == "ok"
    store = Store(f"sqlite:///{with_store / 'kiosk.db'}", Cipher([SECRET]))
    store.nightly.note_written("garage", month, later(0))
    assert said(findings(with_store, export_to=place), f"{place} each night, last at") == "ok"
    store.nightly.note_failed("garage", month, NotWritten.FULL, later(60))
    store.close()
    assert said(findings(with_store, export_to=place), "it is full") == "note"
