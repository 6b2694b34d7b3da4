"""Who watches a run: what must be true of the wire, of the money and of the store, whatever happened.

It counts on the wire and looks into the world's own books, never at what the kiosk believes of itself, except where
the two are compared. Each broken promise is one sentence, told once.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from kiosk.domain.session import Phase
from kiosk.domain.session import Session as KioskSession
from kiosk.domain.status import Group, Status
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.sessions import ENDED, Session, cost
from kiosk.sandbox.world.world import World
from kiosk.simulation.process import Process
from kiosk.simulation.stepper import Stepper
from kiosk.store.checks import Promise

LIMITS = {"charger": 30, "start": 3, "session": 30, "confirm": 10, "stop": 10, "cancel": 10, "receipt_email": 10}
"""Requests in any 60 s, by upstream's documents; counted when they arrive."""
MINUTE = timedelta(seconds=60)
STOP_WITHIN = timedelta(seconds=60)
"""So long after upstream has said that the ceiling is reached a stop is on the wire."""
PURSUED_WITHIN = timedelta(seconds=150)
"""Two sendings of a wish lie at most 60 s apart; a door that upstream closes keeps one waiting for 60 s more."""
METER_AT_MOST, SOON = timedelta(minutes=15), timedelta(seconds=90)
READ_WITHIN = timedelta(minutes=10)
SWEPT_WITHIN = timedelta(seconds=120 + 90)
"""A hold at which nothing charges: the deadline of a start, and a reading after it."""
MOST_ENDED = 4
"""Reads of sessions that have ended, in a minute: what has ended is never urgent."""
MOST_WAITING = 200
_TOKEN = re.compile(r"/sessions/([^/]+)")
_MOVING = frozenset({Group.UNPAID, Group.PREPARING, Group.RUNNING, Group.SETTLING})


@dataclass(slots=True)
class Heard:
    """What the wire has said to the kiosk of one session."""

    tries: Counter[str] = field(default_factory=Counter)
    last_try: dict[str, datetime] = field(default_factory=dict)
    answered_at: datetime | None = None
    charging_since: datetime | None = None
    most_cost: int = 0
    cost_at: datetime | None = None
    no_energy: bool = False
    some_energy: bool = False
    ceiling_said_at: datetime | None = None
    end_said: bool = False
    taken: set[int] = field(default_factory=set)
    """What it said was taken, each time: less, once something was sent back."""


