"""Plugchoice for the operator: what stands on a site, what it does now and what was charged there. Reads only.

Source: developer.plugchoice.com, API reference (sites, chargers, transactions, connectors, charger settings). The limit
of 500 requests a minute counts per user, whatever the endpoint, so all calls share one window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

import httpx

from kiosk.clock import Clock
from kiosk.domain.commands import Refusal
from kiosk.domain.site_board import (
    Listing,
    Location,
    MeterReading,
    PowerUsage,
    PublicCharging,
    SiteCharger,
    SiteConnector,
    SiteTransaction,
)
from kiosk.upstream.errors import NoAnswer, Refused, UpstreamError, redact
from kiosk.upstream.http import DEFAULT_TIME_LIMITS, Answer, Http, OnCall, TimeLimits, reported
from kiosk.upstream.plugchoice import operator_reading as reading
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint, Limits
from kiosk.upstream.problems import DEFAULT_RETRY, read_problem, retry_after

T = TypeVar("T")
TransactionStatus = Literal["active", "finished"]

REQUESTS_A_MINUTE = 500
PAGE_SIZE = 25
MOST_PAGES = 100
MOST_TRANSACTIONS = 10_000
LARGEST_PAGE = 16 * 1024 * 1024
"""Bytes: a page of 10,000 transactions, each of which takes some 700."""
LONGEST_LISTING = timedelta(minutes=2)
_WINDOW = Endpoint.GET_SESSION
"""`Budgets` has a window for each public endpoint; of the operator's own book only this one is used, by all calls."""
_TOKEN = re.compile(r"[!-~]{1,8192}", re.ASCII)
"""Access tokens of OAuth are often signed documents of a thousand letters and more."""
_LONGEST_ID = 512
_NO_SUCH_PAGE = frozenset({400, 404, 422})


@dataclass(frozen=True, slots=True)
class Leaf(Generic[T]):
    """One page of a list. `complete`: it is the last one, and nothing is missing; `total_kwh` as told until now."""

    entries: tuple[T, ...]
    complete: bool
    number: int
    total_kwh: Decimal | None


