"""The stand-in world: one clock, one lock, chargers and cars, other drivers, and the back office with its sessions.

Nothing runs by itself. Every call first brings the world up to the clock's present, step by step and each at its own
time, so that a seed and a clock reproduce everything but the names that Stripe's stand-in draws.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kiosk.clock import Clock
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world import sessions as states
from kiosk.sandbox.world.agenda import Agenda
from kiosk.sandbox.world.backoffice import BackOffice
from kiosk.sandbox.world.cars import MODELS, Car
from kiosk.sandbox.world.chargers import ChargerSpec, ChargerView, Pricing, Transaction
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.holds import Holds
from kiosk.sandbox.world.line import Line
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.rough import OF_SESSION, OF_SITE, RoughSite, Trouble
from kiosk.sandbox.world.sessions import Session, SessionView
from kiosk.sandbox.world.site import NotPossible, Site
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.traffic import Limits, Traffic
from kiosk.sandbox.world.visitors import Habit, Visitor

KEPT_NEWS = 100


@dataclass(frozen=True)
class News:
    """Something that happened, for people who watch. Never contains a token."""

    at: datetime
    code: str
    connector_id: int | None
    text: str


class World:
    """Thread-safe. Do not let one step of the clock be longer than Stripe's hold (seven days): the book of holds reads
    the same clock and would let a hold lapse before the world has caught up."""

    def __init__(self, clock: Clock, book: StripeBook, switches: Switches | None = None, seed: int = 1) -> None:
        self.clock = clock
        self.book = book
        self.switches = switches or Switches()
        self.traffic = Traffic()
        self.limits = Limits(seed, self.switches.window, self.switches.foreign_share)
        self._seed = seed
        self.line = Line(clock, self._random("line"))
        self._lock = threading.RLock()
        self._agenda = Agenda(clock.now())
        self._site = Site(self._agenda, self.switches)
        self._holds = Holds(book, self.switches.capture_method)
        self._office = BackOffice(
            self._agenda, self._site, self._holds, self.switches, self._random("tokens"), self._session_changed
        )
        self._cars = self._random("cars")
        self._news: deque[News] = deque(maxlen=KEPT_NEWS)
        self._stripe_events: deque[tuple[datetime, dict[str, Any]]] = deque()
        self._auto_plug = True
        self._late: dict[tuple[str, int], float] = {}
        self._rough: RoughSite | None = None
        self._chosen_car: str | None = None
        book.subscribe(self._stripe_told)

    # --- time

    def advance_to(self, now: datetime) -> None:
        """Let everything happen that is due up to `now`. A time in the past changes nothing."""
        with self._lock:
            while self._stripe_events:
                at, event = self._stripe_events.popleft()
                delay = timedelta(seconds=self.switches.webhook_delay or 0)
                self._agenda.at(at + delay, partial(self._office.stripe_told, event))
            self._agenda.run_to(now)

    def tick(self) -> datetime:
        """Bring the world up to the clock's present, and return it."""
        now = self.clock.now()
        self.advance_to(now)
        return now

    def begin_at(self, moment: datetime) -> None:
        """Let the world begin in the past, so that a scene has a history. Only while the world is empty."""
        with self._lock:
            if any(True for _ in self._site.views()):
                raise ValueError("the world has begun")
            self._agenda.now = moment

    # --- what stands there, and what it does

    def add_charger(self, spec: ChargerSpec) -> None:
        with self._lock:
            self._site.add(spec)

    def add_visitors(self, code: str, connector_id: int, habit: Habit) -> None:
        with self._lock:
            rng = self._random(f"{code}/{connector_id}")
            Visitor(
                self._agenda,
                self._site,
                code,
                connector_id,
                habit,
                rng,
                lambda *place: self._office.holder(*place) is not None,
            )

    def chargers(self) -> tuple[ChargerView, ...]:
        with self._present():
            return tuple(self._site.views())

    def charger(self, code: str) -> ChargerView | None:
        with self._present():
            found = self._site.find(code)
            return self._site.view(found) if found else None

    def moods(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What is unusual about each charger now, in plain words; chargers that are as they should be are left out."""
        with self._present():
            told = [(each.spec.code, self._site.charger(each.spec.code).mood()) for each in self._site.views()]
            return tuple((code, mood) for code, mood in told if mood)

    def transactions(self) -> tuple[Transaction, ...]:
        """Copies of the last charges of everybody, oldest first; the car is shared and not to be changed."""
        with self._present():
            return tuple(replace(each) for each in self._site.transactions)

    def sessions(self) -> tuple[Session, ...]:
        """All public sessions, oldest first."""
        with self._present():
            return tuple(self._office.all())

    def holder(self, code: str, connector_id: int) -> Session | None:
        """The open public session at a connector."""
        with self._present():
            return self._office.holder(code.upper(), connector_id)

    def news(self) -> tuple[News, ...]:
        """The last things that happened, newest first."""
        with self._present():
            return tuple(reversed(self._news))

    # --- the public endpoints; each may raise `backoffice.Refusal`

    def public_charger(self, code: str) -> ChargerView:
        with self._present():
            return self._site.view(self._office.public_charger(code))

    def open_session(self, code: str, connector_id: int, email: str | None = None) -> SessionView:
        with self._present():
            return self._office.view(self._office.open(code, connector_id, email))

    def session(self, token: str) -> SessionView:
        with self._present():
            return self._office.view(self._office.read(token))

    def confirm(self, token: str) -> SessionView:
        with self._present():
            return self._office.view(self._office.confirm(token))

    def stop(self, token: str) -> SessionView:
        with self._present():
            return self._office.view(self._office.stop(token))

    def cancel(self, token: str) -> SessionView:
        with self._present():
            return self._office.view(self._office.cancel(token))

    def set_receipt_email(self, token: str, email: str) -> SessionView:
        with self._present():
            return self._office.view(self._office.set_receipt_email(token, email))

    @property
    def publishable_key(self) -> str:
        return self._holds.publishable_key

    # --- hands at the charger; each may raise `site.NotPossible`

    def plug_in(
        self,
        code: str,
        connector_id: int,
        car: str | None = None,
        charge_permille: int | None = None,
        *,
        waits: float | None = None,
    ) -> None:
        """Plug in a car of that model, or of any that fits. `waits`: its timer lets it take nothing for so many
        seconds."""
        with self._by_hand(code, connector_id, "a car was plugged in"):
            self._site.plug_in(code, connector_id, self._pick_car(code, connector_id, car, charge_permille))
            if waits is not None:
                self._site.let_wait(code, connector_id, waits)

    def let_wait(self, code: str, connector_id: int, seconds: float) -> None:
        """The car that is plugged in waits for its timer: it takes nothing for so many seconds (`SuspendedEV`)."""
        with self._by_hand(code, connector_id, "the car waits for its timer"):
            self._site.let_wait(code, connector_id, seconds)

    def come_late(self, code: str, connector_id: int, plug_after: float, handshake: float | None = None) -> None:
        """The next driver who plays along here plugs in so many seconds after the start; `handshake` is how long
        charger and car then talk before the charge begins."""
        with self._by_hand(code, connector_id, "the next driver comes late"):
            self._late[self._site.charger(code).spec.code, connector_id] = plug_after
            self._site.connector(code, connector_id).handshake = handshake

    def unplug(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "the cable was pulled out"):
            self._site.unplug(code, connector_id)

    def stop_at_charger(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "stopped at the charger"):
            self._site.stop_at_charger(code, connector_id)

    def start_with_card(self, code: str, connector_id: int, id_tag: str) -> None:
        """Another driver starts with a charging card; not where a public session keeps the connector."""
        with self._by_hand(code, connector_id, "another driver started with a card"):
            if self._office.holder(code.upper(), connector_id) is not None:
                raise NotPossible("a public session keeps this connector")
            self._site.start_with_card(code, connector_id, id_tag)

    def limit_power(self, code: str, connector_id: int, watts: int | None) -> None:
        """The connector gives no more than that from now on; None: what it can."""
        with self._by_hand(code, connector_id, "was told how much power to give"):
            self._site.limit_power(code, connector_id, watts)

    def pause(self, code: str, connector_id: int, seconds: float) -> None:
        """Load management gives the connector nothing for so many seconds (`SuspendedEVSE`)."""
        with self._by_hand(code, connector_id, "load management pauses the bay"):
            self._site.pause(code, connector_id, seconds)

    def set_online(self, code: str, online: bool) -> None:
        with self._by_hand(code, None, "has a connection" if online else "lost its connection"):
            was = self._site.charger(code).online
            self._site.set_online(code, online)
            if was and not online:
                self._office.charger_lost(self._site.charger(code).spec.code)

    def set_online_at(self, moment: datetime, code: str, online: bool) -> None:
        """The same at a later moment of the world's time, or one of its past that it has not reached yet."""
        with self._lock:
            self._agenda.at(moment, lambda: self._site.set_online(code, online))

    def break_connector(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "broke down"):
            self._site.break_connector(code, connector_id)

    def repair_connector(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "was repaired"):
            self._site.repair_connector(code, connector_id)

    def block_connector(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "was taken out of service"):
            self._site.block_connector(code, connector_id)

    def fill_car(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "the car is full"):
            self._site.fill_car(code, connector_id)

    def turn_meter_back(self, code: str, connector_id: int) -> None:
        with self._by_hand(code, connector_id, "the meter ran backwards"):
            self._site.turn_meter_back(code, connector_id)

    def report_absurd(self, code: str, connector_id: int, energy_wh: int = 4_076_400) -> None:
        """One sample that no charge can have made; the next one tells the truth again."""
        with self._by_hand(code, connector_id, "the meter told nonsense once"):
            self._site.report_absurd(code, connector_id, energy_wh)

    def set_meter_interval(self, code: str, seconds: float | None) -> None:
        """How often this charger tells its meter, from the next sample on; None: as the switches say."""
        if seconds is not None and seconds <= 0:
            raise NotPossible("a meter tells now and then")
        with self._by_hand(code, None, "tells its meter more or less often"):
            self._site.charger(code).meter_interval = seconds

    def set_charger_status(self, code: str, status: str = "Available", *, blocked: bool = False) -> None:
        """The charger's own word, beside those of its connectors, and whether the operator blocked it. It starts
        nothing unless it is `Available` and not blocked."""
        with self._by_hand(code, None, f"says {status}{', is blocked' if blocked else ''}"):
            charger = self._site.charger(code)
            charger.status, charger.blocked = status, blocked

    def hand_over(self, code: str, *, back: bool = False) -> None:
        """The charger is sold to another operator: this one's token sees it no more. `back`: it is bought again."""
        with self._by_hand(code, None, "is this operator's again" if back else "belongs to another operator now"):
            self._site.charger(code).anothers = not back

    def set_pricing(self, code: str, pricing: Pricing, preauth_amount: int | None = None) -> None:
        """Another price, and another hold unless that is None, for whoever starts from now on."""
        with self._by_hand(code, None, "has a new price"):
            self._site.set_pricing(code, pricing, preauth_amount)

    # --- what shall go wrong next

    def reject_next_start(self, code: str, count: int = 1) -> None:
        with self._by_hand(code, None, "will reject the next start"):
            self._site.charger(code).reject_starts += count

    def refuse_next_stop(self, code: str, count: int = 1) -> None:
        """The next stop is answered with 400."""
        with self._by_hand(code, None, "will refuse the next stop"):
            self._site.charger(code).refuse_stops += count

    def ignore_next_stop(self, code: str, count: int = 1) -> None:
        """The next stop is accepted, but nothing comes of it: the session goes back to `charging`."""
        with self._by_hand(code, None, "will ignore the next stop"):
            self._site.charger(code).ignore_stops += count

    def fail_next_capture(self, code: str, count: int = 1) -> None:
        with self._by_hand(code, None, "the next capture will fail"):
            self._holds.failing[self._site.charger(code).spec.code] += count

    def hide_energy(self, code: str, hidden: bool = True) -> None:
        """The energy of a session here is null while it charges; its cost rises all the same."""
        with self._by_hand(code, None, "hides its energy" if hidden else "tells its energy"):
            self._site.charger(code).hides_energy = hidden

    def say_instead(self, code: str, status: str, word: str | None) -> None:
        """Sessions here tell `word` for that status; None: the status again."""
        with self._by_hand(code, None, f"says {word} for {status}" if word else f"says {status} again"):
            words = self._site.charger(code).words
            words.pop(status, None)
            if word is not None:
                words[status] = word

    def hold_back_amounts(self, code: str, seconds: float | None) -> None:
        """The last word of a session here comes without what was taken, which follows so many seconds later
        (`math.inf`: never). None: with it."""
        with self._by_hand(code, None, "holds back the amounts of a last word" if seconds else "tells all amounts"):
            self._site.charger(code).amounts_after = seconds

    def use_up_hour(self, code: str, free_in: float = 600) -> None:
        """Others have started here so often that the hourly limit is reached, for so many seconds."""
        with self._by_hand(code, None, "has had its sessions of this hour"):
            self._office.hours.use_up(self._site.charger(code).spec.code, self._agenda.now, free_in)

    def forgive(self, code: str) -> None:
        """What was to go wrong next at this charger goes well after all."""
        with self._by_hand(code, None, "has nothing more to go wrong"):
            charger = self._site.charger(code)
            charger.reject_starts = charger.refuse_stops = charger.ignore_stops = 0
            self._holds.failing.pop(charger.spec.code, None)

    def lose_webhooks(self, count: int = 1) -> None:
        """Stripe's next events never reach the back office."""
        with self._present():
            self._office.lost_webhooks += count

    # --- a rough site by chance

    def make_rough(self, faults: Faults, *, seed: int | None = None) -> None:
        """From now on every trouble of `rough.py` happens now and then. `faults` are those of the public endpoints;
        another seed than the world's deals the troubles out in another order."""
        with self._present():
            rng = self._random("rough") if seed is None else random.Random(f"{seed}/rough")  # noqa: S311 - as below
            self._rough = RoughSite(
                self._agenda, self._site, self._office, self.limits, self.line, self._late, faults, rng, self._tell
            )
            for trouble in (*OF_SITE, *OF_SESSION):
                self._rough.turn_on(trouble)

    def set_trouble(self, trouble: Trouble, on: bool) -> None:
        """One trouble of a rough site, on or off."""
        with self._present():
            if self._rough is None:
                raise NotPossible("this site is not rough")
            if on:
                self._rough.turn_on(trouble)
            else:
                self._rough.turn_off(trouble)

    def troubles(self) -> tuple[tuple[Trouble, bool, int], ...]:
        """Each trouble of a rough site, whether it is on, and how often it has happened; none of a gentle one."""
        with self._present():
            rough = self._rough
            return () if rough is None else tuple((each, each in rough.on, rough.played[each]) for each in Trouble)

    # --- the operator's hand; each may raise `site.NotPossible` or `backoffice.Refusal`

    def settle_again(self, token: str) -> Session:
        """Try a failed capture again, or bill a session under review as its figures stand."""
        with self._present():
            return self._office.settle_again(token)

    def write_off(self, token: str) -> Session:
        with self._present():
            return self._office.write_off(token)

    def refund(self, token: str, amount: int | None = None) -> Session:
        """Send `amount` back, in minor units, or all that is left."""
        with self._present():
            return self._office.refund(token, amount)

    # --- the driver who plays along

    @property
    def auto_plug(self) -> bool:
        """Whether the driver of a session plugs in when it is starting, and leaves when it is over."""
        return self._auto_plug

    @auto_plug.setter
    def auto_plug(self, on: bool) -> None:
        with self._present():
            self._auto_plug = on

    @property
    def chosen_car(self) -> str | None:
        """The model that plugs in next, or None for any that fits."""
        return self._chosen_car

    @chosen_car.setter
    def chosen_car(self, model: str | None) -> None:
        if model is not None and model not in MODELS:
            raise NotPossible(f"there is no car {model}")
        with self._present():
            self._chosen_car = model

    def _session_changed(self, session: Session, before: str | None) -> None:
        text = f"{before} → {session.status}" if before else session.status
        place = (session.code, session.connector_id)
        if self._rough is not None:
            self._rough.session_changed(session)
        self._tell(session.code, session.connector_id, f"session {text}")
        if session.status == states.STARTING:
            late = self._late.pop(place, self.switches.auto_plug)
            self._agenda.after(late, lambda: self._plug_for(session.token))
        over = session.status == states.SETTLING or session.status in states.ENDED
        if self._auto_plug and over and session.authorized_at is not None:
            car = self._site.connector(*place).car
            self._agenda.after(self.switches.auto_unplug, lambda: self._drive_off(place, car))

    def _plug_for(self, token: str) -> None:
        try:
            session = self._office.read(token)
        except Refusal:  # it has ended since, for so long that it can no longer be read
            return
        place = (session.code, session.connector_id)
        connector = self._site.connector(*place)
        if self._auto_plug and session.status == states.STARTING and connector.car is None:
            wanted = self._chosen_car
            if wanted is not None and not MODELS[wanted].fits(connector.spec.supply):
                wanted = None
            self._site.plug_in(*place, self._pick_car(*place, wanted, None))
            self._tell(*place, "the driver plugged in")

    def _drive_off(self, place: tuple[str, int], car: Car | None) -> None:
        connector = self._site.connector(*place)
        kept = self._office.holder(*place)
        if car is not None and connector.car is car and (kept is None or kept.status == states.SETTLING):
            self._site.unplug(*place)
            self._tell(*place, "the driver left")

    def _pick_car(self, code: str, connector_id: int, model: str | None, charge_permille: int | None) -> Car:
        supply = self._site.connector(code, connector_id).spec.supply
        if model is None:
            fitting = [each.key for each in MODELS.values() if each.fits(supply) and not (each.timer or each.stuck)]
            model = self._cars.choice(fitting)
        if model not in MODELS:
            raise NotPossible(f"there is no car {model}")
        return Car(MODELS[model], self._cars.randint(150, 600) if charge_permille is None else charge_permille)

    # --- inside

    def _random(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed}/{purpose}")  # noqa: S311 - a reproducible play, not a secret

    @contextmanager
    def _present(self) -> Iterator[None]:
        with self._lock:
            self.advance_to(self.clock.now())
            yield

    @contextmanager
    def _by_hand(self, code: str, connector_id: int | None, text: str) -> Iterator[None]:
        with self._present():
            yield
            self._tell(code.upper(), connector_id, text)

    def _tell(self, code: str, connector_id: int | None, text: str) -> None:
        self._news.append(News(self._agenda.now, code, connector_id, text))

    def _stripe_told(self, event: dict[str, Any]) -> None:
        """Called by the book from any thread: only noted, so that the two locks never wait for each other."""
        self._stripe_events.append((self.clock.now(), event))
