"""`kiosk rehearse` on the command line: exit codes, lines and JSON, settings that are missing."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.command.cli import main
from kiosk.config.settings import Settings, variable
from kiosk.rehearsal.faults import FAULTS

DOC = (Path(__file__).parents[2] / "docs" / "rehearsal.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _own_signals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder and environment; what happens on SIGTERM is as before afterwards."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_good_rehearsal_ends_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "--sandbox"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Rehearsal at 7MK4T, bay 1, against the sandbox, ")
    assert len([line for line in lines if line.startswith("ok ")]) == 13
    assert lines[-1].startswith("All 13 steps went well")


def test_a_failed_rehearsal_ends_with_one_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "--sandbox", "--fault", "card-declined"]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert "skipped" in out
    assert out.splitlines()[-1] == 'Failed at "payment" after 0.0 s: Your card was declined.'


def test_json_is_the_only_thing_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", "--sandbox", "--unpaid", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is True
    assert [each["step"] for each in told["steps"]][-1] == "release"


def test_a_sigterm_is_cleaned_up_like_ctrl_c() -> None:
    assert main(["rehearse", "--sandbox", "--unpaid"]) == 0
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_an_interruption_between_two_steps_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closing(io.StringIO):
        def write(self, text: str) -> int:
            raise KeyboardInterrupt(text)

    monkeypatch.setattr(sys, "stdout", Closing())
    assert main(["rehearse", "--sandbox"]) == 1
    assert capsys.readouterr().err == "kiosk: interrupted: look at the charger and at its session.\n"


def test_without_settings_a_real_rehearsal_is_one_sentence_and_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse"]) == 2
    assert capsys.readouterr().err == (
        "kiosk: --code is missing: give the public code of the charger, as on its sticker.\n"
    )
    assert main(["rehearse", "--code", "7MK4T"]) == 2
    assert capsys.readouterr().err.startswith("kiosk: KIOSK_SECRET_KEY is missing")


def test_a_real_rehearsal_that_reaches_nobody_fails_at_its_first_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIOSK_SECRET_KEY", "k" * 40)
    monkeypatch.setenv("KIOSK_PLUGCHOICE_URL", "http://127.0.0.1:9/api/v3")
    monkeypatch.setenv("KIOSK_OCPPLAB_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("KIOSK_OCPPLAB_TOKEN", "a-token-that-nobody-may-see")
    assert main(["rehearse", "--code", "7MK4T", "--unpaid"]) == 1
    out = capsys.readouterr().out
    assert 'Failed at "free bay"' in out
    assert "no connection could be made" in out
    assert "a-token-that" not in out


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_documented_with_its_step(name: str) -> None:
    assert f"| `{name}` | {FAULTS[name].says} | {FAULTS[name].breaks.value} |" in DOC
