"""The benchmark of the tablet's memory, where it cannot run."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import tablet


def test_without_a_chromium_the_memory_of_the_tablet_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tablet.run() == []
    assert "there is no Chromium on this machine" in capsys.readouterr().out