class Witness:
    """`asked` is what drivers have asked for, by session, and since when: `tried` to end it, `stop` once stored."""

    def __init__(self, stepper: Stepper, world: World, tell: Callable[[str], None], processes: Sequence[Process]):
        self._stepper, self._world, self._tell, self._processes = stepper, world, tell, processes
        self.broken: list[str] = []
        self.promises: list[str] = []
        """Which promise each sentence of `broken` is about, in a word or two."""
        self.asked: dict[str, dict[str, datetime]] = defaultdict(dict)
        self.limits: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        """Which driver's a session is, by its key."""
        self.calls: Counter[str] = Counter()
        self.too_many = 0
        self.calm_since = stepper.now()
        self._said: set[str] = set()
        self._windows: dict[str, deque[datetime]] = defaultdict(deque)
        self._starts: Counter[str] = Counter()
        self._ended_reads: deque[datetime] = deque()
        self._heard: dict[str, Heard] = defaultdict(Heard)
        self._keys: dict[str, str | None] = {}

    # --- what disturbs

    def disturbed(self, seconds: float) -> None:
        """For so long nothing can be expected of the kiosk in time."""
        self.calm_since = max(self.calm_since, self._stepper.now() + timedelta(seconds=seconds))

    def _calm_for(self, since: datetime) -> timedelta:
        return self._stepper.now() - max(since, self.calm_since)

    # --- the wire

    def tries(self, process: Process, endpoint: str, request: httpx.Request) -> None:
        """A call leaves the kiosk, whatever becomes of it."""
        token = _token(request)
        if token is None:
            return
        heard = self._heard[token]
        heard.tries[endpoint] += 1
        heard.last_try[endpoint] = self._stepper.now()
        if endpoint == "session" and heard.end_said:
            self._is_not_urgent()
        if endpoint in {"stop", "cancel"}:
            self._has_a_reason(process, endpoint, token, heard)

    def leads(self, process: Process, endpoint: str) -> None:
        """Nobody sends while another one leads."""
        if not process.engine.may_send():
            self.break_(f"fence {endpoint}", f"{endpoint} was sent by a process while another one led")

    def arrived(
        self,
        process: Process,
        endpoint: str,
        request: httpx.Request,
        answer: httpx.Response,
        at: datetime,
        *,
        counts: bool = True,
    ) -> None:
        """A call has reached upstream and was answered there, whether or not the answer comes back.

        It does not `count` when its process was frozen after it had been granted: another one may lead by now.
        """
        self.calls[endpoint] += 1
        window = self._windows[endpoint]
        while window and window[0] <= at - MINUTE:
            window.popleft()
        if counts:
            window.append(at)
        if len(window) > LIMITS[endpoint]:
            self.break_("budget", f"{len(window)} calls of {endpoint} within a minute, {LIMITS[endpoint]} are allowed")
        if answer.status_code == 429:
            self.too_many += 1
        elif endpoint == "start":
            self._start_reached(process, request)

    def hears(self, process: Process, endpoint: str, request: httpx.Request, answer: httpx.Response) -> None:
        """The answer has come back to the kiosk."""
        del process
        token = _token(request)
        if token is None or endpoint not in {"session", "confirm", "stop", "cancel"}:
            return
        now, heard = self._stepper.now(), self._heard[token]
        data = _data(answer)
        if endpoint == "session" and (data is not None or answer.status_code == 404):
            heard.answered_at = now
        if data is not None and data.get("status") == "captured" and data.get("amount_captured") is not None:
            heard.taken.add(data["amount_captured"])
            heard.end_said = data.get("energy_kwh") is not None and data.get("cost_amount") is not None
        if data is None or data.get("status") != "charging":
            return
        heard.charging_since = heard.charging_since or now
        energy, said = _decimal(data.get("energy_kwh")), data.get("cost_amount")
        if energy is not None:
            heard.no_energy |= energy == 0
            heard.some_energy |= energy > 0
        if isinstance(said, int):
            heard.most_cost, heard.cost_at = max(heard.most_cost, said), now
            ceiling = self._ceiling(token, data)
            online = (data.get("charger") or {}).get("online") is not False
            reached = ceiling is not None and said >= ceiling and self._truly_costs(token) >= ceiling
            if reached and online and heard.ceiling_said_at is None:
                heard.ceiling_said_at = now

    def _is_not_urgent(self) -> None:
        now, reads = self._stepper.now(), self._ended_reads
        while reads and reads[0] <= now - MINUTE:
            reads.popleft()
        reads.append(now)
        if len(reads) > MOST_ENDED:
            self.break_("urgent", f"{len(reads)} reads of sessions that have ended, within a minute")

    def _start_reached(self, process: Process, request: httpx.Request) -> None:
        body = json.loads(request.content)
        keeper = process.store.session_at(body["code"], body["connector_id"])
        if keeper is None:
            return
        self._starts[keeper.key] += 1
        if self._starts[keeper.key] > 1:
            self.break_(f"start {keeper.key}", f"{self._who(keeper.key)}: the start reached upstream twice")

    def _has_a_reason(self, process: Process, endpoint: str, token: str, heard: Heard) -> None:
        """Nobody's charge is ended because of silence."""
        session = self._of(token)
        if session is None or session.status != "charging" or endpoint != "stop":
            return
        key = self._key(process, session)
        if key is None or "tried" in self.asked[key]:
            return
        now = self._stepper.now()
        ceiling = min(self.limits.get(key, session.hold), session.hold)
        if heard.cost_at is not None and self._may_cost(session, heard.most_cost, now - heard.cost_at) >= ceiling:
            return
        if heard.no_energy and not heard.some_energy and heard.charging_since is not None:
            return  # a car that never drew, and the meter said so
        seen = "nothing" if heard.cost_at is None else f"{heard.most_cost} of {ceiling}"
        self.break_(f"evidence {key}", f"{self._who(key)}: the charge was ended without evidence; the wire said {seen}")

    def _may_cost(self, session: Session, said: int, ago: timedelta) -> Decimal:
        """The most that the charge can cost soon, by what the wire said last: twice what the connector gives."""
        watts = [
            one.spec.max_power_w
            for charger in self._world.chargers()
            for one in charger.connectors
            if (charger.spec.code, one.spec.connector_id) == (session.code, session.connector_id)
        ]
        hours = Decimal((ago + METER_AT_MOST + SOON).total_seconds()) / 3600
        return said + 2 * Decimal(sum(watts)) / 1000 * hours * session.pricing.price_per_kwh

    def _truly_costs(self, token: str) -> int:
        """What has flowed, whatever a meter or an answer makes of it."""
        session = self._of(token)
        energy = next((one.energy_wh for one in self._world.transactions() if one.token == token), 0)
        return cost(session.pricing, energy, session.hold) if session is not None else 0

    def _ceiling(self, token: str, data: dict[str, Any]) -> int | None:
        session = self._of(token)
        key = self._keys.get(session.intent_id) if session is not None else None
        held = data.get("amount_authorized")
        amounts = [one for one in (held, self.limits.get(key or "")) if isinstance(one, int)]
        return min(amounts) if amounts else None

    # --- now and then

    def check(self) -> None:
        """What must be true of the stored rows at any moment."""
        process = self._living()
        offences = process.store.offences(process.clock.now(), [Promise.STORE]) if process is not None else []
        for offence in offences:
            self.break_(f"{offence.check} {offence.key}", f"{self._who(offence.key)}: {offence.check}: {offence.text}")

    def all_has_ended(self) -> bool:
        """Nothing is left that the kiosk could still do."""
        process = self._living()
        if process is None:
            return False
        now = process.clock.now()
        return not process.store.sessions_to_watch() and not process.store.waiting(now) and not process.store.queue()

    def look(self) -> None:
        """What must be true of what the kiosk does, at any moment."""
        process = self._living()
        if process is None:
            return
        now = self._stepper.now()
        if len(process.store.waiting(process.clock.now())) > MOST_WAITING or process.waiting_jobs > MOST_WAITING:
            self.break_("queue", "a queue of the engine has grown beyond all bounds")
        for session in process.store.sessions_to_watch():
            upstream = self._behind(process, session)
            if upstream is None:
                continue
            heard = self._heard[upstream.token]
            self._is_read(session, heard, now)
            self._is_pursued(session, upstream, heard, now)
            self._is_stopped(session, upstream, heard, now)
            self._is_swept(session, upstream, heard, now)

    def _is_read(self, session: KioskSession, heard: Heard, now: datetime) -> None:
        quiet = heard.last_try.get("session")
        if session.gone_at is not None or session.incomplete or session.facts.group not in _MOVING:
            return
        within = READ_WITHIN
        if session.known_status is None and session.facts.group is Group.UNPAID and session.status_since is not None:
            # A word that nobody knows, where no money is held: it is read less and less.
            within = max(within, (now - session.status_since) / 3)
        if session.phase is Phase.OPEN and quiet is not None and self._calm_for(quiet) > within:
            minutes = int((now - quiet).total_seconds() // 60)
            self.break_(f"read {session.key}", f"{self._who(session.key)}: unread for {minutes} minutes")

    def _is_pursued(self, session: KioskSession, upstream: Session, heard: Heard, now: datetime) -> None:
        since = self.asked[session.key].get("stop")
        charger = self._world.charger(session.code)
        if since is None or upstream.status != "charging" or charger is None or not charger.online:
            return
        if session.gone_at is not None:
            return
        last = max(since, upstream.charging_started_at or since, heard.last_try.get("stop", since))
        if session.back_at is not None:
            last = max(last, session.back_at)
        if self._calm_for(last) > PURSUED_WITHIN:
            seconds = int((now - last).total_seconds())
            self.break_(
                f"stop {session.key}", f"{self._who(session.key)}: their stop is not pursued, the last {seconds} s ago"
            )

    def _is_stopped(self, session: KioskSession, upstream: Session, heard: Heard, now: datetime) -> None:
        said = heard.ceiling_said_at
        charger = self._world.charger(session.code)
        if said is None or upstream.status != "charging" or charger is None or not charger.online:
            return
        sent = heard.last_try.get("stop")
        if (sent is None or sent < said - MINUTE) and self._calm_for(said) > STOP_WITHIN + MINUTE:
            seconds = int((now - said).total_seconds())
            self.break_(
                f"ceiling {session.key}", f"{self._who(session.key)}: at its ceiling for {seconds} s, and no stop left"
            )

    def _is_swept(self, session: KioskSession, upstream: Session, heard: Heard, now: datetime) -> None:
        """A hold at which nothing charges is given back after the deadline of a start."""
        if upstream.status not in {"authorized", "starting"} or upstream.authorized_at is None:
            return
        if self._has_a_car(session.code, session.connector_id):
            return
        since = upstream.authorized_at
        sent = heard.last_try.get("cancel")
        if self._calm_for(since) > SWEPT_WITHIN and (sent is None or now - sent > PURSUED_WITHIN):
            seconds = int((now - since).total_seconds())
            self.break_(f"swept {session.key}", f"{self._who(session.key)}: held for {seconds} s, and nobody ends it")

    # --- the end

    def look_at_the_end(self) -> None:
        """After all has gone well for long enough: every hold has ended, and every receipt says what was taken."""
        process = next(one for one in self._processes if one.alive)
        for offence in process.store.offences(process.clock.now()):
            self.break_(f"{offence.check} {offence.key}", f"{self._who(offence.key)}: {offence.check}: {offence.text}")
        for upstream in self._world.sessions():
            self._ended_well(process, upstream)

    def _ended_well(self, process: Process, upstream: Session) -> None:
        key = self._key(process, upstream)
        intent = self._world.book.get_intent(ACCOUNT, upstream.intent_id)
        by_hand = upstream.status in {"capture_failed", "requires_review"}
        if intent["amount_capturable"] and not by_hand:
            self.break_(f"hold {upstream.intent_id}", f"{self._who(key)}: a hold has no end ({upstream.status})")
        if intent["amount_received"] > upstream.hold:
            self.break_(f"taken {upstream.intent_id}", f"{self._who(key)}: more was taken than was held")
        session = process.store.session(key) if key is not None else None
        if key is None or session is None:
            return
        if upstream.status in ENDED and not session.final:
            said = session.status or session.phase.value
            self.break_(f"end {key}", f"{self._who(key)}: it is {upstream.status}, and the kiosk still says {said}")
        if session.known_status not in {Status.CAPTURED, Status.REFUNDED, Status.NO_CHARGE}:
            return
        receipt = process.store.receipt(key)
        taken = receipt.document.get("taken") if receipt is not None else None
        shown = taken["minor"] if isinstance(taken, dict) else None
        if shown in self._heard[upstream.token].taken and upstream.amount_captured != intent["amount_received"]:
            return  # something was sent back before the kiosk heard what had been taken
        if shown != intent["amount_received"]:
            self.break_(
                f"receipt {key}",
                f"{self._who(key)}: the receipt says {shown}, and {intent['amount_received']} was taken",
            )

    # --- inside

    def _has_a_car(self, code: str, connector_id: int) -> bool:
        charger = self._world.charger(code)
        bays = charger.connectors if charger is not None else ()
        return any(one.spec.connector_id == connector_id and one.car is not None for one in bays)

    def _living(self) -> Process | None:
        return next((one for one in self._processes if one.alive and not one.life.away), None)

    def break_(self, what: str, sentence: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.broken.append(sentence)
            self.promises.append(what.rpartition(" ")[0] or what)
            self._tell(f"BROKEN: {sentence}")

    def _who(self, key: str | None) -> str:
        number = self.numbers.get(key or "")
        return f"driver {number}" if number is not None else "a session"

    def _of(self, token: str) -> Session | None:
        return next((one for one in self._world.sessions() if one.token == token), None)

    def _key(self, process: Process, upstream: Session) -> str | None:
        if self._keys.get(upstream.intent_id) is None:
            self._keys[upstream.intent_id] = process.store.session_by_intent(upstream.intent_id)
        return self._keys[upstream.intent_id]

    def _behind(self, process: Process, session: KioskSession) -> Session | None:
        for upstream in self._world.sessions():
            here = (upstream.code, upstream.connector_id) == (session.code, session.connector_id)
            if here and self._key(process, upstream) == session.key:
                return upstream
        return None


def _token(request: httpx.Request) -> str | None:
    found = _TOKEN.search(request.url.path)
    return found[1] if found is not None else None


def _data(answer: httpx.Response) -> dict[str, Any] | None:
    if answer.status_code >= 300:
        return None
    try:
        body = json.loads(answer.content)
    except ValueError:
        return None
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else None


def _decimal(text: object) -> Decimal | None:
    try:
        return Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None
