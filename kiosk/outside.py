"""The clients of the systems outside, made from the settings: once, for the kiosk, the doctor and a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
import requests
from pydantic import SecretStr

from kiosk.clock import Clock
from kiosk.config.settings import STRIPE_API_URL, Settings, SettingsError
from kiosk.domain.telling import Channel, Receiver
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.http import OnCall
from kiosk.upstream.notice.client import Herald
from kiosk.upstream.notice.other_services import is_usable
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.pictures import Pictures
from kiosk.upstream.oidc.client import OpenIdDirectory
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint, Limits
from kiosk.upstream.plugchoice.operator import REQUESTS_A_MINUTE, PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic
from kiosk.upstream.shelf.folder import Folder
from kiosk.upstream.shelf.monthly import MakeTables, NightlyPlan
from kiosk.upstream.shelf.s3 import S3
from kiosk.upstream.shelf.shelf import Shelf
from kiosk.upstream.shelf.webdav import WebDav
from kiosk.upstream.smtp.client import Mailer
from kiosk.upstream.stripe.client import StripeProofs
from kiosk.upstream.stripe.refunds import StripeRefunds

OPERATOR = "operator"
"""Under this name KIOSK_PLUGCHOICE_LIMITS has the limit of the operator's user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transports:
    """What carries the calls of each client; None is the network. The sandbox is one more set of these."""

    public: httpx.BaseTransport | None = None
    """To Plugchoice's public endpoints."""
    operator: httpx.BaseTransport | None = None
    """To Plugchoice's operator endpoints, at the address of the public ones."""
    pilot: httpx.BaseTransport | None = None
    lab: httpx.BaseTransport | None = None
    directory: httpx.BaseTransport | None = None
    shelf: httpx.BaseTransport | None = None
    stripe: requests.Session | None = None
    """Stripe's library speaks requests."""
    pictures: bool = True
    """Whether pictures are fetched. Those that a stand-in names lie nowhere, so nobody is asked for them."""


NETWORK = Transports()


@dataclass(frozen=True, slots=True)
class Outside:
    """One client a system. None: the settings do not turn that system on."""

    public: PlugchoicePublic
    budgets: Budgets
    """What `public` may ask in a minute."""
    proofs: StripeProofs | None
    refunds: StripeRefunds | None
    operator: PlugchoiceOperator | None
    pilot: ChargePilot | None
    lab: Ocpplab | None
    pictures: Pictures | None
    mailer: Mailer | None
    herald: Herald
    shelf: Shelf | None = None
    """Takes the tables of each month."""
    directory: OpenIdDirectory | None = None
    """Says who somebody is that comes to the desk."""

    def room(self, clock: Clock) -> dict[str, Callable[[], int]]:
        """By public endpoint: asks how many requests may leave now."""
        return {each.value: partial(_free, self.budgets, each, clock) for each in Endpoint}

    def limits(self) -> dict[str, Callable[[], int]]:
        """By public endpoint: asks how many requests a minute it takes, ours or upstream's word."""
        return {each.value: partial(self.budgets.limit, each) for each in Endpoint}

    def close(self) -> None:
        """End the connections; a call that comes later raises NotSent. May be called twice."""
        for client in (
            self.public,
            self.proofs,
            self.refunds,
            self.operator,
            self.pilot,
            self.lab,
            self.pictures,
            self.herald,
            self.directory,
            self.shelf,
        ):
            if client is not None:
                client.close()


def _free(budgets: Budgets, endpoint: Endpoint, clock: Clock) -> int:
    return budgets.free(endpoint, clock.now())


Observed = Callable[[str], OnCall]
"""Gives each client, by the name of its system, whom it tells of its calls."""


def _unobserved(_system: str) -> OnCall:
    return lambda _endpoint, _outcome, _status, _seconds: None


def connect(
    settings: Settings,
    clock: Clock,
    budgets: Budgets,
    transports: Transports = NETWORK,
    observed: Observed = _unobserved,
) -> Outside:
    """A client for every system that the settings turn on. Nobody is called yet."""
    lab = _lab(settings, clock, transports, observed)
    return Outside(
        public=PlugchoicePublic(
            settings.plugchoice_url,
            clock=clock,
            budgets=budgets,
            transport=transports.public,
            on_call=observed("plugchoice"),
        ),
        budgets=budgets,
        proofs=_proofs(settings, clock, transports, observed),
        refunds=_refunds(settings, clock, transports, observed),
        operator=_operator(settings, clock, transports, observed),
        pilot=_pilot(settings, clock, transports, observed),
        lab=lab,
        mailer=_mailer(settings),
        herald=Herald(_plain(settings.notify_secret), _plain(settings.ntfy_token)),
        shelf=_shelf(settings, clock, transports, observed),
        directory=_directory(settings, clock, transports, observed),
        pictures=Pictures() if lab is not None and transports.pictures else None,
    )


def check_addresses(told: Iterable[Receiver]) -> None:
    """Raises SettingsError for an address that Apprise cannot use. Asks nobody, and names no address."""
    for one in told:
        if one.channel is Channel.APPRISE and not is_usable(one.address):
            raise SettingsError(
                f"notify {one.name!r}: Apprise cannot use its address: it knows no such service, or a part is missing."
                " Compare it with Apprise's list of services."
            )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _mailer(settings: Settings) -> Mailer | None:
    if settings.smtp_host is None or settings.smtp_from is None:
        return None
    return Mailer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_from,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password is not None else None,
    )


