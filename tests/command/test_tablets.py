"""`kiosk tablet`: codes for screens, the list of them, and parting with a lost one in one step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.clock import ManualClock, SystemClock
from kiosk.command.cli import main
from kiosk.command.tablets import demo_code, listing, pair, unpair
from kiosk.config.settings import Settings, SettingsError, variable
from kiosk.config.sites import SiteBook
from kiosk.service.pairing import spaced
from kiosk.store import Cipher, Store
from tests.worlds.once import migrated_store

NOW = ManualClock().now()
KEY = "Zq7-secret_key.with+many/different=characters"
EXAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.example.toml"
ONE = {"id": "harbour", "name": "Harbour", "timezone": "Europe/Berlin"}
OTHER = {"id": "airport", "name": "Airport", "timezone": "Europe/Lisbon"}


def book(*sites: dict[str, str]) -> SiteBook:
    return SiteBook.model_validate({"sites": list(sites)})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = migrated_store(tmp_path / "kiosk.db", KEY)
    yield opened
    opened.close()


def ask(store: Store, sites: SiteBook | None = None, **more: str | None) -> list[str]:
    wanted = {"site": None, "name": None, **more}
    return pair(store, sites or book(ONE), "https://charge.example", NOW, site=wanted["site"], name=wanted["name"])


def code_in(lines: list[str]) -> str:
    """The code as a screen gives it to the store: without its dash."""
    return lines[0].removeprefix("Pairing code").strip().replace("-", "")


def paired(store: Store, name: str, key: str | None = None, sites: SiteBook | None = None, **more: str) -> int:
    tablet = store.pair(code_in(ask(store, sites, name=name, **more)), key or f"key of {name}", NOW)
    assert tablet is not None
    return tablet.id


def test_a_code_comes_with_where_to_type_it_until_when_and_for_what(store: Store) -> None:
    code, where, until, whom = ask(store, name="gate")
    assert code == f"Pairing code  {spaced(code_in([code]))}"
    assert where == "Type it at    https://charge.example/tablet/"
    assert until == "Good until    14:15 (Europe/Berlin), once"
    assert whom == "For           gate, a screen of Harbour"


def test_the_code_pairs_a_screen_with_the_only_site(store: Store) -> None:
    tablet = store.pair(code_in(ask(store, name="gate")), "key", NOW + timedelta(minutes=14))
    assert tablet is not None
    assert (tablet.site_id, tablet.name) == ("harbour", "gate")


def test_with_several_sites_one_must_be_chosen(store: Store) -> None:
    both = book(ONE, OTHER)
    with pytest.raises(
        SettingsError, match=r"^There are several sites: choose one with --site \(harbour, airport\)\.$"
    ):
        ask(store, both)
    tablet = store.pair(code_in(ask(store, both, site="airport")), "key", NOW)
    assert tablet is not None
    assert tablet.site_id == "airport"


def test_an_unknown_site_is_told_with_those_there_are(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"^No site has the id 'moon': there are harbour\.$"):
        ask(store, site="moon")


def test_without_a_site_there_is_nothing_to_pair_with(store: Store) -> None:
    with pytest.raises(SettingsError, match="lists no site"):
        ask(store, SiteBook())


def test_screens_without_a_name_are_numbered(store: Store) -> None:
    names = [ask(store)[3].split(",")[0].split()[-1] for _n in range(3)]
    assert names == ["tablet-1", "tablet-2", "tablet-3"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\x07b"])
def test_an_impossible_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(SettingsError, match="1 to 40 letters"):
        ask(store, name=name)


def test_a_name_that_could_be_an_id_is_refused(store: Store) -> None:
    with pytest.raises(SettingsError, match="taken for an id"):
        ask(store, name="7")


@pytest.mark.parametrize("name", ["gate", "GATE", "  gate "])
def test_a_name_is_given_once(store: Store, name: str) -> None:
    ask(store, name="gate")  # its code waits
    with pytest.raises(SettingsError, match="is there already: choose another name, or unpair it first"):
        ask(store, name=name)


def test_the_name_of_an_unpaired_screen_is_free_again(store: Store) -> None:
    unpair(store, str(paired(store, "gate")), NOW)
    assert ask(store, name="gate")


def test_no_screens_are_said_with_the_next_step(store: Store) -> None:
    assert list(listing(store, book(ONE))) == ["No tablet is paired. `kiosk tablet pair` makes a code for one."]


def test_the_list_shows_each_screen_in_its_own_time(store: Store) -> None:
    both = book(ONE, OTHER)
    paired(store, "gate", sites=both, site="harbour")
    paired(store, "lift", sites=both, site="airport")
    (gate, _lift) = store.tablets()
    store.seen(gate, NOW + timedelta(hours=1), "0.1.0")
    assert list(listing(store, book(ONE, OTHER))) == [
        "id  name  site     paired            last seen         version",
        "1   gate  harbour  2026-11-20 14:00  2026-11-20 15:00  0.1.0",
        "2   lift  airport  2026-11-20 13:00  2026-11-20 13:00  -",
    ]
    assert "harbour (not in kiosk.toml)" in "\n".join(listing(store, book(OTHER)))


@pytest.mark.parametrize("which", ["1", "gate", "Gate"])
def test_a_lost_screen_is_parted_with_in_one_step(store: Store, which: str) -> None:
    paired(store, "gate", "key")
    assert unpair(store, which, NOW).startswith("Tablet 1 (gate) is unpaired")
    assert store.tablets() == []
    tablet = store.tablet_with("key")
    assert tablet is not None
    assert tablet.unpaired_at == NOW


def test_an_unknown_screen_is_told_in_one_sentence(store: Store) -> None:
    paired(store, "gate")
    with pytest.raises(
        SettingsError, match=r"^No tablet with the id or name 'ramp' is paired: see `kiosk tablet list`\.$"
    ):
        unpair(store, "ramp", NOW)


def test_two_screens_of_one_name_are_told_apart_by_their_ids(store: Store) -> None:
    """Not made here, but a store can hold them: two codes of one name, made at the same moment."""
    for key in ("a", "b"):
        store.pair(store.new_pairing("harbour", "gate", NOW, NOW + timedelta(minutes=1)), key, NOW)
    with pytest.raises(SettingsError, match=r"take one of the ids 1, 2\.$"):
        unpair(store, "gate", NOW)
    assert len(store.tablets()) == 2


@pytest.mark.parametrize(("rate", "hours"), [(1.0, 23.9), (10.0, 239.0)])
def test_the_demos_code_is_new_each_time_and_good_for_a_day_of_people(store: Store, rate: float, hours: float) -> None:
    first, second = (demo_code(store, book(ONE), NOW, rate).replace("-", "") for _n in range(2))
    assert first != second
    late: datetime = NOW + timedelta(hours=hours)
    assert store.pair(first, "key-1", late) is not None
    assert store.pair(first, "key-2", late) is None
    assert store.pair(second, "key-2", NOW + timedelta(hours=24 * rate)) is None


# --- the command


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    monkeypatch.setenv("KIOSK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KIOSK_CONFIG", str(EXAMPLE))
    return tmp_path / "data" / "kiosk.db"


def test_the_command_pairs_lists_and_parts(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tablet", "pair", "--name", "gate"]) == 0
    code = code_in(capsys.readouterr().out.splitlines())
    store = Store(f"sqlite:///{environment}", Cipher([KEY]))
    assert store.pair(code, "key", SystemClock().now()) is not None
    store.close()
    assert main(["tablet", "list"]) == 0
    assert "1   gate" in capsys.readouterr().out
    assert main(["tablet", "unpair", "gate"]) == 0
    assert "Tablet 1 (gate) is unpaired" in capsys.readouterr().out
    assert main(["tablet", "unpair", "gate"]) == 2
    assert capsys.readouterr().err == (
        "kiosk: No tablet with the id or name 'gate' is paired: see `kiosk tablet list`.\n"
    )


def test_a_command_without_its_word_says_what_there_is(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not environment.exists()
    with pytest.raises(SystemExit):
        main(["tablet"])
    assert "what" in capsys.readouterr().err
