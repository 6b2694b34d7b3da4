"""Settings for every test: no timed tests, and a seed that is printed when a property fails."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("kiosk", deadline=None, print_blob=True)
settings.load_profile("kiosk")
