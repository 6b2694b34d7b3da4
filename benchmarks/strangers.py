"""What strangers with time cost honest drivers: attacks at the inbound limits, from 1, 10 and 100 networks, beside a
quiet run.

The app, engine, store and clients of production in simulated time, without an operator's token. Strangers send real
requests, each from an address of its network. Every figure is a count or a simulated length.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from statistics import median

from benchmarks.crowd import CHARGING, DRIVERS, OLD, Browser, Crowd, Seen, Steps, simulated_time
from benchmarks.garage import Garage, folder_in_memory, repeatable
from benchmarks.report import Figure, percentile
from kiosk.clock import ManualClock
from kiosk.domain.status import Status
from kiosk.sandbox.world.chargers import CODE_ALPHABET
from kiosk.sandbox.world.switches import Switches

NETWORKS = (1, 10, 100)
LEAD = timedelta(minutes=4)
"""The strangers' start on the first honest driver."""
SOON = 30.0
"""Seconds from the scan to the pay page."""
LEAST_SOON = 0.95
NO_DIFFERENCE = 5.0
"""Seconds by which a wait may differ from the quiet one: two looks of a page at the store."""
IN_TIME = 60.0
"""Seconds in which a charge that nobody watches is read by the plan; a quiet day has room to read it sooner."""
MOST_A_SECOND = 10.0
"""Requests of all strangers together: more cost this computer time and gain them nothing that we know of."""
STARTS_EVERY = 6.0
"""Seconds: ten starts a minute are let through from one network."""
KEEP_EVERY = 15.0
"""Seconds between two questions of a page that polls: after them it still counts as open."""
Attack = Callable[[Crowd, int, int], Steps]
"""What one network does; given are its number and how many there are."""


def run() -> list[Figure]:
    quiet = play(None, 0)
    rows = [
        Figure("strangers", "quiet: started within 30 s; wait, median and worst", waits(quiet)),
        Figure("strangers", "quiet: age of a running figure, median, p99, worst", ages(quiet)),
    ]
    for name, attack in ATTACKS.items():
        for networks in NETWORKS:
            rows += figures(name, networks, play(attack, networks), quiet)
    return rows


def figures(name: str, networks: int, seen: Seen, quiet: Seen) -> list[Figure]:
    who = f"{name}, {networks} network{'s' if networks > 1 else ''}"
    aim: tuple[str, bool] | tuple[()] = ()
    if networks == 1:
        aim = ("as on a quiet day", like(seen, quiet))
    elif networks == 10:
        aim = (f"≥ {LEAST_SOON:.0%} within 30 s", soon(seen) >= LEAST_SOON)
    return [
        Figure("strangers", f"{who}: started within 30 s; wait, median and worst", waits(seen), *aim),
        Figure("strangers", f"{who}: age of a running figure, median, p99, worst", ages(seen)),
    ]


def soon(seen: Seen) -> float:
    """The share of drivers who could pay in time."""
    return sum(wait is not None and wait <= SOON for wait in seen.waits) / len(seen.waits)


def like(seen: Seen, quiet: Seen) -> bool:
    """All are served as soon, at a bay of their own or at another one; what runs is read as often, or in time."""
    if soon(seen) < soon(quiet) or None in seen.waits:
        return False
    longer = worst(seen) - worst(quiet), middle(seen) - middle(quiet)
    age, usual = percentile(seen.ages, 0.99), percentile(quiet.ages, 0.99)
    return max(longer) <= NO_DIFFERENCE and age <= max(usual + NO_DIFFERENCE, IN_TIME)


def worst(seen: Seen) -> float:
    return max((wait for wait in seen.waits if wait is not None), default=0.0)


def middle(seen: Seen) -> float:
    waits = [wait for wait in seen.waits if wait is not None]
    return median(waits) if waits else 0.0


def waits(seen: Seen) -> str:
    in_time = sum(wait is not None and wait <= SOON for wait in seen.waits)
    gone = sum(wait is None for wait in seen.waits)
    told = f"{in_time} of {len(seen.waits)}; {middle(seen):.0f} s, {worst(seen):.0f} s"
    told += f"; {gone} gave up" if gone else ""
    elsewhere = len(seen.waits) - gone - seen.at_their_bay
    told += f"; {elsewhere} at another bay" if elsewhere else ""
    return told + (f"; {seen.streams_refused} streams refused" if seen.streams_refused else "")


def ages(seen: Seen) -> str:
    return f"{median(seen.ages):.0f} s, {percentile(seen.ages, 0.99):.0f} s, {max(seen.ages):.0f} s"


