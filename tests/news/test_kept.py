"""What is kept is never older than the news, ends by time, and is made by one caller at a time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.clock import ManualClock
from kiosk.news.kept import Kept
from kiosk.news.local import LocalNews
from tests.examples import at_most

SECONDS = 10.0


@dataclass
class Source:
    """Something that is written and read; `made` counts how often a value was made of it."""

    clock: ManualClock = field(default_factory=ManualClock)
    news: LocalNews = field(default_factory=LocalNews)
    counter: float = 0.0
    now: int = 0
    made: int = 0
    most: int = 4096

    def __post_init__(self) -> None:
        self.kept: Kept[str, int] = Kept(self.news, self.clock, most=self.most, monotonic=lambda: self.counter)

    def write(self, topic: str = "a") -> None:
        self.now += 1
        self.news.publish(topic)

    def make(self, last: int | None) -> int:
        del last
        self.made += 1
        return self.now

    def read(self, key: str = "key", *topics: str) -> int:
        return self.kept.of(key, topics or ("a",), self.make, lambda _: SECONDS)


steps = st.lists(
    st.one_of(
        st.just(("write", 0.0)),
        st.just(("write without news", 0.0)),
        st.tuples(st.just("clock"), st.floats(0.0, 2 * SECONDS)),
        st.tuples(st.just("counter"), st.floats(0.0, 2 * SECONDS)),
        st.just(("read", 0.0)),
    ),
    max_size=40,
)


@settings(max_examples=at_most(200))
@given(steps, st.sampled_from([1.0, 10.0]))
def test_a_value_is_never_older_than_the_last_news_nor_than_its_seconds_by_either_clock(
    taken: list[tuple[str, float]], rate: float
) -> None:
    source = Source()
    source.clock.rate = rate
    births: dict[int, tuple[int, float, float]] = {}
    news, passed = 0, 0.0
    for what, amount in taken:
        if what == "clock":
            source.clock.advance(amount)
            passed += amount
        elif what == "counter":
            source.counter += amount
        elif what == "write":
            source.write()
            news += 1
        elif what == "write without news":
            source.now += 1
        else:
            made = source.made
            value = source.read()
            if source.made > made:
                births[value] = news, passed, source.counter
            known_news, at, counter = births[value]
            assert known_news == news
            assert passed - at < SECONDS + 1e-3
            assert source.counter - counter < SECONDS / rate + 1e-6


def test_it_is_made_once_while_it_is_true() -> None:
    source = Source()
    assert [source.read() for _ in range(3)] == [0, 0, 0]
    assert source.made == 1


def test_news_of_something_else_ends_nothing() -> None:
    source = Source()
    source.read()
    source.write("b")
    assert source.read() == 0


def test_news_of_any_of_its_topics_ends_it() -> None:
    source = Source()
    source.read("key", "a", "b")
    source.write("b")
    assert source.read("key", "a", "b") == 1


def test_news_that_comes_while_it_is_made_ends_it_at_once() -> None:
    source = Source()

    def make(last: int | None) -> int:
        value = source.make(last)
        if source.made == 1:
            source.write()
        return value

    def read() -> int:
        return source.kept.of("key", ("a",), make, lambda _: SECONDS)

    assert read() == 0
    assert read() == 1


def test_the_next_value_is_made_from_the_last_one() -> None:
    source = Source()
    lasts: list[int | None] = []

    def make(last: int | None) -> int:
        lasts.append(last)
        return source.now

    for _ in range(2):
        source.kept.of("key", ("a",), make, lambda _: SECONDS)
        source.write()
    assert lasts == [None, 0]


def test_how_long_it_is_true_may_depend_on_the_value() -> None:
    source = Source()
    for _ in range(2):
        source.kept.of("key", ("a",), source.make, lambda value: 1.0 + value)
        source.clock.advance(1.0)
    assert source.made == 2


def test_what_was_put_is_given_until_news() -> None:
    source = Source()
    before = source.kept.moment(("a",))
    assert source.kept.get("key", before) is None
    source.kept.put("key", 7, before, SECONDS)
    assert source.kept.get("key", source.kept.moment(("a",))) == 7
    source.write()
    assert source.kept.get("key", source.kept.moment(("a",))) is None


def test_what_was_put_after_the_news_of_its_making_is_never_given() -> None:
    source = Source()
    before = source.kept.moment(("a",))
    source.write()
    source.kept.put("key", 7, before, SECONDS)
    assert source.kept.get("key", source.kept.moment(("a",))) is None


def test_what_its_maker_raises_goes_to_its_caller_and_the_next_one_tries_again() -> None:
    source = Source()

    def fail(last: int | None) -> int:
        raise ValueError(last)

    with pytest.raises(ValueError, match="None"):
        source.kept.of("key", ("a",), fail, lambda _: SECONDS)
    assert source.read() == 0


def test_there_are_never_more_than_so_many() -> None:
    source = Source(most=4)
    for number in range(6):
        source.read(str(number))
    made = source.made
    source.read("5")
    assert source.made == made
    source.read("0")
    assert source.made == made + 1


# --- many threads


@dataclass
class Slow:
    """A maker that waits until it is let go on, and knows how many callers were in it at once."""

    source: Source
    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    inside: int = 0
    most_inside: int = 0

    def make(self, last: int | None) -> int:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.entered.set()
        assert self.go_on.wait(10)
        self.inside -= 1
        return self.source.make(last)

    def read(self, late: float = 0.0) -> int:
        return self.source.kept.of("key", ("a",), self.make, lambda _: SECONDS, late=late)


def started(*targets: object) -> list[threading.Thread]:
    threads = [threading.Thread(target=target) for target in targets]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    return threads


def test_one_caller_makes_it_and_the_others_wait_for_that_one() -> None:
    source = Source()
    slow = Slow(source)
    values: list[int] = []
    threads = started(*(lambda: values.append(slow.read()) for _ in range(8)))
    assert slow.entered.wait(10)
    slow.go_on.set()
    for thread in threads:
        thread.join(10)
    assert (slow.most_inside, source.made) == (1, 1)
    assert values == [0] * 8


def test_while_one_makes_the_next_the_last_one_will_do_for_a_while() -> None:
    source = Source()
    slow = Slow(source)
    slow.go_on.set()
    slow.read()
    slow.go_on.clear()
    slow.entered.clear()
    source.write()
    (maker,) = started(slow.read)
    assert slow.entered.wait(10)
    source.clock.advance(4.9)
    source.counter = 4.9
    assert slow.read(late=5.0) == 0
    slow.go_on.set()
    maker.join(10)
    assert slow.read(late=5.0) == 1


@pytest.mark.parametrize("which", ["clock", "counter"])
def test_after_that_while_the_others_wait_too(which: str) -> None:
    source = Source()
    slow = Slow(source)
    slow.go_on.set()
    slow.read()
    slow.go_on.clear()
    slow.entered.clear()
    source.write()
    if which == "clock":
        source.clock.advance(5.0)
    else:
        source.counter = 5.0
    values: list[int] = []
    threads = started(slow.read, lambda: values.append(slow.read(late=5.0)))
    assert slow.entered.wait(10)
    assert values == []
    slow.go_on.set()
    for thread in threads:
        thread.join(10)
    assert values == [1]


def test_with_many_readers_and_a_writer_nobody_reads_what_was_old_before_they_asked() -> None:
    source = Source()
    wrong: list[tuple[int, int]] = []

    def write() -> None:
        for _ in range(300):
            source.write()

    def read() -> None:
        for _ in range(300):
            written = source.now  # its news may still be on its way
            value = source.read()
            if value < written - 1:
                wrong.append((value, written))

    threads = started(write, *(read for _ in range(4)))
    for thread in threads:
        thread.join(20)
    assert wrong == []
    assert source.read() == 300