Note = Callable[[str, datetime], None]
"""Writes down the name of an endpoint, and a time."""


def remembered_budgets(note_call: Note, note_closure: Note, limits: Limits | None = None) -> Budgets:
    """Budgets that have each call written down, and until when upstream wants to be left alone: the next process then
    knows how much of a minute is spent, and which door is closed. `limits`: None for the documented ones.
    """

    def took(endpoint: Endpoint, at: datetime) -> None:
        note_call(endpoint.value, at)

    def closed(endpoint: Endpoint, until: datetime) -> None:
        note_closure(endpoint.value, until)

    return Budgets(limits, on_take=took, on_close=closed)


def limits_of(settings: Settings) -> Limits:
    """What the public endpoints take in a minute: as documented, or as the operator has agreed with Plugchoice."""
    return Limits(**{name: most for name, most in settings.plugchoice_limits if name != OPERATOR})


def budgets_of(settings: Settings) -> dict[str, int]:
    """How many requests may leave in a minute: by public endpoint, and those of the operator's user if there is one."""
    found = {each.value: limits_of(settings).of(each) for each in Endpoint}
    if settings.plugchoice_token is not None:
        found[OPERATOR] = dict(settings.plugchoice_limits).get(OPERATOR, REQUESTS_A_MINUTE)
    return found


def _operator(
    settings: Settings, clock: Clock, transports: Transports, observed: Observed
) -> PlugchoiceOperator | None:
    if settings.plugchoice_token is None:
        return None
    token = settings.plugchoice_token.get_secret_value()
    return PlugchoiceOperator(
        settings.plugchoice_url,
        token,
        clock=clock,
        transport=transports.operator,
        on_call=observed("plugchoice_operator"),
        per_minute=dict(settings.plugchoice_limits).get(OPERATOR, REQUESTS_A_MINUTE),
    )


def _pilot(settings: Settings, clock: Clock, transports: Transports, observed: Observed) -> ChargePilot | None:
    url, key, secret = settings.chargepilot_url, settings.chargepilot_key, settings.chargepilot_secret
    if url is None or key is None or secret is None:
        return None
    return ChargePilot(
        url,
        key.get_secret_value(),
        secret.get_secret_value(),
        clock=clock,
        full_path=settings.chargepilot_path == "full",
        transport=transports.pilot,
        on_call=observed("chargepilot"),
    )


def _directory(settings: Settings, clock: Clock, transports: Transports, observed: Observed) -> OpenIdDirectory | None:
    issuer, client, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    if issuer is None or client is None or secret is None:
        return None
    return OpenIdDirectory(
        issuer,
        client,
        secret.get_secret_value(),
        settings.oidc_claim,
        clock=clock,
        transport=transports.directory,
        on_call=observed("directory"),
    )


def nightly(outside: Outside, make: MakeTables, workshop: Path) -> NightlyPlan | None:
    """Where the tables of each month go, made in a folder within `workshop`; None: no place is set."""
    return NightlyPlan(outside.shelf, make, workshop) if outside.shelf is not None else None


def _shelf(settings: Settings, clock: Clock, transports: Transports, observed: Observed) -> Shelf | None:
    place, user, password = settings.export_to, settings.export_user, _plain(settings.export_password)
    if place is None:
        return None
    if place.startswith("/"):
        return Folder(Path(place))
    on_call = observed("tables")
    if not place.startswith("s3://"):
        return WebDav(place, user, password, transport=transports.shelf, on_call=on_call)
    region = settings.export_region
    return S3(
        settings.export_s3_url or f"https://s3.{region}.amazonaws.com",
        place.removeprefix("s3://"),
        region,
        user or "",
        password or "",
        clock=clock,
        transport=transports.shelf,
        on_call=on_call,
    )


def _lab(settings: Settings, clock: Clock, transports: Transports, observed: Observed) -> Ocpplab | None:
    if settings.ocpplab_url is None or settings.ocpplab_token is None:
        return None
    token = settings.ocpplab_token.get_secret_value()
    return Ocpplab(
        settings.ocpplab_url,
        token,
        clock=clock,
        prefix=settings.ocpplab_prefix,
        transport=transports.lab,
        on_call=observed("ocpplab"),
    )


def _proofs(settings: Settings, clock: Clock, transports: Transports, observed: Observed) -> StripeProofs | None:
    if settings.stripe_api_key is None:
        return None
    base = None if settings.stripe_api_url == STRIPE_API_URL else settings.stripe_api_url
    return StripeProofs(
        settings.stripe_api_key.get_secret_value(),
        base,
        clock=clock,
        http_session=transports.stripe,
        on_call=observed("stripe"),
    )


def _refunds(settings: Settings, clock: Clock, transports: Transports, observed: Observed) -> StripeRefunds | None:
    if settings.stripe_refund_key is None:
        return None
    base = None if settings.stripe_api_url == STRIPE_API_URL else settings.stripe_api_url
    return StripeRefunds(
        settings.stripe_refund_key.get_secret_value(),
        base,
        clock=clock,
        http_session=transports.stripe,
        on_call=observed("stripe"),
    )
