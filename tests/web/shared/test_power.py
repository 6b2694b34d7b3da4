"""Expected power for the pages: worked out once per change, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from kiosk.config.sites import Site, SiteBook
from kiosk.domain.charger import AHEAD, ChargerCard, Connector
from kiosk.domain.expectation import Assumption, BoundKind, Expectation, Place
from kiosk.domain.fuses import FuseTree
from kiosk.domain.lab import ChargerFacts
from kiosk.news.live import Live, charger_topic, site_topic
from kiosk.service.power import TREE_LASTS, site_power
from kiosk.store.records import SeenTree
from kiosk.web.shared.power_words import (
    KEEP_SECONDS,
    Powers,
    powers_of,
)
from tests.web.conftest import BOOK, CODE, NEAR, Kiosk
from tests.web.powered import SITE, a_tree, with_pilot

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
FIRST, SECOND, OTHER = Place(CODE, 1), Place(CODE, 2), Place(NEAR, 1)


def site_of(kiosk: Kiosk) -> Site:
    found = kiosk.book.site(SITE)
    assert found is not None
    return found


def powers(kiosk: Kiosk) -> Mapping[Place, Expectation]:
    with kiosk.app.test_request_context("/"):
        return powers_of(site_of(kiosk))


# --- what is read


def test_the_fuse_is_shared_by_everybody_on_the_site(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(63))
    kiosk.card("Charging", "Available")
    kiosk.card("Available", code=NEAR)
    found = powers(kiosk)
    assert set(found) == {FIRST, SECOND, OTHER}
    assert (found[SECOND].now.kw, found[SECOND].full.kw) == (Decimal("21.7"), Decimal("14.4"))
    assert not found[SECOND].at_most


def test_a_bay_that_a_session_keeps_counts_before_the_charger_says_so(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(40))
    kiosk.card("Available", "Available")
    kiosk.card("Available", code=NEAR)
    kiosk.start(kiosk.phone(), connector=1)
    assert powers(kiosk)[OTHER].now.kw == Decimal("13.8")


def test_without_a_fuse_tree_a_bay_can_do_what_the_operator_says(kiosk: Kiosk) -> None:
    kiosk.card("Available")
    found = powers(kiosk)[FIRST]
    assert (found.now.kw, found.at_most) == (Decimal("22.0"), True)


def test_a_charger_may_have_another_name_in_the_tree(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(16), code="OTHERNAME", station_ids=[CODE])
    kiosk.card("Available", "Available", code="OTHERNAME")
    assert powers(kiosk)[Place("OTHERNAME", 1)].now.bound.kind is BoundKind.NODE


@pytest.mark.parametrize("age", [TREE_LASTS + timedelta(seconds=1), -AHEAD - timedelta(seconds=1)])
def test_a_tree_of_yesterday_or_of_tomorrow_is_not_used(kiosk: Kiosk, age: timedelta) -> None:
    with_pilot(kiosk)
    kiosk.store.save_tree(SITE, a_tree(16), kiosk.now - age)
    kiosk.card("Available")
    assert powers(kiosk)[FIRST].now.kw == Decimal("22.0")
    assert Assumption.NO_TREE in powers(kiosk)[FIRST].assumptions


@pytest.mark.parametrize("age", [TREE_LASTS, -AHEAD])
def test_a_tree_at_the_edge_still_counts(kiosk: Kiosk, age: timedelta) -> None:
    with_pilot(kiosk)
    kiosk.store.save_tree(SITE, a_tree(16), kiosk.now - age)
    kiosk.card("Available")
    assert powers(kiosk)[FIRST].now.bound.kind is BoundKind.NODE


def test_a_tree_of_a_site_that_has_none_any_more_is_not_used(kiosk: Kiosk) -> None:
    kiosk.store.save_tree(SITE, a_tree(16), kiosk.now)
    kiosk.card("Available")
    assert powers(kiosk)[FIRST].now.kw == Decimal("22.0")


def test_an_empty_tree_promises_no_more_than_none(kiosk: Kiosk) -> None:
    with_pilot(kiosk, FuseTree())
    kiosk.card("Available")
    found = powers(kiosk)[FIRST]
    assert (found.now.kw, found.at_most) == (Decimal("22.0"), True)


# --- when it is worked out


def counted(kiosk: Kiosk) -> int:
    made: Powers = kiosk.app.extensions["kiosk.powers"]
    return made.worked_out


def test_it_is_worked_out_once_until_something_changes(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(40))
    for code in (CODE, NEAR):
        kiosk.card("Available", code=code)
    for _round in range(10):
        powers(kiosk)
        kiosk.clock.advance(KEEP_SECONDS)
    assert counted(kiosk) == 1
    kiosk.card("Charging")
    assert powers(kiosk)[OTHER].now.kw == Decimal("13.8")
    assert counted(kiosk) == 2


@pytest.mark.parametrize("topic", [charger_topic(CODE), charger_topic(NEAR), site_topic(SITE)])
def test_news_of_the_site_is_looked_at_at_once(kiosk: Kiosk, topic: str) -> None:
    with_pilot(kiosk, a_tree(40))
    for code in (CODE, NEAR):
        kiosk.card("Available", code=code)
    assert powers(kiosk)[OTHER].now.kw == Decimal("22.0")
    kiosk.card("Charging")
    kiosk.app.extensions["kiosk"].live.publish(topic)
    assert powers(kiosk)[OTHER].now.kw == Decimal("13.8")


def test_time_alone_makes_a_neighbour_count_as_charging(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(40))
    kiosk.card("Available", code=NEAR)
    kiosk.clock.advance(50)
    kiosk.card("Available")
    assert powers(kiosk)[FIRST].now.kw == Decimal("22.0")
    kiosk.clock.advance(11)
    assert powers(kiosk)[FIRST].now.kw == Decimal("13.8")


def test_a_clock_that_was_set_back_gets_a_new_answer(kiosk: Kiosk) -> None:
    with_pilot(kiosk, a_tree(16))
    kiosk.card("Available")
    powers(kiosk)
    kiosk.clock.advance(-3600)
    assert powers(kiosk)[FIRST].assumptions >= {Assumption.NO_TREE}


def test_looking_counts_as_watching_where_neighbours_matter(kiosk: Kiosk) -> None:
    live: Live = kiosk.app.extensions["kiosk"].live
    powers(kiosk)
    assert not live.watched(site_topic(SITE))
    with_pilot(kiosk)
    powers(kiosk)
    assert live.watched(site_topic(SITE))


class Slow:
    """A store whose tree takes as long as it takes; or that cannot be read at all."""

    def __init__(self, kiosk: Kiosk) -> None:
        self.cards, self.occupied_at = kiosk.store.cards, kiosk.store.occupied_at
        self.lab_facts = kiosk.store.lab_facts
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


class Looks(Live):
    """Tells when the second reader has looked whether there is news."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Event()

    def version(self, topic: str) -> int:
        if threading.current_thread().name == "second" and topic == charger_topic(NEAR):
            self.looked.set()
        return super().version(topic)


