"""One run: a world, one or two processes over one store, drivers, bad luck, and a witness. A seed decides all of it."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx

from kiosk.config.settings import Settings, build_settings
from kiosk.config.sites import SiteBook
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.rough import OF_SESSION, Trouble
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.service.cards import current_card
from kiosk.service.session import provider_says_paid
from kiosk.simulation.driver import Driver, draw_plan
from kiosk.simulation.luck import Luck
from kiosk.simulation.names import drawn_names
from kiosk.simulation.process import Process
from kiosk.simulation.stepper import BEGIN, Killed, Stepper
from kiosk.simulation.wire import Wire
from kiosk.simulation.witness import Witness
from kiosk.store import Cipher, Store
from kiosk.store.errors import CannotWrite, Unavailable
from kiosk.store.errors import Trouble as StoreTrouble

CODES = ("7MK4T", "6JN3A", "9QX2C")
BAYS = 4
SECOND = "a second process"
A_RUN = 12
"""Drivers in one run."""
HOUR = 3600.0
LOOK_EVERY = 60.0
CHECK_EVERY = 300.0
"""The checks of the store read every row."""
CALM_AT_LEAST, CALM_AT_MOST = 300.0, 2 * HOUR
LONGEST = 12 * HOUR
KEPT_LINES = 5000
OTHERWISE = 0.2
"""In so many runs an open question is answered otherwise."""
OPEN_QUESTIONS: dict[str, tuple[Any, ...]] = {
    "limit_scope": ("token",),
    "sessions_per_charger_per_hour": (3, 100),
    "hourly_limit_sends_retry_after": (True,),
    "window": ("fixed",),
    "startable": (("Available",), ("Available", "Preparing", "Finishing")),
    "unknown_connector_lists_errors": (True,),
    "token_life_after_end": (7200.0,),  # what ends unheard in a shorter one nobody can write a receipt of
    "confirm_unpaid_is_refused": (True,),
    "hold_difference": (-1000, 500),
    "cancelled_status": ("failed", "expired", "cancelled"),
    "not_plugged_in_status": ("failed",),
    "stop_when_not_charging": (400,),
    "failure_reason_style": ("sentence",),
    "stop_at_hold": (True,),
    "start_fee_without_energy": (True,),
    "least_capture": (50,),
    "tax_percent": (None, 7),
    "currency_upper_case": (False,),
    "price_frozen_at_start": (False,),
    "rollback_needs_review": (False,),
    "nothing_known_before_first_sample": (True,),
    "ignored_stop_is_stopping": (False,),
    "offline_review_after": (300.0,),
    "refund_keeps_captured": (False,),
    "partly_refunded_status": ("partially_refunded",),
    "paid_late": (True,),
}
"""Switches of the stand-in, and what else upstream might do than what they assume."""
SECRET = "hides-only-what-is-made-up-by-a-simulation"  # noqa: S105
PAID = frozenset({"payment_intent.amount_capturable_updated", "payment_intent.succeeded"})


@dataclass(slots=True)
class Result:
    """What one run came to. `lines` is its story, `moment` and sentence."""

    seed: int
    drivers: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    promises: list[str] = field(default_factory=list)
    """Which promise each of them is about."""
    parts: dict[str, str] = field(default_factory=dict)
    """Who and what came to this run, in the order of coming: each, and of which kind it is. Any may be left out."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    hours: float = 0.0
    steps: int = 0


