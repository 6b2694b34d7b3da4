"""An order: which stickers are made, what is refused, and what the operator is told. And the command that places it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.command.cli import main
from kiosk.config.settings import Settings, SettingsError, load_settings, variable
from kiosk.config.sites import SiteBook, load_site
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.tariff import Tariff
from kiosk.stickers.order import Order, make
from kiosk.store import Cipher, Store
from tests.stickers.facts import EXAMPLE, PUBLIC_URL, book

SEEN = {50: datetime(2026, 11, 20, 13, 0, tzinfo=UTC), 0: datetime(2026, 11, 20, 13, 1, tzinfo=UTC)}
KEY = "Zq7-secret_key.with+many/different=characters"
TWO_SITES = """
[operator]
name = "Charge & Co"
[[sites]]
id = "Nord/1"
name = "North"
timezone = "UTC"
[[sites.chargers]]
code = "7MKO1"
[[sites]]
id = "empty"
name = "Empty"
timezone = "UTC"
"""


def names(order: Order, facts: SiteBook | None = None) -> list[str]:
    return list(make(facts or load_site(EXAMPLE), PUBLIC_URL, order).files)


@pytest.fixture
def two(tmp_path: Path) -> SiteBook:
    return book(TWO_SITES, tmp_path)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of the example, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", PUBLIC_URL)
    monkeypatch.setenv("KIOSK_CONFIG", str(EXAMPLE))
    return monkeypatch


def test_every_charger_gets_one_sticker() -> None:
    codes = load_site(EXAMPLE).codes
    assert names(Order()) == ["marktplatz-80x110.pdf", *(f"{code}.svg" for code in codes)]


def test_every_bay_gets_one_sticker() -> None:
    facts = load_site(EXAMPLE)
    bays = [f"{c.code}-{n}.svg" for s in facts.sites for c in s.chargers for n in c.bays]
    assert names(Order(per_bay=True, forms=("svg",))) == bays


def test_a_charger_without_bays_gets_one_sticker_even_per_bay(two: SiteBook) -> None:
    assert names(Order(site="Nord/1", per_bay=True), two) == ["Nord-1-80x110.pdf", "7MKO1.svg"]


def test_one_sticker_can_be_made_again() -> None:
    assert names(Order(codes=("7mk4t", "7MK4T"), forms=("svg",))) == ["7MK4T.svg"]


def test_the_same_order_makes_the_same_bytes() -> None:
    order = Order(codes=("7MK4T", "XC3ZU"), sheet=True, marks=True)
    assert make(load_site(EXAMPLE), PUBLIC_URL, order) == make(load_site(EXAMPLE), PUBLIC_URL, order)


def test_the_example_needs_no_warning() -> None:
    assert make(load_site(EXAMPLE), PUBLIC_URL, Order(size="60x80", per_bay=True, forms=("svg",))).warnings == ()


def test_look_alikes_and_a_missing_helpline_are_told_and_still_printed(two: SiteBook) -> None:
    made = make(two, PUBLIC_URL, Order(site="Nord/1"))
    helpline, letters = made.warnings
    assert "operator.helpline is missing" in helpline
    assert letters.startswith("Code 7MKO1 has O and 1:")
    assert len(made.files) == 2


def test_a_text_too_small_to_read_is_told(two: SiteBook) -> None:
    facts = two.model_copy(update={"operator": two.operator.model_copy(update={"name": "W" * 60})})
    assert f"{'W' * 60!r} is smaller than 6 points at 60x80 mm" in " ".join(
        make(facts, PUBLIC_URL, Order(site="Nord/1", size="60x80")).warnings
    )


@pytest.mark.parametrize("url", ["http://localhost:8000", "https://kiosk.localhost"])
def test_stickers_for_this_machine_are_told_to_be_a_trial(url: str) -> None:
    made = make(load_site(EXAMPLE), url, Order(codes=("7MK4T",), forms=("svg",)))
    assert [warning.split(":")[-1] for warning in made.warnings] == [
        " these stickers are for a trial, no driver can use them."
    ]


def test_stickers_without_https_are_refused() -> None:
    with pytest.raises(SettingsError, match="https://"):
        make(load_site(EXAMPLE), "http://charge.example", Order())


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (Order(), r"several sites: choose one with --site \(Nord/1, empty\)"),
        (Order(site="south"), r"No site has the id 'south': there are Nord/1, empty"),
        (Order(site="empty"), "Site empty lists no charger"),
        (Order(site="Nord/1", codes=("7MK4T",)), "No charger of site Nord/1 has the code 7MK4T"),
        (Order(site="Nord/1", bleed=11), "0 to 10 millimetres"),
        (Order(site="Nord/1", bleed=-1), "0 to 10 millimetres"),
        (Order(site="Nord/1", distance_cm=45), "80x110 mm is read from 40 cm at most: take 105x148"),
        (Order(site="Nord/1", distance_cm=90), "40 cm at most: no size is read from that far"),
    ],
)
def test_an_order_that_makes_no_sense_is_one_sentence(two: SiteBook, order: Order, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        make(two, PUBLIC_URL, order)


def test_a_kiosk_without_sites_has_no_stickers() -> None:
    with pytest.raises(SettingsError, match="lists no site"):
        make(SiteBook(), PUBLIC_URL, Order())


@pytest.mark.usefixtures("environment")
def test_the_command_writes_the_files_and_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "--code",
        "3HW9P",
        "--code",
        "7MK4T",
        "--size",
        "60x80",
        "--distance",
        "30",
        "--per",
        "bay",
        "--bleed",
        "3",
    ]
    assert main(["stickers", "--site", "marktplatz", *asked]) == 0
    written = ["marktplatz-60x80.pdf", "3HW9P-1.svg", "3HW9P-2.svg", "7MK4T-1.svg", "7MK4T-2.svg"]
    assert capsys.readouterr() == ("".join(f"stickers/{name}\n" for name in written), "")
    assert {path.name for path in (tmp_path / "stickers").iterdir()} == set(written)
    assert 'width="66mm"' in (tmp_path / "stickers" / "7MK4T-1.svg").read_text(encoding="utf-8")


@pytest.mark.usefixtures("environment")
def test_the_command_makes_sheets_of_one_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stickers", "--sheet", "--marks", "--format", "svg", "--out", str(tmp_path / "a" / "b")]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "a" / "b" / f"sheet-{n}.svg") for n in (1, 2, 3)]


def test_the_command_warns_and_goes_on(
    environment: pytest.MonkeyPatch, tmp_path: Path, two: SiteBook, capsys: pytest.CaptureFixture[str]
) -> None:
    assert two.sites
    environment.setenv("KIOSK_CONFIG", str(tmp_path / "kiosk.toml"))
    assert main(["stickers", "--site", "Nord/1", "--format", "pdf"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "stickers/Nord-1-80x110.pdf\n"
    assert all(line.startswith("kiosk: ") and line.endswith(".") for line in captured.err.splitlines())
    assert "0 and O, 1 and I" in captured.err


@pytest.mark.usefixtures("environment")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stickers").touch()
    assert main(["stickers", "--code", "7MK4T"]) == 2
    assert capsys.readouterr().err == "kiosk: The stickers cannot be written to stickers: File exists.\n"


@pytest.mark.usefixtures("environment")
def test_the_command_is_not_silent_on_a_fast_chargers_price(capsys: pytest.CaptureFixture[str]) -> None:
    def told(fee: int | None) -> str:
        if fee is not None:
            settings = load_settings()
            store = Store(settings.database_url, Cipher(settings.secret_keys))
            store.migrate()
            connectors = (Connector(1, "Available", power_type="DC"),)
            store.save_card(ChargerCard("DCF4N", None, True, connectors, Tariff("EUR", 69, fee), 7500, SEEN[fee]))
            store.close()
        assert main(["stickers", "--code", "dcf4n", "--format", "svg"]) == 0
        return capsys.readouterr().err

    assert "The price of DCF4N was not read yet" in told(None)
    assert "Charger DCF4N gives 150 kW and has a start fee of 0.50 EUR" in told(50)
    assert told(0) == ""


def test_the_command_asks_where_the_card_reader_of_a_fast_charger_is(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TWO_SITES.replace('"UTC"', '"Europe/Berlin"').replace('code = "7MKO1"', 'code = "7MKA2"\nmax_kw = 60')
    book(text, tmp_path)
    environment.setenv("KIOSK_CONFIG", str(tmp_path / "kiosk.toml"))
    assert main(["stickers", "--site", "Nord/1", "--format", "pdf"]) == 0
    assert "set card_reader, where it is, in kiosk.toml" in capsys.readouterr().err
