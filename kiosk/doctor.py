"""`kiosk doctor`: what an operator should know before drivers come, in sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from kiosk.clock import Clock, SystemClock
from kiosk.settings import STRIPE_API_URL, Settings, is_loopback
from kiosk.site import SiteBook, load_site
from kiosk.store import Cipher, Store
from kiosk.upstream.budget import Budgets
from kiosk.upstream.errors import Refused, UpstreamError
from kiosk.upstream.plugchoice import PlugchoicePublic

LEAST_VARIETY = 12
"""Different characters in a secret key: fewer is a typed phrase or a repeated letter, not a random key."""


@dataclass(frozen=True)
class Finding:
    """`mark` is ok, note (works, but look at it) or BAD (will not work, or not safely)."""

    mark: str
    text: str

    @property
    def bad(self) -> bool:
        return self.mark == "BAD"


def examine(
    settings: Settings,
    *,
    online: bool = False,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
) -> list[Finding]:
    """All findings. `online` asks Plugchoice for one charger. Raises SettingsError for an unusable kiosk.toml."""
    clock = clock or SystemClock()
    site = load_site(settings.config)
    findings = [*_secret(settings), *_address(settings), *_money(settings), *_operator(site), *_sites(site)]
    findings += [*_store(settings), *_time(clock)]
    if online:
        findings += _plugchoice(settings, site, clock, transport)
    return findings


def _ok(text: str) -> Finding:
    return Finding("ok", text)


def _note(text: str) -> Finding:
    return Finding("note", text)


def _bad(text: str) -> Finding:
    return Finding("BAD", text)


def _secret(settings: Settings) -> Iterator[Finding]:
    weak = any(len(set(key)) < LEAST_VARIETY for key in settings.secret_keys)
    if weak:
        yield _bad("KIOSK_SECRET_KEY repeats few characters; make a random one: `openssl rand -base64 48`.")
    elif len(settings.secret_keys) > 1:
        yield _ok("KIOSK_SECRET_KEY is being rotated; drop the old keys when 30 days have passed.")
    else:
        yield _ok("KIOSK_SECRET_KEY looks random.")


def _address(settings: Settings) -> Iterator[Finding]:
    if is_loopback(urlsplit(settings.public_url).hostname):
        yield _note(f"KIOSK_PUBLIC_URL is {settings.public_url}: only this machine can reach it.")
        return
    yield _ok(f"Drivers see {settings.public_host}.")
    if settings.trusted_proxies == 0:
        yield _note("KIOSK_TRUSTED_PROXIES is 0: behind a proxy every driver would share one address and one limit.")


def _money(settings: Settings) -> Iterator[Finding]:
    if settings.stands_in_for_plugchoice:
        yield _note("KIOSK_PLUGCHOICE_URL is on this machine: nothing that happens is real.")
    else:
        yield _ok(f"Plugchoice is at {urlsplit(settings.plugchoice_url).netloc}.")
    if settings.stripe_api_key is None:
        yield _note(
            "KIOSK_STRIPE_API_KEY is not set: the end of a hold is taken from Plugchoice, without Stripe's proof."
        )
    else:
        kind = "live" if settings.live_stripe_key else "test"
        at = "Stripe" if settings.stripe_api_url == STRIPE_API_URL else "a stand-in for Stripe"
        yield _ok(f"The end of each hold is proven by {at}, with a {kind} key.")
    if settings.stripe_webhook_secret is None:
        yield _note("KIOSK_STRIPE_WEBHOOK_SECRET is not set: payments are noticed by asking, a few seconds later.")


def _operator(site: SiteBook) -> Iterator[Finding]:
    operator = site.operator
    missing = [
        name
        for name in ("legal_name", "address", "vat_number", "vat_percent", "helpline")
        if not getattr(operator, name)
    ]
    if missing:
        yield _note(f"kiosk.toml does not say {', '.join(missing)} of the operator; receipts and pages need it by law.")
    else:
        yield _ok(f"The seller is {operator.legal_name}.")


def _sites(site: SiteBook) -> Iterator[Finding]:
    if not site.sites:
        yield _note("kiosk.toml lists no site: times are shown in UTC, and bays by their connector number.")
        return
    for each in site.sites:
        yield _ok(f"{each.name} has {len(each.chargers)} chargers, in the time of {each.timezone}.")


def _store(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        nearest = next(parent for parent in folder.parents if parent.exists())
        if os.access(nearest, os.W_OK):
            yield _note(f"The folder {folder} is not there yet; the first start makes it.")
        else:
            yield _bad(f"The folder {folder} is not there and cannot be made; create it, or set KIOSK_DATA_DIR.")
        return
    if not os.access(folder, os.W_OK):
        yield _bad(f"The folder {folder} cannot be written; give it to the kiosk's user.")
        return
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    if not file.exists():
        yield _note(f"There is no database at {file} yet; the first start makes it, or `kiosk migrate`.")
        return
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        yield (
            _ok("The database answers.") if store.healthy() else _bad("The database lacks its tables: `kiosk migrate`.")
        )
    finally:
        store.close()


def _time(clock: Clock) -> Iterator[Finding]:
    installed = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    now = clock.now()
    if now < installed - timedelta(days=1):
        yield _bad(f"The clock says {now:%Y-%m-%d %H:%M} UTC, which is before the kiosk was installed; set it right.")
    else:
        yield _ok(f"The clock says {now:%Y-%m-%d %H:%M} UTC.")


def _plugchoice(
    settings: Settings, site: SiteBook, clock: Clock, transport: httpx.BaseTransport | None
) -> Iterator[Finding]:
    if not site.codes:
        yield _note("Plugchoice was not asked: kiosk.toml lists no charger.")
        return
    code = site.codes[0]
    public = PlugchoicePublic(settings.plugchoice_url, clock=clock, budgets=Budgets(), transport=transport)
    try:
        card = public.get_charger(code)
    except Refused:
        yield _bad(f"Plugchoice answers, but charger {code} has no public charging; check its code.")
    except UpstreamError:
        yield _bad("Plugchoice does not answer; check the network, and KIOSK_PLUGCHOICE_URL.")
    else:
        state = "is online" if card.online else "has no connection"
        yield _ok(f"Plugchoice answers: charger {code} {state}.")
        if not card.sellable:
            yield _bad(f"Charger {code} has no price or no hold; set both in Plugchoice.")
    finally:
        public.close()