def play(
    seed: int,
    *,
    rough: bool,
    drivers: int = A_RUN,
    only: frozenset[str] = frozenset(),
    two: bool = False,
    kept: frozenset[str] | None = None,
) -> Result:
    """Play one run to its end. The same arguments give the same result. `only` these blows come, and more often; with
    `two` there are two processes in any case. Of its parts (`Result.parts`) only those that are `kept` come, each by
    itself or with all of its kind; None: all.
    """
    folder = Path(tempfile.mkdtemp(prefix="kiosk-simulation-", dir=_memory()))
    try:
        with drawn_names(seed):
            game = Game(seed, folder, rough=rough, drivers=drivers, only=only, two=two, kept=kept)
            try:
                return game.play()
            finally:
                game.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Game:
    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        rough: bool,
        drivers: int,
        only: frozenset[str],
        two: bool,
        kept: frozenset[str] | None,
    ) -> None:
        self._only, self._kept = only, kept
        self.result = Result(seed, drivers)
        self._rng = rng = random.Random(f"{seed}/play")  # noqa: S311 - a play
        self._rough = rough
        self.stepper = stepper = Stepper()
        self._file = folder / "kiosk.db"
        self._file.write_bytes(_tables())
        switches = Switches(
            unpaid_expiry=rng.choice((180, 900)), settle=rng.choice((8, 60)), plug_in_seconds=rng.choice((180, 900))
        )
        switches = replace(switches, **self._answers_to_open_questions()) if rough else switches
        self.world = World(stepper, StripeBook(stepper), switches, seed)
        self.places = []
        for number, code in enumerate(CODES):
            bays = tuple(ConnectorSpec(bay, "AC_3_PHASE", 22_000) for bay in range(1, BAYS + 1))
            price = Pricing("EUR", price_per_kwh=(49, 39, 59)[number], start_fee=(35, 0, 0)[number])
            interval = rng.choice((10.0, 60.0, 300.0, 900.0)) if rough else 10.0
            self.world.add_charger(ChargerSpec(code, f"Charger {number}", bays, price, meter_interval=interval))
            self.places += [(code, bay) for bay in range(1, BAYS + 1)]
        self._faults = Faults(seed)
        self.luck = Luck(seed, rough=rough, disturbs=self._disturb, meets=self._meets, tell=self.tell)
        self._wsgi = httpx.WSGITransport(create_plugchoice_app(self.world, self._faults))
        self.processes: list[Process] = []
        self._settings = _settings(folder)
        here = {"id": "here", "name": "Here", "timezone": "UTC", "chargers": [{"code": code} for code in CODES]}
        self._book = SiteBook.model_validate({"operator": {"name": "Simulation"}, "sites": [here]})
        self.witness = Witness(stepper, self.world, self.tell, self.processes)
        self._ahead = timedelta(0)
        self._two = (two or (rough and rng.random() < 0.3)) and self._meets(SECOND)
        self._pace = self._dice("blows")
        self._blows, self._fist = 0, self._pace
        self._hooks = self._dice("webhooks")
        self._stripes = 0
        self.drivers: list[Driver] = []
        self._hears_stripe = rng.random() < 0.7
        self._ends_at = stepper.seconds() + LONGEST
        self._calm_since: float | None = None
        self._over = False

    def _answers_to_open_questions(self) -> dict[str, Any]:
        """What no document of upstream's says: in each run some of it is otherwise than is safe for us."""
        found = dict[str, Any]()
        for name, others in OPEN_QUESTIONS.items():
            dice = self._dice(f"switch/{name}")
            value = dice.choice(others)
            if dice.random() < OTHERWISE and self._meets(f"upstream: {name} is {value}"):
                found[name] = value
        return found

    def _dice(self, name: str) -> random.Random:
        """Dice of their own for whatever may be left out, so that leaving it out shifts nothing else."""
        return random.Random(f"{self.result.seed}/{name}")  # noqa: S311 - a play

    def _meets(self, kind: str, one: str | None = None) -> bool:
        """Whether that part comes to this run. Asked when it is about to."""
        name = kind if one is None else one
        if self._kept is not None and kind not in self._kept and name not in self._kept:
            return False
        self.result.parts.setdefault(name, kind)
        return True

    # --- the run

    def play(self) -> Result:
        for _ in range(2 if self._two else 1):
            self._begin_process()
        if self._rough:
            self._make_rough()
        if self._hears_stripe:
            self.world.book.subscribe(self._stripe_says)
        self._send_drivers()
        self.stepper.after(LOOK_EVERY, self._look)
        self.stepper.after(CHECK_EVERY, self._check)
        while not self._over and not self.witness.broken and self.stepper.step():
            pass
        if not self.witness.broken:
            self._at_the_end()
        return self._counted()

    def close(self) -> None:
        for process in self.processes:
            if process.alive:
                process.kill()
        self.stepper.close()

    def tell(self, words: str) -> None:
        self.result.lines.append(f"{self.stepper.now():%H:%M:%S}  {words}")

    def _send_drivers(self) -> None:
        at, apart = 1.0, self._rng.choice((4.0, 40.0, 40.0))
        for number in range(1, self.result.drivers + 1):
            rng = self._dice(f"driver/{number}")
            coming, at = at, at + self._rng.expovariate(1 / apart)
            if not self._meets(f"driver {number}"):
                continue
            driver = Driver(
                number,
                draw_plan(rng, self.places),
                rng,
                self.stepper,
                self.world,
                self.witness,
                self._at_hand,
                self.tell,
                self._died,
            )
            self.drivers.append(driver)
            driver.come(coming)

    def _look(self) -> None:
        """Now and then: is every promise kept, and is it time to go home?"""
        self.witness.look()
        self.stepper.after(LOOK_EVERY, self._look)
        now = self.stepper.seconds()
        if self._calm_since is None:
            if now >= self._ends_at or all(each.outcome is not None for each in self.drivers):
                self._let_all_go_well()
                self._calm_since = now
            return
        calm = now - self._calm_since
        self._over = calm >= CALM_AT_MOST or (calm >= CALM_AT_LEAST and self.witness.all_has_ended())

    def _check(self) -> None:
        self.witness.check()
        self.stepper.after(CHECK_EVERY, self._check)

    def _counted(self) -> Result:
        result = self.result
        for driver in self.drivers:
            result.outcomes[driver.outcome or "was still there"] += 1
        result.faults += self.luck.counts
        result.faults += Counter(name for name in result.parts if name.startswith("upstream: "))
        result.calls += self.witness.calls
        for trouble, _, played in self.world.troubles():
            if played and trouble in OF_SESSION:
                result.faults[f"site: {trouble.words}"] += played
        result.broken, result.promises = self.witness.broken, self.witness.promises
        result.steps = self.stepper.steps
        result.hours = (self.stepper.now() - BEGIN).total_seconds() / HOUR
        return result

    def _at_the_end(self) -> None:
        if any(process.alive for process in self.processes):
            self.witness.look_at_the_end()
        else:
            self.witness.break_("alive", "no process lives at the end")

    # --- processes

    def _begin_process(self) -> None:
        def wire(process: Process) -> httpx.BaseTransport:
            return Wire(self._wsgi, self._faults, self.luck, self.witness, process)

        process = Process(
            self.stepper,
            self._settings,
            self._book,
            self._file,
            wire,
            ahead=self._ahead,
            alone=not self._two,
            died=self._died,
            job_begins=self.luck.perhaps_freeze,
        )
        self.processes.append(process)

    def _at_hand(self) -> Process | None:
        """Who answers a request: any process that lives and is not frozen."""
        there = [one for one in self.processes if one.alive and not one.frozen]
        return there[self._rng.randrange(len(there))] if there else None

    def _died(self, process: Process) -> None:
        """It was killed at one of its points; the supervisor begins another one soon."""
        if process not in self.processes:
            return
        point = process.life.died_at
        self.tell(f"The process is killed {point}." if point else "The process is killed.")
        self.luck.note(f"killed {point}" if point else "killed")
        process.kill()
        self.processes.remove(process)
        wait = self._rng.uniform(1, 20)
        self.witness.disturbed(wait + 30)
        self.stepper.after(wait, self._begin_process)

    # --- bad luck

    def _make_rough(self) -> None:
        self.world.make_rough(self._faults, seed=self.result.seed)
        for trouble in (Trouble.SLOW_LINE, Trouble.RARE_METERS, Trouble.OTHERS, Trouble.FIXED_WINDOW):
            self.world.set_trouble(trouble, on=False)
        for trouble in OF_SESSION:
            if self._rng.random() < 0.5 or not self._meets(f"site: {trouble.words}"):
                self.world.set_trouble(trouble, on=False)
        self._next_blow()

    def _next_blow(self) -> None:
        self.stepper.after(self._pace.expovariate(1 / (100 if self._only else 400)), self._blow)

    def _blow(self) -> None:
        if not self.luck.on:
            return
        blows: dict[str, Callable[[], None]] = {
            "kill": self._kill_soon,
            "freeze": self._freeze,
            "freeze at a send": self._freeze_at_a_call,
            "lock": self._lock,
            "disk full": self._fill_the_disk,
            "database gone": self._lose_the_database,
            "split": self._split,
            "DNS": partial(self._cut_off, "DNS fails", "[Errno -2] Name or service not known"),
            "TLS": partial(self._cut_off, "TLS fails", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired"),
            "dawdling": self._dawdle,
            "offline": self._lose_a_charger,
            "clock": self._step_the_clock,
            "strangers": self._strangers,
            "storm": self._storm,
            "refund": self._refund,
            "ignored stops": self._ignore_stops,
            "late amounts": self._hold_back_amounts,
        }
        if self._only:
            # These come to nobody by chance yet.
            blows |= {"silent meters": self._silence_meters, "forgotten cables": self._forget_cables}
        chosen = [name for name in blows if not self._only or name in self._only]
        self._blows += 1
        self._fist = self._dice(f"blow/{self._blows}")
        name = self._fist.choice(chosen)
        if self._meets(f"{name} (blow {self._blows})"):
            blows[name]()
        self._next_blow()

    def _kill_soon(self) -> None:
        process = self._at_hand()
        if process is not None:
            process.life.dies_in = self._fist.randint(1, 40)

    def _freeze(self) -> None:
        process = self._at_hand()
        if process is not None:
            seconds = self._fist.uniform(5, 90)
            self.luck.note("frozen")
            self.tell(f"The process is frozen for {seconds:.0f} s.")
            process.freeze(seconds)
            self.witness.disturbed(seconds + 30)

    def _freeze_at_a_call(self) -> None:
        self.luck.freezes_in = self._fist.randint(1, 6)

    def _disturb(self, seconds: float) -> None:
        self.witness.disturbed(seconds)

    def _lock(self) -> None:
        self._trouble(StoreTrouble.LOCKED, self._fist.uniform(1, 40), "database locked")

    def _fill_the_disk(self) -> None:
        self._trouble(StoreTrouble.FULL, self._fist.uniform(5, 180), "disk full")

    def _lose_the_database(self) -> None:
        self._trouble(StoreTrouble.AWAY, 30.0, "database gone")

    def _split(self) -> None:
        """The leader alone is cut off from the database, and goes on believing that it leads; another one takes over.
        What it sends until it finds out is held against the lease (`Witness.leads`).
        """
        leader = next((one for one in self.processes if one.alive and one.engine.leading), None)
        if leader is not None and self._two:
            seconds = self._fist.uniform(15, 120)
            self._trouble(StoreTrouble.AWAY, seconds, "leader cut off from the database", [leader])

    def _cut_off(self, name: str, said: str) -> None:
        """No call of any process gets as far as a line to upstream."""
        seconds = self._fist.uniform(20, 300)
        self._disturbs_for(seconds, name)
        hit = list(self.processes)
        for process in hit:
            process.life.cut_off = said

        def over() -> None:
            for process in hit:
                process.life.cut_off = None

        self.stepper.after(seconds, over)

    def _dawdle(self) -> None:
        self.luck.dawdles = True
        seconds = self._fist.uniform(60, 300)
        self._disturbs_for(seconds, "every answer a minute late")
        self.stepper.after(seconds, self._hurry)

    def _hurry(self) -> None:
        self.luck.dawdles = False

    def _disturbs_for(self, seconds: float, name: str) -> None:
        self.luck.note(name)
        self.tell(f"For {seconds:.0f} s: {name}.")
        self.witness.disturbed(seconds + 60)

    def _trouble(
        self, trouble: StoreTrouble, seconds: float, name: str, processes: Sequence[Process] | None = None
    ) -> None:
        self._disturbs_for(seconds, name)
        hit = list(self.processes if processes is None else processes)
        for process in hit:
            process.life.trouble = trouble

        def over() -> None:
            for process in hit:
                process.life.trouble = None

        self.stepper.after(seconds, over)

    def _lose_a_charger(self) -> None:
        code = self._fist.choice(CODES)
        seconds = self._fist.uniform(20, 900)
        self.luck.note("charger offline")
        self.tell(f"Charger {code} has no connection for {seconds:.0f} s.")
        self.world.set_online(code, online=False)
        self.stepper.after(seconds, lambda: self.world.set_online(code, online=True))

    def _step_the_clock(self) -> None:
        """Forward at any time; back only shows after the next start of the process."""
        if self._two:
            return
        process = self._at_hand()
        if process is None:
            return
        self.luck.note("clock set")
        if self._fist.random() < 0.5:
            seconds = self._fist.choice((2.0, 30.0, 600.0, 3600.0))
            self.tell(f"The clock is set forward by {seconds:.0f} s.")
            self._ahead += timedelta(seconds=seconds)
            process.clock.ahead = self._ahead
        else:
            seconds = self._fist.choice((2.0, 30.0, 600.0, 3600.0))
            self.tell(f"The clock is set back by {seconds:.0f} s, and the process begins anew.")
            self._ahead -= timedelta(seconds=seconds)
            process.life.dies_in = 1
        self.witness.disturbed(120)

    def _strangers(self) -> None:
        """Somebody with time looks at chargers that nobody has, and at ours, again and again."""
        self.luck.note("strangers")
        self.tell("A stranger types codes.")

        def look(left: int) -> None:
            process = self._at_hand()
            if process is not None:
                code = self._fist.choice((*CODES, "XXXX2", "XXXX3", "XXXX4", "XXXX5"))
                try:
                    current_card(process.parts, code)
                except Killed:
                    self._died(process)
                except (CannotWrite, Unavailable):
                    pass
            if left:
                self.stepper.after(self._fist.uniform(0.1, 2), lambda: look(left - 1))

        look(60)

    def _storm(self) -> None:
        """Stripe tells of payments that ended long ago, again and again, each time as news."""
        intents = [one.intent_id for one in self.world.sessions() if one.status == "captured"]
        if not intents or not self._hears_stripe:
            return
        self.luck.note("webhook storm")
        self.tell("Stripe tells of old payments, again and again.")
        for number in range(90):
            intent, name = self._fist.choice(intents), f"evt_storm_{self.stepper.steps}_{number}"
            self.stepper.after(self._fist.uniform(0, 120), partial(self._hint, name, "charge.updated", intent))

    def _ignore_stops(self) -> None:
        """A charger takes the next stops, and nothing comes of them."""
        self.luck.note("stops ignored")
        for code in CODES:
            self.world.ignore_next_stop(code, self._fist.randint(1, 2))
        self.tell("The next stops are ignored.")

    def _hold_back_amounts(self) -> None:
        """For ten minutes ends are told before their amounts."""
        self.luck.note("ends before their amounts")
        self.tell("For ten minutes ends are told before their amounts.")
        seconds = self._fist.uniform(10, 200)
        for code in CODES:
            self.world.hold_back_amounts(code, seconds)
            self.stepper.after(600, partial(self.world.hold_back_amounts, code, None))

    def _forget_cables(self) -> None:
        """Whoever comes in the next minutes pays, and plugs in much later or never."""
        self.luck.note("cables forgotten")
        self.tell("Some who are about to come will not plug in.")
        for driver in self.drivers:
            if driver.key is None and driver.outcome is None:
                driver.plugs_after = 3000.0

    def _silence_meters(self) -> None:
        """A charger's meter values and what its bays do are lost on their way, and charging goes on."""
        code = self._fist.choice(CODES)
        seconds = self._fist.uniform(60, 900)
        self.luck.note("silent meter")
        self.tell(f"For {seconds:.0f} s nothing is told of what the meter of {code} says.")
        self.luck.silence(code, self.stepper.seconds() + seconds)

    def _refund(self) -> None:
        """The operator sends back a part, or all, of what was taken."""
        taken = [one for one in self.world.sessions() if one.status == "captured" and one.amount_captured]
        if taken:
            one = self._fist.choice(taken)
            part = self._fist.choice((None, (one.amount_captured or 2) // 2)) or None
            self.luck.note("refund")
            self.tell(f"The operator sends back {part if part is not None else 'all'} of {one.amount_captured}.")
            with suppress(NotPossible, Refusal):  # an end of long ago can no longer be found
                self.world.refund(one.token, part)

    def _stripe_says(self, event: dict[str, Any]) -> None:
        """Stripe's webhook to the kiosk: lost, late, or told again and again."""
        times = 1
        self._stripes += 1
        if self._rough and self.luck.on:
            times = self._hooks.choice((0, 1, 1, 1, 2, 12))
            what = "webhook lost" if times == 0 else "webhook repeated"
            if times != 1 and self._meets(what, f"{what} (event {self._stripes})"):
                self.luck.note(what)
                self.tell(f"Stripe tells of a payment {f'{times} times' if times else 'in vain'}.")
            else:
                times = 1
        intent = event["data"]["object"].get("id", "")
        for _ in range(times):
            self.stepper.after(self._hooks.uniform(0.2, 6), lambda: self._hint(event["id"], event["type"], intent))

    def _hint(self, event_id: str, kind: str, intent: str) -> None:
        process = self._at_hand()
        if process is None:
            return
        now = process.clock.now()
        try:
            key = process.store.session_by_intent(intent)
            if process.store.note_webhook(event_id, kind, key, now) and key is not None:
                process.store.hint(key, now)
                if kind in PAID:
                    provider_says_paid(process.parts, key)
                process.news.wish()
        except Killed:
            self._died(process)
        except (CannotWrite, Unavailable):
            return

    def _let_all_go_well(self) -> None:
        """No more bad luck: what is left to do must be done by itself now."""
        self.luck.on = False
        self.luck.freezes_in, self.luck.dawdles = None, False
        self._faults.clear()
        self.tell("From now on all goes well.")
        for code in CODES:
            self.world.set_online(code, online=True)
            self.world.forgive(code)
        for trouble, on, _ in self.world.troubles():
            if on:
                self.world.set_trouble(trouble, on=False)
        for process in self.processes:
            process.life.dies_in = None
            process.life.trouble = process.life.cut_off = None
        for place in self.places:  # whoever is still plugged in drives home
            connector = self.world.holder(*place)
            if connector is not None and connector.status == "charging":
                self.world.unplug(*place)


@cache
def _memory() -> str | None:
    """A folder in memory, where there is one: the store then needs no disk."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder itself has a name of its own
    return str(shared) if shared.is_dir() else None


@cache
def _tables() -> bytes:
    """A database with the newest tables and nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        store = Store(f"sqlite:///{file}", Cipher([SECRET]))
        store.migrate()
        store.close()
        return file.read_bytes()


def _settings(folder: Path) -> Settings:
    return build_settings(secret_key=SECRET, data_dir=folder, public_url="https://charge.example")
