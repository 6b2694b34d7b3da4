"""Expected power, kept: worked out once per change, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from kiosk.clock import ManualClock
from kiosk.config.sites import Site, SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import Assumption, BoundKind, Expectation, Place
from kiosk.domain.fuses import FuseTree
from kiosk.domain.lab import LabFacts
from kiosk.domain.session import Session
from kiosk.news.local import LocalNews
from kiosk.news.news import charger_topic, site_topic
from kiosk.service.power import TREE_LASTS, Shelf, site_power
from kiosk.service.power_kept import KEEP_SECONDS, Powers
from kiosk.store.records import SeenTree
from tests.examples import at_most
from tests.service.conftest import Desk
from tests.service.trees import CODE, NEAR, a_tree

SITE = "marktplatz"
BOOK: dict[str, Any] = {
    "sites": [
        {
            "id": SITE,
            "name": "Marktplatz garage",
            "timezone": "Europe/Berlin",
            "chargers": [
                {"code": CODE, "max_kw": 22, "bays": {n: {"label": str(n), "connector": "type2"} for n in (1, 2)}},
                {"code": NEAR, "bays": {1: {"label": "7", "connector": "type2", "max_kw": 22}}},
            ],
        }
    ]
}
FIRST, SECOND, OTHER = Place(CODE, 1), Place(CODE, 2), Place(NEAR, 1)


@dataclass
class Garage:
    """A real store and both chargers of one site, which has a fuse tree once `with_pilot` was called."""

    desk: Desk
    book: SiteBook = field(default_factory=lambda: SiteBook.model_validate(BOOK))

    def with_pilot(self, tree: FuseTree | None = None, **charger: Any) -> None:
        """From now on the site has a fuse tree, `tree` if one was read. `charger`: what else is said of the first."""
        book = deepcopy(BOOK)
        book["sites"][0]["chargepilot_site"] = "42"
        book["sites"][0]["chargers"][0].update(charger)
        self.book = SiteBook.model_validate(book)
        if tree is not None:
            self.desk.store.save_tree(SITE, tree, self.desk.now)

    @property
    def site(self) -> Site:
        found = self.book.site(SITE)
        assert found is not None
        return found

    def card(self, *statuses: str, code: str = CODE) -> None:
        """What the engine would store after a read of now."""
        plugs = tuple(Connector(number, word, power_type="AC_3_PHASE") for number, word in enumerate(statuses, start=1))
        self.desk.card(code=code, connectors=plugs)

    def powers(self) -> Mapping[Place, Expectation]:
        return self.desk.parts.powers.of(self.site)

    def kept(self, shelf: Shelf, news: LocalNews | None = None, counter: Callable[[], float] = lambda: 0.0) -> Powers:
        return Powers(shelf, news or LocalNews(), self.desk.clock, monotonic=counter)


@pytest.fixture
def garage(desk: Desk) -> Garage:
    return Garage(desk)


# --- what is read


def test_the_fuse_is_shared_by_everybody_on_the_site(garage: Garage) -> None:
    garage.with_pilot(a_tree(63))
    garage.card("Charging", "Available")
    garage.card("Available", code=NEAR)
    found = garage.powers()
    assert set(found) == {FIRST, SECOND, OTHER}
    assert (found[SECOND].now.kw, found[SECOND].full.kw) == (Decimal("21.7"), Decimal("14.4"))
    assert not found[SECOND].at_most


def test_a_bay_that_a_session_keeps_counts_before_the_charger_says_so(garage: Garage) -> None:
    garage.with_pilot(a_tree(40))
    garage.card("Available", "Available")
    garage.card("Available", code=NEAR)
    garage.desk.queued(1)
    assert garage.powers()[OTHER].now.kw == Decimal("13.8")


def charging(garage: Garage, connector: int, kw: int) -> None:
    """A session of this kiosk whose meter shows so much power for minutes."""
    key = garage.desk.queued(connector)
    garage.desk.start_answer(key)
    for part in range(20):
        garage.desk.clock.advance(20)
        garage.desk.observe(
            key,
            "charging",
            authorized_minor=5000,
            charging_started_at=garage.desk.now,
            connector_status="Charging",
            energy_kwh=(Decimal(kw) * part * 21 / 3600).quantize(Decimal("0.001")),
            cost_minor=part,
        )


def test_what_this_kiosks_charges_measure_leaves_the_rest_to_others(garage: Garage) -> None:
    garage.with_pilot(a_tree(40))
    garage.card("Available")
    charging(garage, 1, 2)
    garage.card("Charging")
    garage.card("Available", code=NEAR)
    found = garage.powers()
    assert (found[OTHER].now.kw, found[OTHER].full.kw) == (Decimal("20.7"), Decimal("13.8"))
    assert found[OTHER].now.bound.kind is BoundKind.NODE


def test_no_bay_is_said_to_give_less_than_its_meter_shows(garage: Garage) -> None:
    garage.with_pilot(a_tree(20))
    garage.card("Available")
    charging(garage, 1, 15)
    garage.card("Charging")
    garage.card("Charging", code=NEAR)
    assert garage.powers()[FIRST].now.kw == Decimal("15.0")
    assert garage.desk.parts.powers.ceiling(CODE, 1, garage.book) is None
    assert garage.powers()[OTHER].at_most


def test_a_meter_that_was_read_too_long_ago_says_nothing_of_now(garage: Garage) -> None:
    garage.with_pilot(a_tree(40))
    garage.card("Available")
    charging(garage, 1, 2)
    garage.desk.clock.advance(61)
    garage.card("Charging")
    garage.card("Available", code=NEAR)
    assert garage.powers()[OTHER].now.kw == Decimal("13.8")


def test_without_a_fuse_tree_a_bay_can_do_what_the_operator_says(garage: Garage) -> None:
    garage.card("Available")
    found = garage.powers()[FIRST]
    assert (found.now.kw, found.at_most) == (Decimal("22.0"), True)


def test_a_charger_may_have_another_name_in_the_tree(garage: Garage) -> None:
    garage.with_pilot(a_tree(16), code="OTHERNAME", station_ids=[CODE])
    garage.card("Available", "Available", code="OTHERNAME")
    assert garage.powers()[Place("OTHERNAME", 1)].now.bound.kind is BoundKind.NODE


@pytest.mark.parametrize("age", [TREE_LASTS + timedelta(seconds=1)])
def test_a_tree_of_yesterday_or_of_tomorrow_is_not_used(garage: Garage, age: timedelta) -> None:
    garage.with_pilot()
    garage.desk.store.save_tree(SITE, a_tree(16), garage.desk.now - age)
    garage.card("Available")
    assert garage.powers()[FIRST].now.kw == Decimal("22.0")
    assert Assumption.NO_TREE in garage.powers()[FIRST].assumptions


@pytest.mark.parametrize("age", [TREE_LASTS, timedelta(milliseconds=-1)])
def test_a_tree_at_the_edge_still_counts(garage: Garage, age: timedelta) -> None:
    garage.with_pilot()
    garage.desk.store.save_tree(SITE, a_tree(16), garage.desk.now - age)
    garage.card("Available")
    assert garage.powers()[FIRST].now.bound.kind is BoundKind.NODE


def test_a_tree_of_a_site_that_has_none_any_more_is_not_used(garage: Garage) -> None:
    garage.desk.store.save_tree(SITE, a_tree(16), garage.desk.now)
    garage.card("Available")
    assert garage.powers()[FIRST].now.kw == Decimal("22.0")


def test_an_empty_tree_promises_no_more_than_none(garage: Garage) -> None:
    garage.with_pilot(FuseTree())
    garage.card("Available")
    found = garage.powers()[FIRST]
    assert (found.now.kw, found.at_most) == (Decimal("22.0"), True)


# --- when it is worked out


def test_it_is_worked_out_once_until_something_changes(garage: Garage) -> None:
    garage.with_pilot(a_tree(40))
    for code in (CODE, NEAR):
        garage.card("Available", code=code)
    for _round in range(10):
        garage.powers()
        garage.desk.clock.advance(KEEP_SECONDS)
    assert garage.desk.parts.powers.worked_out == 1
    garage.card("Charging")
    assert garage.powers()[OTHER].now.kw == Decimal("13.8")
    assert garage.desk.parts.powers.worked_out == 2


@pytest.mark.parametrize("topic", [charger_topic(CODE), charger_topic(NEAR), site_topic(SITE)])
def test_news_of_the_site_is_looked_at_at_once(garage: Garage, topic: str) -> None:
    garage.with_pilot(a_tree(40))
    for code in (CODE, NEAR):
        garage.card("Available", code=code)
    assert garage.powers()[OTHER].now.kw == Decimal("22.0")
    garage.card("Charging")
    garage.desk.parts.news.publish(topic)
    assert garage.powers()[OTHER].now.kw == Decimal("13.8")


def test_after_a_minute_without_news_it_is_not_known_whether_a_neighbour_charges(garage: Garage) -> None:
    garage.with_pilot(a_tree(40))
    garage.card("Available", code=NEAR)
    garage.desk.clock.advance(50)
    garage.card("Available")
    assert not garage.powers()[FIRST].between
    garage.desk.clock.advance(11)
    found = garage.powers()[FIRST]
    assert (found.now.kw, found.full.kw, found.between) == (Decimal("22.0"), Decimal("13.8"), True)


def test_looking_counts_as_watching_where_neighbours_matter(garage: Garage) -> None:
    news = garage.desk.parts.news
    garage.powers()
    assert not news.watched(site_topic(SITE))
    garage.with_pilot()
    garage.powers()
    assert news.watched(site_topic(SITE))


class Slow:
    """A store whose tree takes as long as it takes; or that cannot be read at all."""

    def __init__(self, garage: Garage) -> None:
        self.cards, self.occupied_at = garage.desk.store.cards, garage.desk.store.occupied_at
        self.lab_facts, self.charging_at = garage.desk.store.lab_facts, garage.desk.store.charging_at
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.broken = False
        self.reads = 0

    def tree(self, site_id: str) -> None:
        del site_id
        self.reads += 1
        self.asked.set()
        assert self.go_on.wait(10)
        if self.broken:
            raise ValueError("not a tree")


class Looks(LocalNews):
    """Tells when the second reader has looked whether there is news."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Event()

    def version(self, topic: str) -> int:
        if threading.current_thread().name == "second" and topic == charger_topic(NEAR):
            self.looked.set()
        return super().version(topic)


