"""`kiosk export`: write the tables of a month now, or try the place that they go to, in sentences."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from secrets import token_hex
from zoneinfo import ZoneInfo

from kiosk.config.settings import SettingsError
from kiosk.config.sites import Site
from kiosk.domain.nightly import month_of, night_of
from kiosk.service.tables_words import WHY
from kiosk.store.store import Store
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.shelf.monthly import NightlyPlan, put_month
from kiosk.upstream.shelf.shelf import Shelf, why_not

NOT_SET = "No place is set for the tables: set KIOSK_EXPORT_TO to a folder, an address of WebDAV or s3://bucket."


def chosen_month(text: str | None, site: Site, now: datetime) -> date:
    """That one, or the running one. Raises SettingsError."""
    zone = ZoneInfo(site.timezone)
    running = night_of(now, zone).date().replace(day=1)
    month = running if text is None else month_of(text)
    if month is None:
        raise SettingsError("That is no month: --month 2026-11.")
    if month > now.astimezone(zone).date():
        raise SettingsError("That is still to come.")
    return month


def write_now(store: Store, plan: NightlyPlan | None, site: Site, month: date, now: datetime) -> str:
    """Write a month as the engine does at night. Raises SettingsError with what is wrong."""
    if plan is None:
        raise SettingsError(NOT_SET)
    try:
        count = put_month(plan, site.id, month, now)
    except (UpstreamError, OSError) as error:
        raise SettingsError(f"The tables of {month:%Y-%m} were not written: {WHY[why_not(error)]}.") from None
    store.nightly.note_written(site.id, month, now)
    return f"{count} files of {month:%Y-%m} of {site.name} are at {plan.shelf.said}."


def tried(shelf: Shelf | None) -> Iterator[str]:
    """Write a small file there, read it back, and take it away. Raises SettingsError with what is wrong."""
    if shelf is None:
        raise SettingsError(NOT_SET)
    name, word = f"kiosk-test-{token_hex(4)}.json", token_hex(16)
    step = "written"
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            file.write_text(json.dumps({"kiosk": word}), encoding="utf-8")
            shelf.put(name, file)
        yield f"A small file was written to {shelf.said}."
        step = "read back"
        if shelf.read(name) != {"kiosk": word}:
            raise SettingsError("It was read back, and holds something else: look at what stands before that place.")
        yield "It was read back, and holds what was written."
        step = "taken away"
        shelf.delete(name)
        yield "It was taken away. Tables can go there."
    except UpstreamError as error:
        raise SettingsError(f"A small file could not be {step} at {shelf.said}: {WHY[why_not(error)]}.") from None
