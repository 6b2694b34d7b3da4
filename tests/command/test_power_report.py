"""`kiosk power`: what each bay can expect as a table and as a picture, from what is stored, without asking anybody."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from kiosk.charts import fuse_tree
from kiosk.clock import SystemClock
from kiosk.command.cli import main
from kiosk.command.power_report import report
from kiosk.config.settings import Settings, SettingsError, variable
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.fuses import FuseConnector, FuseTree, Node, NodeKind
from kiosk.store import Store
from tests.worlds.once import migrated_store

KEY = "Zq7-secret_key.with+many/different=characters"
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
TOML = """
[[sites]]
id = "garage"
name = "Garage"
timezone = "Europe/Berlin"
chargepilot_site = "42"
[[sites.chargers]]
code = "AAA"
max_kw = 22
bays = { 1 = { label = "3" } }
[[sites.chargers]]
code = "BBB"
"""


def book(**changed: object) -> SiteBook:
    site = {
        "id": "garage",
        "name": "Garage",
        "timezone": "Europe/Berlin",
        "chargepilot_site": "42",
        "chargers": [{"code": "AAA", "max_kw": 22, "bays": {1: {"label": "3"}}}, {"code": "BBB"}],
    }
    return SiteBook.model_validate({"sites": [site | changed]})


def card(code: str, word: str, at: datetime = NOW) -> ChargerCard:
    connector = Connector(1, word, power_type="AC_3_PHASE")
    return ChargerCard(code, None, True, (connector,), None, None, at)


def tree() -> FuseTree:
    points = [Node(NodeKind.STATION, code, connectors=(FuseConnector(code, 1),)) for code in ("AAA", "BBB")]
    return FuseTree((Node(NodeKind.FUSE, "Cabinet", Decimal(40), children=tuple(points)),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = migrated_store(tmp_path / "kiosk.db", KEY)
    yield made
    made.close()


def lines(store: Store, book: SiteBook, site: str | None = None) -> list[str]:
    return report(book, store, NOW, site).lines


def test_each_bay_is_listed_with_its_figures_and_the_reason(store: Store) -> None:
    store.save_tree("garage", tree(), NOW)
    store.save_card(card("AAA", "Available"))
    store.save_card(card("BBB", "Charging"))
    said = lines(store, book())
    assert said[0] == "Garage: expected power (estimates)"
    assert said[1] == "Fuse tree of 2026-11-20 14:00 (Europe/Berlin)."
    (bay,) = [line for line in said if line.startswith("3 ")]
    assert bay.split()[:6] == ["3", "AAA", "13.8", "kW", "13.8", "kW"]
    assert "fuse Cabinet, 40 A, shared by 2" in bay


def test_a_tree_that_is_not_used_is_said_to_be(store: Store) -> None:
    store.save_tree("garage", tree(), NOW - timedelta(days=2))
    store.save_card(card("AAA", "Available"))
    said = lines(store, book())
    assert "older than a day" in said[1]
    assert "at most 22 kW" in "\n".join(said)


def test_a_site_without_a_tree_is_told_so(store: Store) -> None:
    assert "No fuse tree was read yet" in lines(store, book())[1]
    assert "no chargepilot_site" in lines(store, book(chargepilot_site=None))[1]
    assert "The tree is empty." in report(book(), store, NOW, None).picture


def test_chargers_never_seen_and_old_news_are_named(store: Store) -> None:
    store.save_card(card("AAA", "Available", NOW - timedelta(minutes=2)))
    said = lines(store, book())
    assert "Never seen, and left out: BBB." in said
    assert "No news for a minute, so whether their bays charge is not known: AAA." in said


def test_the_site_has_to_be_named_when_it_is_not_clear(store: Store) -> None:
    two = SiteBook.model_validate(
        {"sites": [{"id": one, "name": one, "timezone": "UTC"} for one in ("garage", "yard")]}
    )
    with pytest.raises(SettingsError, match="garage, yard"):
        lines(store, two)
    with pytest.raises(SettingsError, match="'cellar'"):
        lines(store, two, "cellar")
    with pytest.raises(SettingsError, match="lists no site"):
        lines(store, SiteBook())
    assert lines(store, two, "yard")[0].startswith("yard")


def test_the_picture_is_that_of_the_stored_tree(store: Store) -> None:
    store.save_tree("garage", tree(), NOW)
    store.save_card(card("AAA", "Available"))
    picture = report(book(), store, NOW, None).picture
    assert "Bay 3, free" in picture
    assert "Fuse Cabinet" in picture
    assert picture.count("<svg") == 1
    assert f'width="{fuse_tree.WIDTH}"' in picture


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configured kiosk in an empty folder, where one charger was seen just now."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    (tmp_path / "kiosk.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    monkeypatch.setenv("KIOSK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KIOSK_CONFIG", str(tmp_path / "kiosk.toml"))
    made, now = migrated_store(tmp_path / "data" / "kiosk.db", KEY), SystemClock().now()
    made.save_tree("garage", tree(), now)
    made.save_card(card("AAA", "Available", now))
    made.close()
    return tmp_path


def test_the_command_prints_the_table_and_draws(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--svg", "tree.svg"]) == 0
    out = capsys.readouterr().out
    assert "fuse Cabinet, 40 A" in out
    assert out.rstrip().endswith("tree.svg")
    drawn = (environment / "tree.svg").read_text(encoding="utf-8")
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own


@pytest.mark.usefixtures("environment")
def test_what_goes_wrong_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--site", "cellar"]) == 2
    assert main(["power", "--svg", "no/such/folder/tree.svg"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "kiosk: No site has the id 'cellar': there are garage."
    assert said[1] == "kiosk: no/such/folder/tree.svg cannot be written: No such file or directory."
