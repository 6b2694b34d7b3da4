"""What happens at this moment, for the desk: bays, open sessions, holds, starts that wait, budgets, systems, duties,
tablets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.config.sites import Site
from kiosk.domain.freshness import Freshness, freshness_of
from kiosk.domain.money import Money
from kiosk.domain.status import Status
from kiosk.service.bays import BayNow, read_site
from kiosk.service.parts import Parts
from kiosk.service.systems import SystemSeen
from kiosk.store.finding import FoundSession, Wanted
from kiosk.store.records import Tablet

MINUTE = timedelta(seconds=60)
MOST_SHOWN = 500
OPERATOR = "operator"
"""The budget of the operator's view, whose calls are counted by the process that makes them."""
OPERATOR_SYSTEM = "plugchoice_operator"


@dataclass(frozen=True, slots=True)
class Budget:
    """One kind of request to Plugchoice: `used` left in the last minute, of at most `most`. Until `closed_until`
    Plugchoice takes none. `here`: only those of this process are counted.
    """

    name: str
    used: int
    most: int
    closed_until: datetime | None
    here: bool = False

    @property
    def left(self) -> int:
        return 0 if self.closed_until is not None else max(0, self.most - self.used)


@dataclass(frozen=True, slots=True)
class BayAtDesk:
    """`session`: which open one keeps the bay, if any is seen to."""

    bay: BayNow
    session: FoundSession | None


@dataclass(frozen=True, slots=True)
class SiteAtDesk:
    site: Site
    bays: tuple[BayAtDesk, ...]


@dataclass(frozen=True, slots=True)
class Now:
    """`open` has what Plugchoice has made, the newest first; `waiting` starts are not sent yet. `kw` is the power of
    what charges, as far as it is known: of `known_kw` sessions. `held` sums each currency; `oldest` has been held the
    longest. `closed`: doors that no budget names and that take nothing, and until when.
    """

    at: datetime
    open: tuple[FoundSession, ...]
    charging: int
    kw: Decimal
    known_kw: int
    waiting: int
    held: tuple[Money, ...]
    holds: int
    oldest: FoundSession | None
    alive: bool
    trouble: str | None
    sites: tuple[SiteAtDesk, ...]
    duties: Sequence[Mapping[str, object]]
    budgets: tuple[Budget, ...]
    closed: Mapping[str, datetime]
    systems: Sequence[SystemSeen]
    tablets: tuple[Tablet, ...]


def now_at(parts: Parts, codes: tuple[str, ...] | None, sites: frozenset[str] | None) -> Now:
    """As the store has it, of the chargers and sites that somebody may see; None: of all."""
    store, now = parts.store, parts.clock.now()
    found = tuple(store.finding.page(Wanted(codes=codes, open=True), now, None, MOST_SHOWN))
    sums: Counter[str] = Counter()
    holding = []
    for one in found:
        money = one.session.money(one.session.authorized_minor)
        if money is not None and money.minor:
            sums[money.currency] += money.minor
            holding.append(one)
    trouble = store.trouble
    charging = [one.session for one in found if one.session.known_status is Status.CHARGING]
    heard = [one for one in charging if freshness_of(one, now) is not Freshness.LOST]
    powers = [power for one in heard if (power := one.power_kw) is not None]
    closed = {door: until for door, until in store.closures(now).items() if until > now}
    systems = parts.systems(now)
    return Now(
        at=now,
        open=found,
        charging=len(charging),
        kw=sum(powers, Decimal(0)),
        known_kw=len(powers),
        waiting=sum(codes is None or one.code in codes for one in store.waiting_starts()),
        held=tuple(Money(minor, currency) for currency, minor in sorted(sums.items())),
        holds=len(holding),
        oldest=min(holding, key=lambda one: one.session.authorized_at or one.session.requested_at, default=None),
        alive=parts.engine.alive(),
        trouble=trouble.value if trouble is not None else None,
        sites=tuple(_site(parts, site, found) for site in parts.site.sites if sites is None or site.id in sites),
        duties=parts.engine.duties(),
        budgets=tuple(_budgets(parts, now, closed, systems)),
        closed={door: until for door, until in closed.items() if door not in parts.limits},
        systems=systems,
        tablets=tuple(one for one in store.tablets() if sites is None or one.site_id in sites),
    )


def _site(parts: Parts, site: Site, found: Sequence[FoundSession]) -> SiteAtDesk:
    keepers = {(one.session.code, one.session.connector_id): one for one in reversed(found)}
    bays = read_site(parts, site).bays
    return SiteAtDesk(site, tuple(BayAtDesk(bay, keepers.get((bay.charger.code, bay.connector_id))) for bay in bays))


def _budgets(
    parts: Parts, now: datetime, closed: Mapping[str, datetime], systems: Sequence[SystemSeen]
) -> list[Budget]:
    used = Counter(str(endpoint) for endpoint, _at in parts.store.calls_since(now - MINUTE))
    used[OPERATOR] = sum(one.asked for one in systems if one.name == OPERATOR_SYSTEM)
    return [
        Budget(name, used[name], most, closed.get(name), here=name == OPERATOR) for name, most in parts.limits.items()
    ]
