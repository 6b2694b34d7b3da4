"""All findings, for whoever has no running kiosk at hand: the store is opened for them, and clients are made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kiosk.clock import Clock, SystemClock
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook, load_site
from kiosk.doctor.by_asking import Headers, Protocol, everybody, in_front
from kiosk.doctor.front import headers_at, protocol_at
from kiosk.doctor.of_settings import of_settings, of_time
from kiosk.doctor.of_store import of_database, of_every_row, of_files, of_folder, of_store
from kiosk.domain.finding import Finding, about
from kiosk.outside import NETWORK, Transports, connect, limits_of
from kiosk.service.crosswalk import joined_from
from kiosk.service.selling import learns_own
from kiosk.store import Cipher, Store
from kiosk.upstream.plugchoice.budget import Budgets


def examine(
    settings: Settings,
    *,
    online: bool = False,
    clock: Clock | None = None,
    transports: Transports = NETWORK,
    installed: datetime | None = None,
    protocol: Protocol = protocol_at,
    headers: Headers = headers_at,
) -> list[Finding]:
    """All findings. `online` asks every system that is set; `protocol` and `headers` then say what an address speaks.
    `installed` is when the kiosk's files were written, which a right clock has passed; None reads it from the files.
    Raises SettingsError for an unusable kiosk.toml.
    """
    clock = clock or SystemClock()
    stored, site = _opened(settings, load_site(settings.config), clock.now())
    findings = [*of_settings(settings, site), *stored]
    findings += about("Clock", of_time(clock.now(), installed or written_at()))
    if online:
        findings += in_front(settings, protocol, headers)
        outside = connect(settings, clock, Budgets(limits_of(settings)), transports)
        try:
            findings += everybody(outside, site, learns=learns_own(settings))
        finally:
            outside.close()
    return findings


def written_at() -> datetime:
    """When the kiosk's files were put on this machine: a right clock has passed it."""
    return datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)


def _opened(settings: Settings, configured: SiteBook, now: datetime) -> tuple[list[Finding], SiteBook]:
    """What the store says; and the book with what people have confirmed at the desk, where it can be read."""
    closed = list(about("Store", of_folder(settings)))
    if closed:
        return closed, configured
    found = list(of_files(settings))
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        away = list(about("Store", of_database(settings, store)))
        if away:
            return [*found, *away], configured
        site = joined_from(configured, store)
        return [*found, *of_store(settings, site, store, now), *of_every_row(store, now)], site
    finally:
        store.close()