def test_while_one_reader_works_it_out_the_others_get_the_last_answer(garage: Garage) -> None:
    garage.with_pilot()
    garage.card("Available")
    clock = [0.0]
    shelf = Slow(garage)
    made = garage.kept(shelf, counter=lambda: clock[0])
    shelf.go_on.set()
    first = made.of(garage.site)
    shelf.go_on.clear()
    shelf.asked.clear()
    clock[0] += KEEP_SECONDS
    garage.desk.clock.advance(KEEP_SECONDS)
    worker = threading.Thread(target=made.of, args=(garage.site,))
    worker.start()
    assert shelf.asked.wait(10)
    assert made.of(garage.site) is first
    shelf.go_on.set()
    worker.join(10)
    assert (shelf.reads, made.worked_out) == (2, 1)


def test_a_tree_that_cannot_be_read_says_nothing_and_breaks_nothing(garage: Garage) -> None:
    garage.with_pilot()
    shelf = Slow(garage)
    shelf.broken = True
    shelf.go_on.set()
    made = garage.kept(shelf)
    assert made.of(garage.site) == {}
    assert made.of(garage.site) == {}
    assert shelf.reads == 1


def test_a_failure_is_logged_once_until_it_works_again(garage: Garage) -> None:
    garage.with_pilot()
    shelf, clock = Slow(garage), [0.0]
    shelf.go_on.set()
    made = garage.kept(shelf, counter=lambda: clock[0])
    with capture_logs() as logs:
        for broken in (True, True, False, True, True):
            shelf.broken = broken
            made.of(garage.site)
            clock[0] += KEEP_SECONDS
    assert shelf.reads == 5
    assert [(line["log_level"], line["site"]) for line in logs] == [("error", SITE)] * 2