class PlugchoiceOperator:
    """Thread-safe; one attempt a request; raises nothing but `UpstreamError`. `transport` is the seam for tests.

    `Refused.status` says why: 401 the token, 403 no permission, 404 no such thing, 422 a bad filter, 0 an argument that
    cannot be right and was never sent. 500 and 504 are NoAnswer. A list is whole or an error: when a later page fails,
    what was read before it is thrown away. Reads have no effect, so any of them may be repeated.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        clock: Clock,
        limits: TimeLimits = DEFAULT_TIME_LIMITS,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
        per_minute: int = REQUESTS_A_MINUTE,
    ) -> None:
        if not _TOKEN.fullmatch(token):
            raise ValueError("the operator's token must be printable text without blanks")
        self._http = Http(base_url, limits=limits, transport=transport, largest_body=LARGEST_PAGE)
        self._token = token
        self._clock = clock
        self.per_minute = per_minute
        self._budget = Budgets(Limits(get_session=per_minute))
        self._on_call = on_call

    def close(self) -> None:
        self._http.close()

    # --- what stands there

    def sites(self) -> Listing[Location]:
        return self._list("operator_sites", "/sites", reading.read_location, lambda each: each.uuid)

    def site_chargers(self, site: str) -> Listing[SiteCharger]:
        """The chargers of a site, with connectors but without their errors."""
        path = f"/sites/{_part(site)}/chargers"
        return self._list("operator_site_chargers", path, reading.read_charger, lambda each: each.ref.uuid)

    def site_connectors(self, site: str) -> Listing[SiteConnector]:
        """Every connector of a site with its status: the cheapest read of a whole board."""

        def key(each: SiteConnector) -> Hashable:
            return each.charger.uuid or each.charger.id or each.charger.identity, each.connector.connector_id

        path = f"/sites/{_part(site)}/connectors"
        return self._list("operator_site_connectors", path, reading.read_site_connector, key)

    def chargers(self) -> Listing[SiteCharger]:
        """Every charger that the token may see, without connectors."""
        return self._list("operator_chargers", "/chargers", reading.read_charger, lambda each: each.ref.uuid)

    def charger(self, uuid: str) -> SiteCharger:
        def read(body: object) -> SiteCharger:
            return reading.read_one_charger(body, uuid)

        return self._ask("operator_charger", f"/chargers/{_part(uuid)}", read)

    def public_charging(self, uuid: str) -> PublicCharging:
        """A charger's price and its public code."""
        path = f"/chargers/{_part(uuid)}/settings/public-charging"
        return self._ask("operator_public_charging", path, reading.read_public_charging)

    # --- what happens there

    def site_transactions(
        self,
        site: str,
        status: TransactionStatus | None = None,
        *,
        started_from: datetime | None = None,
        stopped_until: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[SiteTransaction]:
        """Charges on a site. With `limit` (1 to 10,000) at most so many, and not complete when there were as many."""
        query = _filters(status, started_from, stopped_until, limit)
        path = f"/sites/{_part(site)}/transactions"
        return self._transactions("operator_site_transactions", path, query, limit)

    def transaction_pages(
        self, site: str, status: TransactionStatus, *, started_from: datetime, stopped_until: datetime
    ) -> Iterator[Leaf[SiteTransaction]]:
        """Charges on a site, page by page of 10,000: what was read before a page fails is not lost.

        Raises as any other read does, at the page that fails.
        """
        query = _filters(status, started_from, stopped_until, MOST_TRANSACTIONS)
        path = f"/sites/{_part(site)}/transactions"
        return self._leaves("operator_site_transactions", path, reading.read_transaction, lambda each: each.id, query)

    def room(self) -> int:
        """How many requests may leave now."""
        return self._budget.free(_WINDOW, self._clock.now())

    def charger_transactions(
        self,
        uuid: str,
        status: TransactionStatus | None = None,
        *,
        started_from: datetime | None = None,
        stopped_until: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[SiteTransaction]:
        """Charges at one charger; see `site_transactions`. Upstream may leave out which charger and connector."""
        query = _filters(status, started_from, stopped_until, limit)
        path = f"/chargers/{_part(uuid)}/transactions"
        return self._transactions("operator_charger_transactions", path, query, limit)

    def power_usage(self, uuid: str, connector_id: int) -> PowerUsage:
        path = f"/chargers/{_part(uuid)}/connectors/{connector_id}/power-usage"
        return self._ask("operator_power_usage", path, reading.read_power)

    def latest_meter(self, uuid: str, connector_id: int) -> MeterReading:
        """The energy register now: less a running transaction's `meter_start_wh` it is what was charged."""

        def read(body: object) -> MeterReading:
            return reading.read_meter(body, connector_id)

        path = f"/chargers/{_part(uuid)}/connectors/{connector_id}/latest-metervalue"
        return self._ask("operator_latest_meter", path, read)

    # --- inside

    def _transactions(
        self, endpoint: str, path: str, query: Mapping[str, str], limit: int | None
    ) -> Listing[SiteTransaction]:
        return self._list(endpoint, path, reading.read_transaction, lambda each: each.id, query, limit)

    def _list(
        self,
        endpoint: str,
        path: str,
        read: Callable[[object], T | None],
        key: Callable[[T], Hashable],
        query: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Listing[T]:
        """Page after page. What moved from one page to the next while they were read is taken once, as last seen.

        Our own filters go with every page, because a next address may lack them. A page that is bare of addresses and
        full is followed by a guess.
        """
        found: dict[Hashable, T] = {}
        asked = self._clock.now()
        leaf: Leaf[T] = Leaf((), complete=False, number=0, total_kwh=None)
        for leaf in self._leaves(endpoint, path, read, key, query):
            found.update((key(entry), entry) for entry in leaf.entries)
            if limit is not None and len(found) >= limit:
                leaf = replace(leaf, complete=False)
                break
        entries = tuple(found.values())[:limit]
        return Listing(entries, leaf.complete, asked, self._clock.now(), leaf.number, leaf.total_kwh)

    def _leaves(
        self,
        endpoint: str,
        path: str,
        read: Callable[[object], T | None],
        key: Callable[[T], Hashable],
        query: Mapping[str, str] | None,
    ) -> Iterator[Leaf[T]]:
        """Page after page, each asked for when it is wanted."""
        asked = self._clock.now()
        position: Mapping[str, str] = {}
        been = {frozenset({("page", "1")})}
        known: set[Hashable] = set()
        guessed = False
        total: Decimal | None = None
        for number in range(1, MOST_PAGES + 1):
            been.add(frozenset(position.items()))
            try:
                page = self._ask(endpoint, path, partial(reading.read_page, path=path), {**(query or {}), **position})
            except Refused as refused:
                if guessed and refused.status in _NO_SUCH_PAGE:
                    return
                raise
            entries = {key(entry): entry for entry in map(read, page.entries) if entry is not None}
            again = bool(entries) and entries.keys() <= known
            known |= entries.keys()
            total = page.total_kwh if page.total_kwh is not None else total
            guessed = page.more is None
            ended = not page.entries or page.more is False or (guessed and len(page.entries) < PAGE_SIZE)
            yield Leaf(tuple(entries.values()), ended and page.more is not True, number, total)
            onward = {"page": str(number + 1)} if guessed else page.follow
            if ended or again or onward is None or frozenset(onward.items()) in been:
                return
            if self._clock.now() - asked > LONGEST_LISTING:
                raise NoAnswer("the list took too long")
            position = onward

    def _ask(self, endpoint: str, path: str, read: Callable[[object], T], query: Mapping[str, str] | None = None) -> T:
        def count(code: int, headers: Mapping[str, str]) -> None:
            self._budget.answered(grant, self._clock.now(), code, headers)

        with reported(self._on_call, endpoint, count) as call:
            grant = self._budget.take(_WINDOW, self._clock.now())
            try:
                answer = self._http.exchange(
                    "GET",
                    f"{path}?{urlencode(query)}" if query else path,
                    headers={"Authorization": f"Bearer {self._token}"},
                    on_head=call,
                )
            finally:
                self._budget.ended(grant, self._clock.now())
            if answer.status != 200:
                raise self._problem(answer)
            return read(answer.body)

    def _problem(self, answer: Answer) -> UpstreamError:
        status = answer.status
        if not 400 <= status < 500 or status == 408:
            return NoAnswer("no usable answer", status)
        message = redact(read_problem(answer.body)[0], (self._token,))
        if status == 429:
            wait = retry_after(answer.headers, self._clock.now()) or DEFAULT_RETRY
            return Refused(Refusal.TOO_MANY, message, wait, status)
        return Refused(Refusal.INVALID, message, None, status)


def _filters(
    status: TransactionStatus | None, started_from: datetime | None, stopped_until: datetime | None, limit: int | None
) -> Mapping[str, str]:
    """The query of a list of transactions. Raises Refused for what upstream could only answer with 422."""
    if limit is not None and not 1 <= limit <= MOST_TRANSACTIONS:
        raise Refused(Refusal.INVALID, "not a limit")
    told: dict[str, str] = {} if status is None else {"filter[status]": status}
    moments = {"filter[started_from]": started_from, "filter[stopped_until]": stopped_until}
    for name, moment in moments.items():
        if moment is None:
            continue
        if moment.tzinfo is None:
            raise Refused(Refusal.INVALID, "a time without its zone")
        told[name] = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if started_from is not None and stopped_until is not None and stopped_until < started_from:
        raise Refused(Refusal.INVALID, "a time that ends before it begins")
    return told if limit is None else {**told, "limit": str(limit)}


def _part(text: str) -> str:
    """`text` as exactly one part of a path. Raises Refused for what no server could understand as one."""
    if not text.strip(". \t\r\n") or len(text) > _LONGEST_ID:
        raise Refused(Refusal.INVALID, "not an id")
    return quote(text, safe="", errors="replace")
