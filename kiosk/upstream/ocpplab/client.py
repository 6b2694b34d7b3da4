"""OCPPLAB (simulated chargers): the chargers themselves, their logs, and the simulator's commands.

Source: docs.ocpplab.com, gateway API. Commands are queued: success means that they will be tried, and only the log
shows what came of them. Any 2xx is a success, because the documents do not name one for each call.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx

from kiosk.clock import Clock
from kiosk.domain.commands import Refusal
from kiosk.upstream.errors import NoAnswer, Refused, UpstreamError, redact
from kiosk.upstream.http import DEFAULT_TIME_LIMITS, Answer, Http, OnCall, TimeLimits, reported
from kiosk.upstream.ocpplab.commands import ChargerChange, LabCommand, NewCharger, Target, timestamp
from kiosk.upstream.ocpplab.log import LastStatus, LogPage, last_status, read_logs
from kiosk.upstream.ocpplab.reading import (
    SETTLED,
    ChargerPage,
    CommandAnswer,
    LabCharger,
    Provisioning,
    Queued,
    read_charger,
    read_chargers,
    read_command_answer,
    read_created,
    read_problem,
    read_provisioning,
    read_queued,
)
from kiosk.upstream.problems import DEFAULT_RETRY, retry_after
from kiosk.upstream.values import as_credential

T = TypeVar("T")

DEFAULT_PREFIX = "/ocpp"
MOST_CHARGERS_A_PAGE = 100
MOST_PAGES = 100
MOST_LOGS_A_PAGE = 1000
STATUS_LOGS = 200
"""Entries read at once to find a status."""
POLL = timedelta(seconds=2)
"""The documents ask for one to two seconds between two reads of a provisioning."""
_CREATE = "ocpplab_create"
_LONGEST_ID = 512
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", re.ASCII)
_REASONS = {404: Refusal.UNKNOWN_CHARGER, 409: Refusal.NOT_NOW}


class Ocpplab:
    """Thread-safe; one attempt a call; raises nothing but `UpstreamError`. `transport` is the seam for tests.

    `organization_id` belongs to an administrator's token only. The documents know three generations of paths:
    `prefix` is `/ocpp`, `/evcharger` or empty. After NoAnswer of a create or a command its effect is unknown.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        clock: Clock,
        prefix: str = DEFAULT_PREFIX,
        organization_id: str | None = None,
        limits: TimeLimits = DEFAULT_TIME_LIMITS,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        if as_credential(token) is None or (organization_id is not None and as_credential(organization_id) is None):
            raise ValueError("OCPPLAB's token and organization must be printable text without blanks")
        self._prefix = "/" + prefix.strip("/") if prefix.strip("/") else ""
        if not _PREFIX.fullmatch(self._prefix):
            raise ValueError("OCPPLAB's prefix must be a path such as /ocpp")
        self._headers = {"Authorization": f"Bearer {token}"}
        if organization_id is not None:
            self._headers["X-Organization-Id"] = organization_id
        self._secrets = (token,) if organization_id is None else (token, organization_id)
        self._http = Http(base_url, limits=limits, transport=transport)
        self._clock = clock
        self._on_call = on_call

    def close(self) -> None:
        self._http.close()

    # --- chargers

    def chargers(self, page: int = 1, limit: int = 50, location_id: str | None = None) -> ChargerPage:
        """One page, counted from 1."""
        page, limit = max(1, page), min(max(1, limit), MOST_CHARGERS_A_PAGE)
        query = _query(location_id=location_id, page=page, limit=limit)
        return self._get("ocpplab_chargers", f"/chargers{query}", lambda body: read_chargers(body, page, limit))

    def all_chargers(self, location_id: str | None = None) -> tuple[LabCharger, ...]:
        """All pages, each charger once. A server that repeats itself is left."""
        found: dict[str, LabCharger] = {}
        page: int | None = 1
        while page is not None and page <= MOST_PAGES:
            answer = self.chargers(page, MOST_CHARGERS_A_PAGE, location_id)
            fresh = [charger for charger in answer.chargers if charger.id not in found]
            found.update({charger.id: charger for charger in fresh})
            page = answer.next_page if fresh else None
        return tuple(found.values())

    def charger(self, charger_id: str) -> LabCharger:
        """Refused UNKNOWN_CHARGER when there is none."""
        path = f"/chargers/{_part(charger_id)}"
        return self._get("ocpplab_charger", path, lambda body: read_charger(body, charger_id))

    def create(self, charger: NewCharger) -> Provisioning:
        """Accepted, not yet ready: see `wait_until_ready`. After NoAnswer look for the identity in the list."""
        return self._call(
            _CREATE,
            "POST",
            "/chargers",
            lambda body: read_created(body, charger.identity),
            body=charger.wire(),
            secrets=(charger.ws_url,),
        )

    def status(self, charger_id: str) -> Provisioning:
        """How far the provisioning is; not whether the charger is connected or free."""
        path = f"/chargers/{_part(charger_id)}/status"
        return self._get("ocpplab_status", path, lambda body: read_provisioning(body, charger_id))

    def wait_until_ready(
        self, charger_id: str, clock: Clock, deadline: datetime, *, ended: threading.Event | None = None
    ) -> Provisioning:
        """Ask until it is READY or FAILED, until `deadline`, or until `ended` is set; the last that was seen.

        Bridges silence and 429. Raises the last error when nothing was seen at all, and every other refusal at once.
        """
        waiting = ended or threading.Event()
        seen: Provisioning | None = None
        while True:
            pause = POLL
            failure: UpstreamError | None = None
            try:
                seen = self.status(charger_id)
                if seen.stage in SETTLED:
                    return seen
            except Refused as refused:
                if refused.reason is not Refusal.TOO_MANY:
                    raise
                failure, pause = refused, max(POLL, refused.retry_after or POLL)
            except UpstreamError as error:
                failure = error
            left = deadline - clock.now()
            over = left <= timedelta(0) or clock.wait(waiting, min(left, pause).total_seconds())
            if over and seen is not None:
                return seen
            if over and failure is not None:
                raise failure

    def update(self, charger_id: str, change: ChargerChange) -> LabCharger:
        return self._call(
            "ocpplab_update",
            "PUT",
            f"/chargers/{_part(charger_id)}",
            lambda body: read_charger(body, charger_id),
            body=change.wire(),
            secrets=(change.ws_url or "",),
        )

    def delete(self, charger_id: str) -> None:
        self._call("ocpplab_delete", "DELETE", f"/chargers/{_part(charger_id)}", lambda _body: None)

    def start_runtime(self, charger_id: str) -> Queued:
        """Let the virtual charger connect."""
        return self._runtime(charger_id, "start-charger")

    def stop_runtime(self, charger_id: str) -> Queued:
        return self._runtime(charger_id, "stop-charger")

    def restart_runtime(self, charger_id: str) -> Queued:
        return self._runtime(charger_id, "reset-charger")

    # --- logs

    def logs(
        self,
        charger_id: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        event: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> LogPage:
        """One page. `start` and `end` are inclusive; `event` is an OCPP action such as `StatusNotification`."""
        limit = min(max(1, limit), MOST_LOGS_A_PAGE)
        query = _query(
            start_date=None if start is None else timestamp(start),
            end_date=None if end is None else timestamp(end),
            event=event,
            limit=limit,
            offset=max(0, offset),
        )
        path = f"/chargers/{_part(charger_id)}/logs{query}"
        return self._get("ocpplab_logs", path, lambda body: read_logs(body, max(0, offset), limit))

    def connector_status(
        self, charger_id: str, connector_id: int, *, evse_id: int | None = None, since: datetime | None = None
    ) -> LastStatus | None:
        """The last status in the log, or None for "unknown". One call, or two for a log of more than one page.

        The order of a log is not documented: of its first and its last page the newer one is believed, alone.
        """
        first = self.logs(charger_id, start=since, event="StatusNotification", limit=STATUS_LOGS)
        if first.next_offset is None:
            return last_status(first.entries, connector_id, evse_id)
        if first.total is None:
            return None
        offset = max(first.next_offset, first.total - STATUS_LOGS)
        last = self.logs(charger_id, start=since, event="StatusNotification", limit=STATUS_LOGS, offset=offset)
        newest = max((at for at in (first.newest_at, last.newest_at) if at is not None), default=None)
        if newest is None:
            return None
        entries = [entry for page in (first, last) if page.newest_at == newest for entry in page.entries]
        return last_status(entries, connector_id, evse_id)

    # --- the simulator

    def command(self, target: Target, command: LabCommand) -> CommandAnswer:
        """Queue a command. Look at `failed`: a success may name chargers that will not do it."""
        return self._call(
            f"ocpplab_{command.path.replace('/', '_').replace('-', '_')}",
            "POST",
            f"/commands/{command.path}",
            read_command_answer,
            body={"target": target.wire(), "event": command.event},
        )

    # --- one call

    def _runtime(self, charger_id: str, action: str) -> Queued:
        path = f"/chargers/{_part(charger_id)}/{action}"
        return self._call(f"ocpplab_{action.replace('-', '_')}", "POST", path, read_queued, body={})

    def _get(self, endpoint: str, path: str, read: Callable[[object], T]) -> T:
        return self._call(endpoint, "GET", path, read)

    def _call(
        self,
        endpoint: str,
        method: str,
        path: str,
        read: Callable[[object], T],
        *,
        body: Mapping[str, object] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> T:
        with reported(self._on_call, endpoint) as call:
            answer = self._http.exchange(
                method, self._prefix + path, json_body=body, headers=self._headers, on_head=call
            )
            if not 200 <= answer.status < 300:
                raise self._problem(endpoint, answer, (*self._secrets, *secrets))
            return read(answer.body)

    def _problem(self, endpoint: str, answer: Answer, secrets: tuple[str, ...]) -> UpstreamError:
        if not 400 <= answer.status < 500 or answer.status == 408:
            return NoAnswer("no usable answer", answer.status)
        message = redact(read_problem(answer.body), secrets)
        if answer.status == 429:
            wait = retry_after(answer.headers, self._clock.now()) or DEFAULT_RETRY
            return Refused(Refusal.TOO_MANY, message, wait, answer.status)
        reasons = {} if endpoint == _CREATE else _REASONS  # there, brand, model or location are what is not found
        return Refused(reasons.get(answer.status, Refusal.INVALID), message, None, answer.status)


def _part(charger_id: str) -> str:
    """An id as exactly one part of a path. Raises Refused for what no server could understand as one."""
    if not charger_id.strip(". \t\r\n") or len(charger_id) > _LONGEST_ID:
        raise Refused(Refusal.UNKNOWN_CHARGER, "not the id of a charger")
    return quote(charger_id, safe="", errors="replace")


def _query(**values: object) -> str:
    given = {name: str(value) for name, value in values.items() if value is not None}
    return "?" + urlencode(given, errors="replace")
