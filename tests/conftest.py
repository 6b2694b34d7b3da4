"""Settings for every test: no timed tests, and a seed that is printed when a property fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("kiosk", deadline=None, print_blob=True)
settings.load_profile("kiosk")


class OneBrowser(LoadScopeScheduling):
    """When the tests run in several processes, one of them has the browser; the others get the rest, file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return OneBrowser(config, log)


LONG = 500
"""Lines of a file of the product from which it is worth asking whether two subjects live in it."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name long files. A warning only: a file is split by subject, never by length."""
    home = Path(__file__).parent.parent
    for path in sorted((home / "kiosk").rglob("*.py")):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONG:
            terminalreporter.line(f"long file: {path.relative_to(home)} has {lines} lines: is it one subject?")