def play(
    attack: Attack | None,
    networks: int,
    seed: int = 1,
    *,
    drivers: int = DRIVERS,
    old: int = OLD,
    charging: int = CHARGING,
    lead: timedelta = LEAD,
) -> Seen:
    """One day: the scene, the strangers, then the honest drivers whose waits count."""
    clock = ManualClock()
    with folder_in_memory() as folder, repeatable(seed), simulated_time(clock):
        garage = Garage(folder, clock, Switches(), seed=seed)
        with closing(garage):
            crowd = Crowd(garage, clock, seed, drivers=drivers)
            with crowd.streams:
                crowd.set_the_scene(old, charging)
                for number in range(networks if attack is not None else 0):
                    if attack is not None:
                        crowd.begin(attack(crowd, number, networks), number * STARTS_EVERY / networks)
                crowd.pass_time(lead)
                crowd.seen.ages.clear()
                crowd.let_drivers_come()
            return crowd.seen


# --- strangers


def squat(crowd: Crowd, number: int, networks: int) -> Steps:
    """Start where honest drivers will stand, ask for the payment form, keep the page open, never pay. A new browser
    for every start."""
    kept: list[tuple[Browser, str]] = []
    forms: set[str] = set()
    looked = crowd.clock.now()
    while True:
        place = next((one for one in crowd.places if crowd.is_free(one)), None)
        if place is not None:
            browser = Browser(crowd.garage, address(number))
            key = browser.start(*place)
            if key is not None:
                kept.append((browser, key))
        for browser, key in kept:
            if key not in forms and crowd.session(key).known_status is Status.CREATED:
                browser.get(f"/s/{key}/payment")
                forms.add(key)
        if (crowd.clock.now() - looked).total_seconds() >= KEEP_EVERY:
            looked = crowd.clock.now()
            kept = [(browser, key) for browser, key in kept if not crowd.session(key).final]
            for browser, key in kept:
                browser.get(f"/s/{key}.json")
        yield pause(STARTS_EVERY, 2 * networks)


def start_and_cancel(crowd: Crowd, number: int, networks: int) -> Steps:
    """Start at the chargers where honest drivers will stand, and cancel as soon as upstream has made the session."""
    waiting: list[tuple[Browser, str]] = []
    while True:
        for browser, key in tuple(waiting):
            session = crowd.session(key)
            if session.known_status is Status.CREATED:
                browser.post(f"/s/{key}/cancel")
            if session.known_status is not None or session.final:
                waiting.remove((browser, key))
        place = next((one for one in crowd.places if crowd.is_free(one)), None)
        if place is not None:
            browser = Browser(crowd.garage, address(number))
            begun = browser.start(*place)
            if begun is not None:
                waiting.append((browser, begun))
        yield pause(STARTS_EVERY, 2 * networks)


def random_codes(crowd: Crowd, number: int, networks: int) -> Steps:
    """Codes that nobody knows, twice as many as one may mistype."""
    browser, rng = Browser(crowd.garage, address(number)), dice(number)
    while True:
        browser.get("/c/" + "".join(rng.choices(CODE_ALPHABET, k=7)))
        yield pause(3.0, networks)


def known_codes(crowd: Crowd, number: int, networks: int) -> Steps:
    """The pages of all chargers of the site, over and over."""
    browser, rng = Browser(crowd.garage, address(number)), dice(number)
    while True:
        code, _ = rng.choice(crowd.garage.places)
        browser.get(f"/c/{code}?n={rng.random()}")
        yield pause(0.1, networks)


def old_receipts(crowd: Crowd, number: int, networks: int) -> Steps:
    """The receipts of charges that ended more than an hour ago, and their pages, reloaded every second."""
    browser, rng = Browser(crowd.garage, address(number)), dice(number)
    while True:
        key = rng.choice(crowd.receipts)
        browser.get(rng.choice((f"/r/{key}", f"/s/{key}", f"/s/{key}.json")))
        yield pause(1.0, networks)


def streams(crowd: Crowd, number: int, networks: int) -> Steps:
    """One unpaid start, and as many streams as are given, of it and of the old receipts."""
    browser, rng = Browser(crowd.garage, address(number)), dice(number)
    keys = list(crowd.receipts)
    place = next((one for one in reversed(crowd.places) if crowd.is_free(one)), None)
    own = browser.start(*place) if place is not None else None
    keys += [own] if own is not None else []
    while True:
        for each in keys:
            while crowd.open_stream(browser, each):
                pass
        yield pause(5.0 + rng.random(), networks)


ATTACKS: dict[str, Attack] = {
    "squatting": squat,
    "start and cancel": start_and_cancel,
    "random codes": random_codes,
    "known codes": known_codes,
    "old receipts": old_receipts,
    "streams": streams,
}


def address(number: int) -> str:
    """One of each network, from those that are set aside for measuring (RFC 2544)."""
    return f"198.18.{number // 250}.{number % 250 + 1}"


def pause(seconds: float, networks: int) -> float:
    return max(seconds, networks / MOST_A_SECOND)


def dice(number: int) -> random.Random:
    return random.Random(f"stranger/{number}")  # noqa: S311 - a reproducible play