def test_who_waited_for_the_answer_takes_the_one_that_was_just_worked_out(garage: Garage) -> None:
    garage.with_pilot()
    news, shelf = Looks(), Slow(garage)
    made = garage.kept(shelf, news)
    readers = [threading.Thread(target=made.of, args=(garage.site,), name=name) for name in ("first", "second")]
    readers[0].start()
    assert shelf.asked.wait(10)
    readers[1].start()
    assert news.looked.wait(10)
    shelf.go_on.set()
    for reader in readers:
        reader.join(10)
    assert shelf.reads == 1


# --- whatever happens, what is kept is what would be worked out anew


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.seen: SeenTree | None = None
        self.stored: dict[str, ChargerCard] = {}
        self.claims: dict[str, dict[int, str]] = {}
        self.charging: list[Session] = []

    def tree(self, site_id: str) -> SeenTree | None:
        del site_id
        return self.seen

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]:
        return {code: self.stored[code] for code in codes if code in self.stored}

    def occupied_at(self, codes: Sequence[str]) -> dict[str, dict[int, str]]:
        return {code: self.claims[code] for code in codes if code in self.claims}

    def charging_at(self, codes: Sequence[str]) -> list[Session]:
        return [session for session in self.charging if session.code in codes]

    def lab_facts(self, codes: Sequence[str]) -> dict[str, LabFacts]:
        del codes
        return {}


changes = st.lists(
    st.tuples(
        st.sampled_from(["card", "claim", "tree", "wait"]),
        st.sampled_from([CODE, NEAR]),
        st.sampled_from(["Available", "Charging", "Faulted"]),
        st.integers(0, 70),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=at_most(60))
@given(changes)
def test_what_is_kept_is_what_would_be_worked_out_anew(steps: list[tuple[str, str, str, int]]) -> None:
    site = SiteBook.model_validate(BOOK).sites[0].model_copy(update={"chargepilot_site": "42"})
    shelf, counter, clock = Memory(), [0.0], ManualClock()
    made = Powers(shelf, LocalNews(), clock, monotonic=lambda: counter[0])
    now = clock.now()
    for what, code, word, number in steps:
        if what == "card":
            connector = Connector(1, word, power_type="AC_3_PHASE")
            shelf.stored[code] = ChargerCard(code, None, number % 5 > 0, (connector,), None, None, now)
        elif what == "claim":
            shelf.claims[code] = {1: "a session"} if number % 2 else {}
        elif what == "tree":
            shelf.seen = SeenTree(a_tree(number), now)
        seconds = float(number) if what == "wait" else 0.0
        counter[0] += seconds + KEEP_SECONDS
        now = clock.advance(seconds + KEEP_SECONDS)
        assert made.of(site) == site_power(site, shelf, now).expectations(now)
