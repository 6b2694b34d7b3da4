"""`kiosk notify`: who is told, how messages fared, and a test message that really leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiosk.command.cli import main
from kiosk.store import Cipher, Store
from tests.store.build import NOW
from tests.worlds.hook_server import HookServer
from tests.worlds.mail_server import MailServer

KEY = "a secret key of this test that is long enough"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "kiosk.toml"
    given = {"SECRET_KEY": KEY, "PUBLIC_URL": "https://charge.example", "CONFIG": str(file), "NOTIFY_SECRET": KEY}
    for name, value in given.items():
        monkeypatch.setenv(f"KIOSK_{name}", value)
    file.write_text("", encoding="utf-8")
    return file


def test_a_test_message_reaches_everybody_and_each_end_is_told(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mails, hooks, broken = MailServer(), HookServer(), HookServer(500)
    for name, value in {
        "HOST": "127.0.0.1",
        "PORT": str(mails.port),
        "FROM": "k@c.example",
        "SECURITY": "none",
    }.items():
        monkeypatch.setenv(f"KIOSK_SMTP_{name}", value)
    rows = [
        ("a", "mail", "a@c.example"),
        ("b", "webhook", hooks.address),
        ("c", "apprise", hooks.address.replace("http", "json")),
        ("d", "ntfy", broken.address),
        ("e", "apprise", broken.address.replace("http", "json")),
    ]
    told = [f'[[notify]]\nname = "{name}"\n{way} = "{where}"\n' for name, way, where in rows]
    settings.write_text("".join(told[:3]), encoding="utf-8")
    assert main(["notify", "--test"]) == 0
    assert capsys.readouterr().out == "a: taken\nb: taken\nc: taken\n"
    settings.write_text("".join(told), encoding="utf-8")
    assert main(["notify", "--test"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "d: refused (HTTP 500)",
        "e: it did not arrive, as far as anybody knows (the service did not say that it took it)",
    ]
    for server in (mails, hooks, broken):
        server.close()
    assert "This is a test" in mails.texts[0]
    assert json.loads(hooks.taken[0].body)["why"] == "test"
    assert "This is a test" in json.loads(hooks.taken[1].body)["message"]


def test_without_anybody_to_tell_it_says_where_to_write_them(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del settings
    assert main(["notify", "--test"]) == 1
    assert "[[notify]]" in capsys.readouterr().out


def test_it_lists_who_is_told_and_how_messages_fared(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.write_text('[[notify]]\nname = "kim"\nntfy = "https://n.example/a"\nquiet = "22:00-07:00"\n')
    store = Store(f"sqlite:///{settings.parent}/data/kiosk.db", Cipher([KEY]))
    store.migrate()
    store.tell_digest("kim", NOW)
    store.close()
    assert main(["notify"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "kim: ntfy, at once, quiet 22:00-07:00 (UTC)"
    assert second.endswith("kim: waiting, tried 0 times")
