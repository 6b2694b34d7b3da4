"""`kiosk sites`: what stands at both systems and what is which, in lines and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.command import cli
from kiosk.command.sites import as_json, lines
from kiosk.config.settings import Settings, variable
from kiosk.config.sites import SiteBook
from kiosk.doctor.by_listing import Listed
from kiosk.domain.crosswalk import Place, Thing
from tests.worlds.once import SECRET, migrated_store

AT = datetime(2026, 12, 1, tzinfo=UTC)
UUID = "0d9c1f52-6f0e-4c55-9a3f-2b7d8e6a4c11"
BAYS = frozenset({1, 2})
TOML = """
[[sites]]
id = "garage"
name = "Garage"
timezone = "Europe/Berlin"
[[sites.chargers]]
code = "7MK4T"
[[sites.chargers]]
code = "9QX6B"
station_ids = ["CP-2"]
"""


def book(**more: object) -> SiteBook:
    chargers = [{"code": "7MK4T"}, {"code": "9QX6B", "station_ids": ["CP-2"]}]
    site = {"id": "garage", "name": "Garage", "timezone": "Europe/Berlin", "chargers": chargers}
    return SiteBook.model_validate({"sites": [site | more]})


FOUND = Listed(
    (
        Place(UUID, "Garage", (Thing("u1", ("7MK4T", "CP-1"), BAYS), Thing("u2", ())), "Market 1, DE"),
        Place("uuid-2", None, whole=False),
    ),
    (Place("42", "GARAGE", (Thing("cp 1", ("cp 1", "By the gate"), BAYS),)),),
    {"u1": "7MK4T"},
    ("Plugchoice shows only a part of its sites.",),
)


def test_the_sites_are_listed_with_what_may_be_which() -> None:
    assert list(lines(FOUND, book())) == [
        "Plugchoice: 2 sites",
        f"  {UUID}  Garage (Market 1, DE)",
        "    charger u1  7MK4T / CP-1  connectors 1, 2",
        "    charger u2  without a name  connectors not told",
        "  uuid-2  without a name",
        "    and what could not be read",
        "",
        "ChargePilot: 1 sites",
        "  42  GARAGE",
        "    station cp 1  cp 1 / By the gate  connectors 1, 2",
        "",
        "Crosswalk",
        "  garage: plugchoice_site not named",
        "  garage: chargepilot_site not named",
        "  9QX6B: station_ids CP-2",
        f"  proposed: garage: plugchoice_site {UUID} (Garage), score 80: chargers that fit, same name",
        "  proposed: garage: chargepilot_site 42 (GARAGE), score 100: chargers that fit, same name",
        "  proposed: 7MK4T: station_ids cp 1 (By the gate), score 85: same name but for blanks and signs, "
        "same connectors",
        "  Write what is right into kiosk.toml, or confirm it at the desk under Set-up.",
        "note  Plugchoice shows only a part of its sites.",
    ]


def test_what_is_settled_stands_beside_the_site_and_what_fits_two_is_not_proposed() -> None:
    twins = Listed(None, (Place("1", "Garage"), Place("2", "garage")), {}, ())
    assert list(lines(twins, book(plugchoice_site=UUID))) == [
        "ChargePilot: 2 sites",
        "  1  Garage",
        "  2  garage",
        "",
        "Crosswalk",
        f"  garage: plugchoice_site {UUID}",
        "  garage: chargepilot_site not named",
        "  9QX6B: station_ids CP-2",
        "  not proposed, because something else fits as well: garage: chargepilot_site 1 (Garage)",
        "  not proposed, because something else fits as well: garage: chargepilot_site 2 (garage)",
    ]
    known = Listed(None, (Place("1", "Garage"),), {}, ())
    assert "  1  Garage, garage in kiosk.toml" in list(lines(known, book(chargepilot_site="1")))


def test_json_has_the_same() -> None:
    told = json.loads(as_json(FOUND, book()))
    assert told["plugchoice"][0] == {
        "id": UUID,
        "name": "Garage",
        "about": "Market 1, DE",
        "whole": True,
        "chargers": [
            {"id": "u1", "names": ["7MK4T", "CP-1"], "connectors": [1, 2]},
            {"id": "u2", "names": [], "connectors": []},
        ],
    }
    assert told["configured"] == [
        {"site": "garage", "plugchoice_site": None, "chargepilot_site": None, "station_ids": {"9QX6B": ["CP-2"]}}
    ]
    assert told["proposed"][2] == {
        "kind": "station",
        "subject": "7MK4T",
        "value": "cp 1",
        "name": "By the gate",
        "score": 85,
        "reasons": ["same name but for blanks and signs", "same connectors"],
    }
    assert (told["unsure"], told["troubles"]) == ([], list(FOUND.troubles))
    assert json.loads(as_json(Listed(None, None, {}, ()), book()))["plugchoice"] is None


# --- the command


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    (tmp_path / "kiosk.toml").write_text(TOML)
    monkeypatch.setenv("KIOSK_SECRET_KEY", SECRET)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    monkeypatch.setenv("KIOSK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KIOSK_CONFIG", str(tmp_path / "kiosk.toml"))
    return tmp_path


@pytest.mark.usefixtures("set_up")
def test_where_no_system_is_set_it_says_what_to_set_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sites"]) == 1
    assert "set KIOSK_PLUGCHOICE_TOKEN" in capsys.readouterr().out


def test_codes_that_the_store_has_learnt_are_used(
    set_up: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = migrated_store(set_up / "kiosk.db")
    store.own_list_was_read(["u1", "u2"], AT, whole=True)
    store.own_charger_told("u1", "7MK4T", AT)
    store.close()
    asked: list[object] = []

    def listed(_outside: object, codes: object) -> Listed:
        asked.append(codes)
        return FOUND

    monkeypatch.setattr("kiosk.doctor.by_listing.listed", listed)
    assert cli.main(["sites", "--json"]) == 0
    assert asked == [{"u1": "7MK4T"}]
    assert json.loads(capsys.readouterr().out)["chargepilot"][0]["id"] == "42"
