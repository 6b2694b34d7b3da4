"""A kiosk for tests of its foundation: a new database, no engine running, a clock that stands still."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from flask import Flask

from kiosk.app import create_app
from kiosk.clock import Clock, ManualClock
from kiosk.config.settings import Settings, build_settings
from kiosk.config.sites import SiteBook
from kiosk.outside import Transports
from tests.worlds.once import migrated_database, static_files

KEY = "first-key-" + "a" * 40
OLDER_KEY = "older-key-" + "b" * 40
PUBLIC = "https://charge.example"


def made_settings(folder: Path, **more: Any) -> Settings:
    """Over a new database in `folder`; more settings by field name."""
    given: dict[str, Any] = {
        "secret_key": KEY,
        "data_dir": static_files(),
        "database_url": migrated_database(folder / "kiosk.db"),
        "plugchoice_url": "http://127.0.0.1:9/api/v3",
    }
    return build_settings(**(given | more))


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.method} {request.url} was not expected")


def made_app(folder: Path, *, site: SiteBook | None = None, clock: Clock | None = None, **more: Any) -> Flask:
    """The whole app over a new database; more settings by field name. It is in testing mode: errors surface."""
    nothing = httpx.MockTransport(nobody)
    app = create_app(
        made_settings(folder, **more),
        site=site or SiteBook(),
        clock=clock or ManualClock(),
        transports=Transports(public=nothing, operator=nothing),
    )
    app.testing = True
    return app
