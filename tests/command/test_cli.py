"""The command line: exit codes, sentences, and secrets that stay masked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.command.cli import main
from kiosk.config.settings import Settings, build_settings, variable
from kiosk.doctor.examine import examine
from kiosk.domain.charger import ChargerCard
from kiosk.outside import Transports
from kiosk.store import Cipher, Store

KEY = "Zq7-secret_key.with+many/different=characters"
EXAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.example.toml"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A working kiosk's environment, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    monkeypatch.setenv("KIOSK_DATA_DIR", str(tmp_path / "data"))
    return monkeypatch


def doctored(folder: Path, **more: object) -> Settings:
    given = {"secret_key": KEY, "data_dir": folder, "public_url": "https://charge.example", "config": EXAMPLE}
    return build_settings(**(given | more))


def said(settings: Settings, word: str) -> str:
    """The mark of the one finding that has the word."""
    (finding,) = [finding for finding in examine(settings) if word in finding.text]
    return finding.mark


def card(**more: object) -> httpx.MockTransport:
    data = {
        "public_code": "3HW9P",
        "name": "Charger 1",
        "online": True,
        "connectors": [{"connector_id": 1, "status": "Available"}],
        "pricing": {"currency": "EUR", "price_per_kwh": 49, "start_fee": 35},
        "preauth_amount": 5000,
    }
    return httpx.MockTransport(lambda request: httpx.Response(200, json={"data": data | more}, request=request))


def online(folder: Path, transport: httpx.BaseTransport, **more: object) -> tuple[str, str]:
    finding = examine(
        doctored(folder, **more), online=True, transports=Transports(public=transport), protocol=lambda _: "h2"
    )[-1]
    return finding.mark, finding.text


def test_a_wrong_setting_is_one_sentence_and_two(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("KIOSK_SECRET_KEY", "short")
    for command in ("serve", "doctor", "migrate", "settings"):
        assert main([command]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("kiosk: KIOSK_SECRET_KEY cannot be used")
        assert captured.err.count("\n") == 1


def test_settings_are_listed_and_secrets_masked(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("KIOSK_SECRET_KEY", f"{KEY},{KEY}2")
    environment.setenv("KIOSK_STRIPE_API_KEY", "rk_live_hidden")
    environment.setenv("KIOSK_STRIPE_WEBHOOK_SECRET", "whsec_hidden")
    environment.setenv("KIOSK_DATABASE_URL", "postgresql://kiosk:hidden@db.example/kiosk")
    assert main(["settings"]) == 0
    listed = capsys.readouterr().out
    assert {line.split("=")[0] for line in listed.splitlines()} == {variable(f) for f in Settings.model_fields}
    assert "KIOSK_SECRET_KEY=********,********\n" in listed
    assert "KIOSK_PUBLIC_URL=https://charge.example\n" in listed
    assert KEY not in listed
    assert "hidden" not in listed


def test_a_server_that_does_not_answer_is_said_in_one_sentence(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("KIOSK_DATABASE_URL", "postgresql://kiosk:hidden@/kiosk?host=/nowhere")
    assert main(["migrate"]) == 2
    said = capsys.readouterr().err
    assert said == "kiosk: The database cannot be used just now (away): `kiosk doctor` says what helps.\n"


@pytest.mark.usefixtures("environment")
def test_migrate_makes_the_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert (tmp_path / "data" / "kiosk.db").exists()
    assert main(["migrate"]) == 0
    assert "newest version" in capsys.readouterr().out
    assert said(doctored(tmp_path / "data"), "database") == "ok"


@pytest.mark.usefixtures("environment")
def test_a_database_of_a_newer_release_is_one_sentence_and_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"]) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "kiosk.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert main(["migrate"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kiosk: The database cannot be used: its tables are those of a newer release")
    assert said.count("\n") == 1


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("whole", [False, True], ids=["no database", "damaged"])
def test_a_database_that_is_damaged_is_one_sentence_and_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], whole: bool
) -> None:
    file = tmp_path / "data" / "kiosk.db"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((b"SQLite format 3\x00" if whole else b"") + b"not a page of a database " * 400)
    assert main(["migrate"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kiosk: The database cannot be brought to the newest version")
    assert said.count("\n") == 1


@pytest.mark.usefixtures("environment")
def test_doctor_is_content_with_a_new_kiosk_that_knows_its_chargers(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("KIOSK_CONFIG", str(EXAMPLE))
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("ok    ", "note  ")) and line.endswith(".") for line in lines)


def test_doctor_ends_with_one_when_something_will_not_work(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("KIOSK_SECRET_KEY", "ab" * 20)
    assert main(["doctor"]) == 1
    assert "BAD   KIOSK_SECRET_KEY repeats few characters" in capsys.readouterr().out


def test_doctor_knows_what_the_law_wants_of_the_operator(tmp_path: Path) -> None:
    assert said(doctored(tmp_path), "The seller is Stadtwerke Lindenau GmbH") == "ok"
    assert said(doctored(tmp_path, config=None), "legal_name, address, vat_number, vat_percent, helpline") == "note"


def test_doctor_sees_an_address_that_nobody_can_reach(tmp_path: Path) -> None:
    assert said(doctored(tmp_path), "Drivers see charge.example") == "ok"
    assert said(doctored(tmp_path, public_url="http://localhost:8000"), "only this machine can reach it") == "note"


def test_doctor_sees_a_proxy_that_is_not_believed(tmp_path: Path) -> None:
    assert said(doctored(tmp_path), "KIOSK_TRUSTED_PROXIES") == "note"
    assert not [f for f in examine(doctored(tmp_path, trusted_proxies=1)) if "TRUSTED_PROXIES" in f.text]


def test_doctor_sees_a_port_that_passes_by_the_proxy(tmp_path: Path) -> None:
    open_to_all = doctored(tmp_path, trusted_proxies=1, bind="0.0.0.0")  # noqa: S104 - what a container says
    assert said(open_to_all, "passes every limit") == "note"
    assert not [f for f in examine(doctored(tmp_path, trusted_proxies=1)) if "every limit" in f.text]


def test_doctor_sees_data_that_others_may_read(tmp_path: Path) -> None:
    settings = doctored(tmp_path, data_dir=tmp_path)
    tmp_path.chmod(0o700)
    Store(settings.database_url, Cipher(settings.secret_keys)).migrate()
    assert said(settings, "readable by the kiosk's own user alone") == "ok"
    tmp_path.chmod(0o755)
    assert said(settings, f"can look into {tmp_path}; give it the mode 700.") == "note"
    tmp_path.chmod(0o700)
    (tmp_path / "kiosk.db-wal").touch()
    (tmp_path / "kiosk.db-wal").chmod(0o644)
    assert said(settings, "kiosk.db-wal; give it the mode 600.") == "note"


def test_doctor_tells_a_live_key_from_a_test_key(tmp_path: Path) -> None:
    assert said(doctored(tmp_path, stripe_api_key="rk_live_x"), "with a live key") == "ok"
    assert said(doctored(tmp_path, stripe_api_key="rk_test_x"), "with a test key") == "ok"
    assert said(doctored(tmp_path), "without Stripe's proof") == "note"


def test_doctor_sees_a_clock_that_lost_its_battery(tmp_path: Path) -> None:
    findings = examine(doctored(tmp_path), clock=ManualClock(datetime(1970, 1, 1, tzinfo=UTC)))
    assert [f.mark for f in findings if "The clock says" in f.text] == ["BAD"]


@pytest.mark.parametrize(("hours", "mark"), [(-25, "BAD"), (-24, "ok"), (24 * 366, "ok")])
def test_doctor_holds_the_clock_against_the_day_of_the_installation(tmp_path: Path, hours: int, mark: str) -> None:
    installed = ManualClock().now()
    findings = examine(doctored(tmp_path), clock=ManualClock(installed + timedelta(hours=hours)), installed=installed)
    (found,) = [f for f in findings if "The clock says" in f.text]
    assert found.mark == mark
    assert f"{installed:%Y-%m-%d}" in found.text, "it says what it was held against"


def test_doctor_sees_a_database_without_tables(tmp_path: Path) -> None:
    (tmp_path / "kiosk.db").touch()
    assert said(doctored(tmp_path), "kiosk migrate") == "BAD"


def test_doctor_asks_plugchoice_only_when_told(tmp_path: Path) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    examine(doctored(tmp_path), transports=Transports(public=httpx.MockTransport(nobody)))


def test_doctor_online_reads_one_charger(tmp_path: Path) -> None:
    assert online(tmp_path, card()) == ("ok", "Plugchoice answers: charger 3HW9P is online.")
    assert online(tmp_path, card(online=False)) == ("ok", "Plugchoice answers: charger 3HW9P has no connection.")


def test_doctor_online_sees_a_charger_that_cannot_be_sold(tmp_path: Path) -> None:
    mark, text = online(tmp_path, card(preauth_amount=None))
    assert (mark, "no price or no hold" in text) == ("BAD", True)


def test_doctor_says_which_price_part_keeps_a_charger_from_being_sold(tmp_path: Path) -> None:
    price = {"currency": "EUR", "price_per_kwh": 49, "start_fee": 35, "idle_fee": 10}
    mark, text = online(tmp_path, card(pricing=price))
    assert (mark, "has a part that the kiosk cannot show (idle_fee)" in text) == ("BAD", True)


def test_doctor_says_so_of_every_charger_that_was_read(tmp_path: Path) -> None:
    settings = doctored(tmp_path)
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    store.migrate()
    seen = ManualClock().now()
    store.save_card(ChargerCard("7MK4T", "Charger 2", True, (), None, 5000, seen, unshown=("vat_rate",)))
    store.close()
    assert said(settings, "Charger 7MK4T is not sold") == "BAD"


@pytest.mark.parametrize(("status", "word"), [(404, "check its code"), (503, "does not answer")])
def test_doctor_online_says_what_is_wrong(tmp_path: Path, status: int, word: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json={}, request=request))
    mark, text = online(tmp_path, transport)
    assert (mark, word in text) == ("BAD", True)


def test_doctor_online_without_a_charger_asks_nobody(tmp_path: Path) -> None:
    mark, text = online(tmp_path, card(), config=None)
    assert (mark, text) == ("note", "Plugchoice was not asked: kiosk.toml lists no charger.")


@pytest.mark.parametrize("value", ["soon", "-1", "1.5"])
def test_the_demo_wants_whole_numbers(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    environment.setenv("KIOSK_DEMO_SPEED", value)
    assert main(["demo", "--port", "0"]) == 2
    assert "KIOSK_DEMO_SPEED cannot be used" in capsys.readouterr().err


def test_a_command_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2
    assert "dance" in capsys.readouterr().err
