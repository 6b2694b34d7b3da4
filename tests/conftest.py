"""Settings for every test: no timed tests, and a seed that is printed when a property fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("kiosk", deadline=None, print_blob=True)
settings.load_profile("kiosk")

BROWSER = Path(__file__).parent / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """When the tests run in several processes, one of them has the browser and the others have the rest."""
    for item in items:
        if BROWSER in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