def test_while_one_reader_works_it_out_the_others_get_the_last_answer(kiosk: Kiosk) -> None:
    with_pilot(kiosk)
    kiosk.card("Available")
    clock = [0.0]
    made, shelf = Powers(Live(), lambda: clock[0]), Slow(kiosk)
    shelf.go_on.set()
    first = made.of(site_of(kiosk), shelf, kiosk.now)
    shelf.go_on.clear()
    shelf.asked.clear()
    clock[0] += KEEP_SECONDS
    kiosk.clock.advance(KEEP_SECONDS)
    worker = threading.Thread(target=made.of, args=(site_of(kiosk), shelf, kiosk.now))
    worker.start()
    assert shelf.asked.wait(10)
    assert made.of(site_of(kiosk), shelf, kiosk.now) is first
    shelf.go_on.set()
    worker.join(10)
    assert (shelf.reads, made.worked_out) == (2, 1)


def test_a_tree_that_cannot_be_read_says_nothing_and_breaks_nothing(kiosk: Kiosk) -> None:
    with_pilot(kiosk)
    shelf = Slow(kiosk)
    shelf.broken = True
    shelf.go_on.set()
    made = Powers(Live())
    assert made.of(site_of(kiosk), shelf, kiosk.now) == {}
    assert made.of(site_of(kiosk), shelf, kiosk.now) == {}
    assert shelf.reads == 1


def test_a_failure_is_logged_once_until_it_works_again(kiosk: Kiosk) -> None:
    with_pilot(kiosk)
    shelf, clock = Slow(kiosk), [0.0]
    shelf.go_on.set()
    made = Powers(Live(), lambda: clock[0])
    with capture_logs() as logs:
        for broken in (True, True, False, True, True):
            shelf.broken = broken
            made.of(site_of(kiosk), shelf, kiosk.now)
            clock[0] += KEEP_SECONDS
    assert shelf.reads == 5
    assert [(line["log_level"], line["site"]) for line in logs] == [("error", SITE)] * 2


def test_who_waited_for_the_answer_takes_the_one_that_was_just_worked_out(kiosk: Kiosk) -> None:
    with_pilot(kiosk)
    live, shelf = Looks(), Slow(kiosk)
    made = Powers(live)
    readers = [
        threading.Thread(target=made.of, args=(site_of(kiosk), shelf, kiosk.now), name=name)
        for name in ("first", "second")
    ]
    readers[0].start()
    assert shelf.asked.wait(10)
    readers[1].start()
    assert live.looked.wait(10)
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

    def tree(self, site_id: str) -> SeenTree | None:
        del site_id
        return self.seen

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]:
        return {code: self.stored[code] for code in codes if code in self.stored}

    def occupied_at(self, codes: Sequence[str]) -> dict[str, dict[int, str]]:
        return {code: self.claims[code] for code in codes if code in self.claims}

    def lab_facts(self, codes: Sequence[str]) -> dict[str, ChargerFacts]:
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


@settings(deadline=None, max_examples=60)
@given(changes)
def test_what_is_kept_is_what_would_be_worked_out_anew(steps: list[tuple[str, str, str, int]]) -> None:
    site = SiteBook.model_validate(BOOK).sites[0].model_copy(update={"chargepilot_site": "42"})
    shelf, counter, now = Memory(), [0.0], NOW
    made = Powers(Live(), lambda: counter[0])
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
        now += timedelta(seconds=seconds + KEEP_SECONDS)
        assert made.of(site, shelf, now) == site_power(site, shelf, now).expectations(now)
