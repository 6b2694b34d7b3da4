"""What settings and `kiosk.toml` say by themselves. Nothing is opened, nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from kiosk.config.addresses import is_loopback
from kiosk.config.settings import STRIPE_API_URL, Settings
from kiosk.config.sites import SiteBook
from kiosk.config.union import may_be_in_union
from kiosk.domain.finding import Finding, about, bad, note, ok
from kiosk.outside import limits_of
from kiosk.service.selling import selling_problem, sells_unlisted

LEAST_VARIETY = 12
"""Different characters in a secret key: fewer is a typed phrase or a repeated letter, not a random key."""


def of_settings(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    """Every sentence names a setting, never its value where that is secret."""
    yield from about("Settings", [*_secret(settings), *_address(settings), *_money(settings)])
    yield from about("Sites", [*_operator(site), *_sites(site)])
    yield from about("Settings", [*_selling(settings, site), *_tablet(settings), *_limits(settings)])
    yield from about("Systems outside", [*_board(settings, site), *_pilot(settings, site), *_lab(settings)])


def _secret(settings: Settings) -> Iterator[Finding]:
    weak = any(len(set(key)) < LEAST_VARIETY for key in settings.secret_keys)
    if weak:
        yield bad("KIOSK_SECRET_KEY repeats few characters; make a random one: `openssl rand -base64 48`.")
    elif len(settings.secret_keys) > 1:
        yield ok("KIOSK_SECRET_KEY is being rotated; drop the old keys when 30 days have passed.")
    else:
        yield ok("KIOSK_SECRET_KEY looks random.")


def _address(settings: Settings) -> Iterator[Finding]:
    if is_loopback(urlsplit(settings.public_url).hostname):
        yield note(f"KIOSK_PUBLIC_URL is {settings.public_url}: only this machine can reach it.")
        return
    yield ok(f"Drivers see {settings.public_host}.")
    if settings.trusted_proxies and not is_loopback(settings.bind):
        yield note(
            f"KIOSK_BIND is {settings.bind} and KIOSK_TRUSTED_PROXIES is {settings.trusted_proxies}: whoever reaches "
            f"port {settings.port} without the proxy passes every limit; let only the proxy reach it."
        )
    if settings.trusted_proxies == 0:
        yield note("KIOSK_TRUSTED_PROXIES is 0: behind a proxy every driver would share one address and one limit.")


def _money(settings: Settings) -> Iterator[Finding]:
    if settings.stands_in_for_plugchoice:
        yield note("KIOSK_PLUGCHOICE_URL is on this machine: nothing that happens is real.")
    else:
        yield ok(f"Plugchoice is at {urlsplit(settings.plugchoice_url).netloc}.")
    if settings.stripe_api_key is None:
        yield note(
            "KIOSK_STRIPE_API_KEY is not set: the end of a hold is taken from Plugchoice, without Stripe's proof."
        )
    else:
        kind = "live" if settings.live_stripe_key else "test"
        at = "Stripe" if settings.stripe_api_url == STRIPE_API_URL else "a stand-in for Stripe"
        yield ok(f"The end of each hold is proven by {at}, with a {kind} key.")
    if settings.stripe_webhook_secret is None:
        yield note("KIOSK_STRIPE_WEBHOOK_SECRET is not set: payments are noticed by asking, a few seconds later.")


def _operator(site: SiteBook) -> Iterator[Finding]:
    operator = site.operator
    missing = [
        name
        for name in ("legal_name", "address", "vat_number", "vat_percent", "helpline")
        if getattr(operator, name) in (None, "")
    ]
    if missing:
        yield note(f"kiosk.toml does not say {', '.join(missing)} of the operator; receipts and pages need it by law.")
    else:
        yield ok(f"The seller is {operator.legal_name}.")


def _sites(site: SiteBook) -> Iterator[Finding]:
    if not site.sites:
        yield note("kiosk.toml lists no site: times are shown in UTC, and bays by their connector number.")
        return
    for each in site.sites:
        yield ok(f"{each.name} has {len(each.chargers)} chargers, in the time of {each.timezone}.")
        missing = [name for name in ("opening_hours", "renewable_percent") if getattr(each, name) is None]
        if missing and may_be_in_union(each.timezone):
            yield note(
                f"kiosk.toml does not say {', '.join(missing)} of {each.name}; drivers should know (rule EU-13)."
            )


def _selling(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    problem = selling_problem(settings, site)
    if problem is not None:
        yield bad(problem)
    elif sells_unlisted(settings):
        yield note("KIOSK_SELL_UNLISTED is true: chargers of other operators are sold under your name, too.")


def _tablet(settings: Settings) -> Iterator[Finding]:
    if settings.tablet_card_entry:
        yield note(
            "KIOSK_TABLET_CARD_ENTRY is on: a card form on a screen that you provide takes you out of PCI's SAQ A, "
            "which presumes the driver's own device; ask your acquirer or QSA first."
        )
    else:
        yield ok("Cards are typed on the driver's own phone; the tablet hands over to it.")


def _limits(settings: Settings) -> Iterator[Finding]:
    """Other limits than the documented ones: they count for nothing when Plugchoice does not know of them."""
    if settings.plugchoice_limits:
        told = ", ".join(f"{name} {most}" for name, most in settings.plugchoice_limits)
        yield note(f"KIOSK_PLUGCHOICE_LIMITS: {told} requests a minute. Have them in writing from Plugchoice.")


def _board(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    """Whether the board of each site can be kept fresh."""
    if settings.plugchoice_token is None:
        yield note("KIOSK_PLUGCHOICE_TOKEN is not set: the board of a site is read charger by charger.")
    else:
        yield ok("KIOSK_PLUGCHOICE_TOKEN is set: one read shows the whole board of a site.")
    one_by_one = [each for each in site.sites if settings.plugchoice_token is None or each.plugchoice_site is None]
    if settings.plugchoice_token is not None:
        for each in one_by_one:
            yield note(
                f"kiosk.toml names no plugchoice_site for {each.name}, so the token is of no use there. `kiosk sites` "
                "lists them, and the desk proposes one under Set-up."
            )
    # The budget of public reads is the kiosk's, however many sites share it.
    chargers = sum(len(each.chargers) for each in one_by_one)
    if chargers > limits_of(settings).get_charger * 2 // 3:
        names = ", ".join(each.name for each in one_by_one if each.chargers)
        yield note(
            f"No operator token serves the {chargers} chargers of {names}: the board cannot keep them fresh within "
            "60 s, and says so of each that is older."
        )


def _pilot(settings: Settings, site: SiteBook) -> Iterator[Finding]:
    if settings.chargepilot_url is None:
        yield note("ChargePilot is not set: the power that a driver is told is what the connector can do at most.")
        return
    parts = urlsplit(settings.chargepilot_url)
    if is_loopback(parts.hostname):
        yield note("KIOSK_CHARGEPILOT_URL is on this machine: the fuses are a stand-in's.")
    else:
        yield ok(f"ChargePilot is at {parts.netloc}.")
    for each in site.sites:
        if each.chargepilot_site is None:
            yield note(
                f"kiosk.toml names no chargepilot_site for {each.name}: its shared fuses are not known. `kiosk sites` "
                "lists them, and the desk proposes one under Set-up."
            )


def _lab(settings: Settings) -> Iterator[Finding]:
    if settings.ocpplab_url is None:
        yield ok("OCPPLAB is not set: the make of the chargers is not shown.")
    elif is_loopback(urlsplit(settings.ocpplab_url).hostname):
        yield note("KIOSK_OCPPLAB_URL is on this machine: the make of the chargers is a stand-in's.")
    else:
        yield ok(f"OCPPLAB is at {urlsplit(settings.ocpplab_url).netloc}.")


def of_time(now: datetime, installed: datetime) -> Iterator[Finding]:
    if now < installed - timedelta(days=1):
        yield bad(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, which is before {installed:%Y-%m-%d}, when the kiosk was "
            "installed; set it right."
        )
    else:
        yield ok(
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, which is after the kiosk was installed ({installed:%Y-%m-%d}). "
            "It was compared with nothing else."
        )
