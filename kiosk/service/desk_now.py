"""What happens at this moment, for the desk: open sessions, holds, starts that wait, calls, duties, tablets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.domain.money import Money
from kiosk.domain.status import Status
from kiosk.service.parts import Parts
from kiosk.store.finding import FoundSession, Wanted
from kiosk.store.records import Tablet

MINUTE = timedelta(seconds=60)
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Now:
    """`open` has what Plugchoice has made, the newest first; `waiting` starts are not sent yet. `held` sums each
    currency; `oldest` has been held the longest. `calls`: how many left in the last minute, by endpoint; `closed`: what
    takes none, and until when.
    """

    at: datetime
    open: tuple[FoundSession, ...]
    charging: int
    waiting: int
    held: tuple[Money, ...]
    oldest: FoundSession | None
    alive: bool
    trouble: str | None
    duties: Sequence[Mapping[str, object]]
    calls: Mapping[str, int]
    closed: Mapping[str, datetime]
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
    return Now(
        at=now,
        open=found,
        charging=sum(one.session.known_status is Status.CHARGING for one in found),
        waiting=sum(codes is None or one.code in codes for one in store.waiting_starts()),
        held=tuple(Money(minor, currency) for currency, minor in sorted(sums.items())),
        oldest=min(holding, key=lambda one: one.session.authorized_at or one.session.requested_at, default=None),
        alive=parts.engine.alive(),
        trouble=trouble.value if trouble is not None else None,
        duties=parts.engine.duties(),
        calls=Counter(str(endpoint) for endpoint, _at in store.calls_since(now - MINUTE)),
        closed={door: until for door, until in store.closures(now).items() if until > now},
        tablets=tuple(one for one in store.tablets() if sites is None or one.site_id in sites),
    )
