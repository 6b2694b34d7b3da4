"""`kiosk tablet`: one-use codes for the screens of a site, which screens there are, and parting with a lost one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook
from kiosk.service.pairing import CODE_LIVES, free_name, same_name, spaced
from kiosk.store import Store

DEMO_CODE_LIVES = timedelta(days=1)


def pair(store: Store, book: SiteBook, address: str, now: datetime, *, site: str | None, name: str | None) -> list[str]:
    """Lines with a new code, where to type it and until when. Raises SettingsError."""
    chosen = book.chosen_site(site)
    name = free_name(store, now, name)
    until = now + CODE_LIVES
    code = store.new_pairing(chosen.id, name, now, until)
    return [
        f"Pairing code  {spaced(code)}",
        f"Type it at    {address}/tablet/",
        f"Good until    {until.astimezone(ZoneInfo(chosen.timezone)):%H:%M} ({chosen.timezone}), once",
        f"For           {name}, a screen of {chosen.name}",
    ]


def demo_code(store: Store, book: SiteBook, now: datetime, rate: float) -> str:
    """A code for one screen of the demo's site, good for a day of people's time."""
    site = book.chosen_site(None)
    return spaced(store.new_pairing(site.id, "demo", now, now + DEMO_CODE_LIVES * rate))


def listing(store: Store, book: SiteBook) -> Iterator[str]:
    """The paired tablets, one a line, times in the zone of their site."""
    rows: list[tuple[str, ...]] = [("id", "name", "site", "paired", "last seen", "version")]
    for one in store.tablets():
        site = book.site(one.site_id)
        zone = ZoneInfo(site.timezone if site is not None else "UTC")
        times = [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (one.paired_at, one.last_seen_at)]
        gone = "" if site is not None else " (not in kiosk.toml)"
        rows.append((str(one.id), one.name, one.site_id + gone, *times, one.version or "-"))
    if len(rows) == 1:
        yield "No tablet is paired. `kiosk tablet pair` makes a code for one."
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def unpair(store: Store, which: str, now: datetime) -> str:
    """Part with the tablet of that id or name; the sentence that says so. Raises SettingsError."""
    paired = store.tablets()
    found = [one for one in paired if which == str(one.id)] or [one for one in paired if same_name(which, one.name)]
    if not found:
        raise SettingsError(f"No tablet with the id or name {which!r} is paired: see `kiosk tablet list`.")
    if len(found) > 1:
        ids = ", ".join(str(one.id) for one in found)
        raise SettingsError(f"Several tablets are called {which!r}: take one of the ids {ids}.")
    (tablet,) = found
    store.unpair(tablet.id, now)
    return f"Tablet {tablet.id} ({tablet.name}) is unpaired: it shows no bays any more, and its codes open nothing."
