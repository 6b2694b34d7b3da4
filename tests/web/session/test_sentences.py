"""Every sentence of a session's page, held against what was said: random histories through fold, view, words and page.

The facts come from the history itself, not from the view. Amounts, energies and times must be some that were said; who
ended it, whether anything flowed, what is held and what was given back must be as the sentence says.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Command, CommandState, Kind, Refusal, Wish
from kiosk.domain.limits import Policy
from kiosk.domain.line import LinePlace
from kiosk.domain.session import HoldProof, Observation, Phase, Session, fold, gone, with_proof
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.web.session.in_words import page_of, shape_of
from kiosk.web.session.paper import paper_of
from kiosk.web.session.view import SessionView, session_view
from kiosk.web.shared.where import Where
from tests.web.built import made_app

BERLIN = ZoneInfo("Europe/Berlin")
POLICY = Policy()
TARIFF = Tariff("EUR", 49, 35)
STARTS = (
    datetime(2026, 11, 20, 13, 0, tzinfo=UTC),
    datetime(2026, 11, 20, 22, 50, tzinfo=UTC),
    datetime(2026, 12, 31, 22, 30, tzinfo=UTC),
    datetime(2027, 10, 30, 23, 50, tzinfo=UTC),  # ten minutes before the hour that comes twice
)
BEFORE_ENDS = ["created", "authorized", "starting", "charging", "charging", "charging", "stopping", "settling"]
ENDS = [*(status.value for status in Status), "teleporting"]
CONNECTORS = [None, "Available", "Preparing", "Charging", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"]
CONNECTORS += ["Reserved", "Faulted", "Unavailable"]
OWN_TIMES = ("authorized_at", "charging_started_at", "completed_at", "captured_at")


@dataclass(frozen=True)
class History:
    """What was said, in order, what the kiosk asked for, and when somebody looks."""

    said: tuple[Observation, ...]
    session: Session
    commands: tuple[Command, ...]
    now: datetime
    owner: bool
    queue: LinePlace | None

    @property
    def view(self) -> SessionView:
        return session_view(
            self.session,
            self.commands,
            self.now,
            where=Where("4", "Charger 2", None, BERLIN),
            policy=POLICY,
            owner=self.owner,
            queue=self.queue,
        )


minor = st.none() | st.sampled_from([0, 0, 35, 62, 716, 947, 2999, 3000, 3500])


@st.composite
def histories(draw: st.DrawFn) -> History:
    start = draw(st.sampled_from(STARTS))
    session = Session(
        key="k",
        code="7MK4T",
        connector_id=2,
        phase=Phase.QUEUED,
        requested_at=start,
        hold_minor=3000,
        limit_minor=draw(st.sampled_from([None, None, 1500])),
        most_kw=draw(st.sampled_from([None, Decimal(11), Decimal(150)])),
        meter_seconds=draw(st.sampled_from([None, 10, 300])),
        tariff=draw(st.sampled_from([TARIFF, TARIFF, TARIFF, None])),
    )
    if draw(st.integers(0, 9)) == 0:
        return _never_sent(draw, session)
    said = tuple(_said(draw, start))
    at = said[-1].seen_at
    for one in said:
        session, _events = fold(session, one)
        if session.proof is None and draw(st.integers(0, 5)) == 0:
            session = with_proof(session, draw(_proofs(one.seen_at)))
    if draw(st.integers(0, 3)) == 0:
        session = with_proof(session, draw(_proofs(at + timedelta(minutes=draw(st.integers(0, 9))))))
    ended = session.proof is not None and session.proof.ended
    if ended and said[-1].status in {"created", "authorized", "starting"}:
        session = replace(session, proof=None)  # the engine ends such a start; until it has, upstream's word is shown
    if session.proof is not None and session.proof.refunded_minor:
        told = session.captured_minor in {None, session.proof.received_minor}
        session = session if told else replace(session, proof=None)  # a refund of what nobody took says nothing
    if draw(st.integers(0, 9)) == 0:
        session = gone(
            gone(session, at, at + timedelta(seconds=5)), at + timedelta(seconds=6), at + timedelta(seconds=9)
        )
    commands = tuple(_commands(draw, start, at))
    if draw(st.integers(0, 3)) == 0:
        session = replace(session, wish=Wish(draw(st.sampled_from([Kind.STOP, Kind.CANCEL])), AskedBy.DRIVER, at))
    if draw(st.integers(0, 9)) == 0:
        session = replace(session, payment_shown_at=start)
    now = at + timedelta(seconds=draw(st.sampled_from([0, 1, 1, 5, 20, 70, 400, 4000, 90000, 200000])))
    return History(said, session, commands, now, draw(st.booleans()), None)


def _never_sent(draw: st.DrawFn, session: Session) -> History:
    phase = draw(st.sampled_from([Phase.QUEUED, Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT]))
    refusal = draw(st.sampled_from([None, *Refusal])) if phase in {Phase.REFUSED, Phase.LEFT} else None
    now = session.requested_at + timedelta(seconds=draw(st.sampled_from([0, 30, 90000])))
    retry_at = draw(st.sampled_from([None, now + timedelta(seconds=40)])) if refusal is Refusal.TOO_MANY else None
    place = LinePlace(2, 25) if phase is Phase.QUEUED else None
    return History((), replace(session, phase=phase, refusal=refusal, retry_at=retry_at), (), now, True, place)


def _said(draw: st.DrawFn, start: datetime) -> Iterator[Observation]:
    """Statuses mostly in their order, some left out; figures that mostly rise; times that mostly fit."""
    words = [BEFORE_ENDS[index] for index in sorted(draw(st.sets(st.integers(0, len(BEFORE_ENDS) - 1), min_size=1)))]
    words.append(draw(st.sampled_from([*ENDS, *["charging"] * 5])))
    at, energy = start, Decimal(0)
    times: dict[str, datetime] = {}
    for word in words:
        at += timedelta(seconds=draw(st.sampled_from([1, 5, 10, 61, 300, 2400, 40000, 100000])))
        if word not in {"created", "authorized", "starting"}:
            energy += draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("0.54"), Decimal("9.3"), Decimal("11.04")]))
        for name, since in (
            ("authorized_at", "authorized"),
            ("charging_started_at", "charging"),
            ("completed_at", "settling"),
            ("captured_at", "captured"),
        ):
            if word == since or (word in ("captured", "refunded") and draw(st.booleans())):
                times.setdefault(name, at - timedelta(seconds=draw(st.sampled_from([0, 2, 50]))))
        held = word != "created" and draw(st.integers(0, 4)) > 0
        tells = draw(st.integers(0, 4)) > 0
        told: dict[str, Any] = {name: times.get(name) if draw(st.integers(0, 5)) else None for name in OWN_TIMES}
        yield Observation(
            asked_at=at - timedelta(seconds=0.5),
            seen_at=at,
            status=word,
            failure_reason=draw(
                st.sampled_from([None, None, "start_rejected", "cancelled_by_driver", "not_plugged_in"])
            ),
            connector_status=draw(st.sampled_from(CONNECTORS)),
            charger_online=draw(st.sampled_from([True, True, True, None, False])),
            authorized_minor=3000 if held else None,
            energy_kwh=energy if tells and word not in {"created", "authorized", "starting"} else None,
            cost_minor=draw(minor) if not energy else TARIFF.example(energy).minor if tells else None,
            captured_minor=draw(minor) if word in set(Status) - set(BEFORE_ENDS) else None,
            tax_minor=None,
            **told,
        )


def _proofs(at: datetime) -> st.SearchStrategy[HoldProof]:
    return st.one_of(
        st.just(HoldProof(at, "canceled", 0, 0, at - timedelta(seconds=3))),
        st.just(HoldProof(at, "requires_capture", 3000, 0)),
        st.just(HoldProof(at, "requires_payment_method", 0, 0)),
        st.sampled_from([716, 947, 3000, 3500]).map(lambda taken: HoldProof(at, "succeeded", 0, taken)),
        st.just(HoldProof(at, "succeeded", 0, 947, card_brand="visa", card_last4="4242", refunded_minor=300)),
    )


def _commands(draw: st.DrawFn, start: datetime, end: datetime) -> Iterator[Command]:
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from([Kind.STOP, Kind.STOP, Kind.CANCEL, Kind.CONFIRM]))
        whose = {
            Kind.STOP: [AskedBy.DRIVER, AskedBy.LIMIT, AskedBy.HOLD, AskedBy.POWER_DEADLINE, AskedBy.WAITED],
            Kind.CANCEL: [AskedBy.DRIVER, AskedBy.START_DEADLINE, AskedBy.UNPAID],
            Kind.CONFIRM: [AskedBy.DRIVER, AskedBy.KIOSK],
        }
        by = draw(st.sampled_from(whose[kind]))
        asked = start + (end - start) * draw(st.sampled_from([0.0, 0.5, 1.0]))
        state = draw(st.sampled_from(CommandState))
        done = asked + timedelta(seconds=2) if state not in {CommandState.WAITING, CommandState.SENT} else None
        yield Command(number + 1, "k", kind, by, asked, state, attempts=1, sent_at=asked, ended_at=done)


# --- the facts of a history


class Facts:
    """Said or done, each by itself; nothing here is taken from a view."""

    def __init__(self, history: History) -> None:
        self.history, self.session = history, history.session
        self.said, self.proof = history.said, history.session.proof
        self.last = history.said[-1] if history.said else None
        self.status = next((one.status for one in reversed(self.said) if one.status in set(Status)), None)
        self.connector = self.last.connector_status if self.last else None
        told = [one.energy_kwh for one in self.said if one.energy_kwh is not None]
        self.energy = told[-1] if told else None
        self.flowed = any(told) or any(one.charging_started_at for one in self.said)
        self.captured = max((one.captured_minor for one in self.said if one.captured_minor is not None), default=None)
        self.taken = bool(self.captured) or bool(self.proof and self.proof.received_minor)
        self.capturable = bool(self.proof and self.proof.capturable_minor)
        self.released = bool(self.proof and self.proof.ended)
        self.unpaid = not any(one.authorized_minor is not None or one.authorized_at for one in self.said)

    def asked(self, kind: Kind, *by: AskedBy) -> bool:
        """Somebody asked for that end, and it was not refused or withdrawn: it may have had its effect."""
        ways = {CommandState.SENT, CommandState.DONE, CommandState.UNKNOWN}
        commands = [one for one in self.history.commands if one.kind is kind and one.state in ways]
        return any(one.asked_by in by for one in commands)

    @property
    def over(self) -> bool:
        """Upstream gave a time of the end."""
        return any(one.completed_at or one.captured_at for one in self.said)

    def ended(self, kind: Kind, state: CommandState) -> bool:
        return any(one.kind is kind and one.state is state for one in self.history.commands)

    @property
    def cancelled(self) -> bool:
        """The driver did, at this kiosk or by upstream's word."""
        said = any(one.failure_reason == "cancelled_by_driver" for one in self.said)
        return said or self.asked(Kind.CANCEL, AskedBy.DRIVER)

    @property
    def wished(self) -> bool:
        """The driver wants the end."""
        return self.session.wish is not None or any(one.asked_by is AskedBy.DRIVER for one in self.history.commands)

    @property
    def moments(self) -> Iterator[datetime]:
        view = self.history.view
        for one in self.said:
            yield from (one.seen_at, one.asked_at)
            yield from (at for name in OWN_TIMES if (at := getattr(one, name)) is not None)
        for command in self.history.commands:
            yield from (at for at in (command.asked_at, command.sent_at, command.ended_at) if at is not None)
        if self.proof is not None:
            known = (self.proof.checked_at, self.proof.canceled_at, self.proof.ended_at, self.proof.refunded_at)
            yield from (at for at in known if at is not None)
        yield from (refund.seen_at for refund in self.session.refunds)
        yield self.session.requested_at
        # What lies ahead is computed; here it must only be in the future, and be written rightly.
        ahead = (
            view.start_by,
            view.no_power_by,
            view.waits_until,
            view.limit_about,
            view.first_report_by,
            view.retry_at,
        )
        for at in ahead:
            if at is not None:
                assert at > self.history.now
                yield at

    @property
    def amounts(self) -> set[int]:
        """Every amount that was said, and what is left when one is taken from another."""
        said = {0, 3000, 1500, TARIFF.price_per_kwh_minor, TARIFF.start_fee_minor, TARIFF.example(Decimal(20)).minor}
        said |= {n for one in self.said for n in (one.cost_minor, one.captured_minor, one.authorized_minor) if n}
        if self.proof is not None:
            said |= {self.proof.capturable_minor, self.proof.received_minor, self.proof.refunded_minor or 0}
        for energy in {one.energy_kwh for one in self.said if one.energy_kwh}:
            said |= {
                TARIFF.example(energy).minor,
                int(TARIFF.energy_cost_exact(energy).to_integral_value(ROUND_HALF_UP)),
            }
        said |= {money.minor for money in self.history.view.limits}
        view = self.history.view
        said |= {money.minor for money in (view.rough, view.last_adds) if money is not None}
        return said | {abs(one - other) for one in said for other in said}


DENIES = {"SuspendedEV", "SuspendedEVSE", "Faulted", "Unavailable", "Finishing", "Available"}
TAKING = {"captured", "refunded"}
HOLDING = {"authorized", "starting", "charging", "stopping", "settling", "capture_failed", "requires_review"}

RULES: list[tuple[str, Callable[[Facts], object]]] = [
    (r"takes no power", lambda f: f.connector == "SuspendedEV"),
    (r"Your car took no power", lambda f: f.energy == 0),
    (r"Your car is charging", lambda f: f.connector not in DENIES),
    (r"Your car most likely goes on charging", lambda f: f.connector not in DENIES and not f.session.wish),
    (r"You cancelled the start", lambda f: f.cancelled and not f.flowed),
    (r"You asked to cancel", lambda f: f.cancelled),
    (r"You asked to stop", lambda f: f.asked(Kind.STOP, AskedBy.DRIVER)),
    (r"to keep your limit", lambda f: f.asked(Kind.STOP, AskedBy.LIMIT)),
    (r"so that your hold covers", lambda f: f.asked(Kind.STOP, AskedBy.HOLD)),
    (r"We saw no power", lambda f: f.asked(Kind.STOP, AskedBy.POWER_DEADLINE)),
    (r"Nothing had flowed for long", lambda f: f.asked(Kind.STOP, AskedBy.WAITED)),
    (r"had not started in time", lambda f: f.asked(Kind.CANCEL, AskedBy.START_DEADLINE)),
    (r"gave the bay free", lambda f: f.asked(Kind.CANCEL, AskedBy.UNPAID)),
    (r"[Ww]ent back|[Gg]iven back|gave back|has our release", lambda f: f.released),
    (r"The hold is gone", lambda f: f.released),
    (r"You paid nothing(?! in the end)", lambda f: not f.taken),
    (r"Nothing to pay|You pay nothing\.", lambda f: not f.taken),
    (r"[Nn]othing is held", lambda f: not f.capturable),
    (r"is held on your card", lambda f: not f.unpaid or f.capturable or f.status in HOLDING),
    (r"did not start", lambda f: not f.flowed),
    (r"Charging is over", lambda f: f.status == "settling" or f.over),
    (r"The charger has lost contact", lambda f: f.session.charger_online is False),
    (r"The charger reports a fault", lambda f: f.connector in {"Faulted", "Unavailable"}),
    (r"charging has stopped", lambda f: f.connector in {"Finishing", "Available"}),
    (r"Charging has stopped", lambda f: f.connector in {"Finishing", "Available"}),
    (r"Plug the cable in", lambda f: f.connector == "Available"),
    (r"keeps this bay for somebody", lambda f: f.connector == "Reserved"),
    (r"We pass on your (stop|cancel)", lambda f: f.wished),
    (r"Your bank said no", lambda f: f.proof and f.proof.intent_status == "requires_payment_method"),
    (r"more than your hold", lambda f: f.taken),
    (r"sent back", lambda f: f.session.refunds or (f.proof and f.proof.refunded_minor) or f.status == "refunded"),
    (
        r"nothing taken|all of it (goes back|was given back)|[Aa]ll €",
        lambda f: not f.taken and (f.status not in TAKING or f.released or f.captured == 0),
    ),
    (r"could not take|Not paid yet", lambda f: not f.taken),
    (r"We wait for the last meter reading", lambda f: not f.released),
    (r"The stop was not accepted", lambda f: f.ended(Kind.STOP, CommandState.REFUSED)),
    (r"We asked to stop and got no answer", lambda f: f.ended(Kind.STOP, CommandState.UNKNOWN)),
    (r"We asked to cancel and got no answer", lambda f: f.ended(Kind.CANCEL, CommandState.UNKNOWN)),
    (r"The charger has no connection now", lambda f: f.session.charger_online is False),
    (r"How it ended for your card is known", lambda f: f.released),
    (r"\N{EN DASH} (goes back|used|held)", lambda _facts: False),
    (r"always works|a few cents|until you stop it|for ever", lambda _facts: False),
]
"""A sentence, by a part of it, and what must have been said for it to be true."""
NEVER_TOGETHER = [
    (r"session stays open", r"No power by"),
    (r"[Nn]othing is held", r"is held on your card|Only held|key held"),
    (r"goes back", r"went back|Given back|gave back"),
    (r"You paid nothing(?! in the end)", r"You paid €"),
    (r"Your car is charging", r"takes no power"),
    (r"Charging goes on", r"charging has stopped|Charging is over|takes no power"),
    (r"Nothing has ended", r"Charging is over|Receipt"),
]
"""Two that would contradict each other on one page."""


MONEY = re.compile(r"€([\d,]+\.\d\d)")
ENERGY = re.compile(r"([\d.,]+)\N{NO-BREAK SPACE}?\s*kWh")
TIME = re.compile(
    r"(?:(\d{1,2} [A-Z]\w+ \d{4}),? )?"  # a whole date just before it
    r"\b(\d\d:\d\d(?::\d\d)?)(?: \((UTC[^)]+)\))?"
    r"(?: on (\d{1,2} [A-Z]\w\w\w?)(?: (\d{4}))?)?"
)
METERED = re.compile(r"The last meter reading made it [\d.,]+\s*kWh and €([\d.]+)")
SUMS = (
    re.compile(r"We took €(?P<taken>[\d.]+)(?: and gave back|\. The rest of your hold,) €(?P<rest>[\d.]+)"),
    re.compile(r"Of €(?P<held>[\d.]+) held, €(?P<taken>[\d.]+) was taken and €(?P<rest>[\d.]+)"),
    re.compile(r"Of €(?P<held>[\d.]+) held, you paid €(?P<taken>[\d.]+) in the end\. €(?P<rest>[\d.]+) was given back"),
)
"""What was taken, and what is left of the hold."""


def text_of(page: str) -> str:
    """What a reader gets of a page, without the frame around it."""
    main = page[page.index('<main id="main"') : page.index("</main>")]
    labels = " ".join(re.findall(r'aria-label="([^"]*)"', main))
    bare = re.sub(r"<(script|noscript|template)\b.*?</\1>", " ", main, flags=re.DOTALL)
    return re.sub(r"[ \t\n]+", " ", html.unescape(re.sub(r"<[^>]+>", " ", bare) + " " + labels)).strip()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return made_app(tmp_path_factory.mktemp("kiosk"))


def shown(app: Flask, history: History) -> tuple[str, SessionView]:
    view = history.view
    with app.test_request_context("/s/k", headers={"Accept-Language": "en"}):
        page = page_of(view)
        made = render_template(
            f"session/{view.screen.value}.html",
            v=view,
            s=page,
            shape=shape_of(view, page),
            paper=paper_of(view.receipt, None, view.code, BERLIN) if view.receipt is not None else None,
            near=(),
            again_on=None,
            read_before=None,
            error="",
            stop_code=None,
            receipt_picture=lambda: "",
            now=history.now,
        )
        said = f"{page.title} · {page.heading}. {page.sentence} · {page.bar_label} · {page.spark_label} · "
    return said + text_of(made), view


def wrong_amounts(text: str, facts: Facts) -> list[str]:
    # What went back in two parts is no difference of two amounts: `wrong_sums` compares it with the hold.
    known = facts.amounts | {cents(found["rest"]) for found in SUMS[-1].finditer(text)}
    return [one for one in MONEY.findall(text) if cents(one) not in known]


def wrong_sums(text: str, facts: Facts) -> list[str]:
    """A hold that is not what was taken of it and what is left, or an amount paid that nobody took."""
    recorded = facts.proof.received_minor if facts.proof is not None else 0
    returned = {0, (facts.proof.refunded_minor or 0) if facts.proof is not None else 0}
    returned |= {facts.captured - one.captured_minor for one in facts.said if facts.captured and one.captured_minor}
    paid = {whole - back for whole in (facts.captured or 0, recorded) for back in returned}
    paid |= {0} if facts.status == "refunded" else set()
    rows = [f"You paid {one}" for one in re.findall(r"[Yy]ou paid €([\d.]+)", text) if cents(one) not in paid]
    costs = {one.cost_minor + step for one in facts.said if one.cost_minor is not None for step in (-1, 0, 1)}
    rows += [f"The meter made it {one}" for one in METERED.findall(text) if cents(one) not in costs]
    held = {one.authorized_minor for one in facts.said} | {3000}
    for sentence in SUMS:
        for found in sentence.finditer(text):
            whole = cents(found["taken"]) + cents(found["rest"])
            if whole not in held or cents(found.groupdict().get("held") or f"{whole / 100:.2f}") != whole:
                rows.append(found[0])
    return rows


def cents(figure: str) -> int:
    return int(figure.replace(".", "").replace(",", ""))


def wrong_energies(text: str, facts: Facts) -> list[str]:
    told = {Decimal(20), Decimal(0)} | {one.energy_kwh for one in facts.said if one.energy_kwh is not None}
    forms = {f"{energy.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)}" for energy in told for digits in range(4)}
    forms |= {format(energy.normalize(), "f") for energy in told}
    return [one for one in ENERGY.findall(text) if one.strip(".,") not in forms]


def wrong_times(text: str, facts: Facts, beside: datetime) -> list[str]:
    """Those that are of no moment that was said, or that leave out a day or a zone that a reader needs."""
    moments = [at.astimezone(BERLIN) for at in facts.moments]
    today = beside.astimezone(BERLIN)
    rows = []
    for long_day, clock, zone, day, year in TIME.findall(text):
        form = "%H:%M:%S" if clock.count(":") == 2 else "%H:%M"
        fits = False
        for at in moments:
            twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
            offset = f"UTC+{(at.utcoffset() or timedelta(0)) // timedelta(hours=1)}" if twice else ""
            if at.strftime(form) != clock or zone != offset:
                continue
            if day:
                fits = fits or (at.strftime("%-d %b") == day and at.year == int(year or today.year))
            elif long_day:
                fits = fits or at.strftime("%-d %B %Y") == long_day or at.date() == today.date()
            else:
                fits = fits or at.date() == today.date()
        if not fits:
            rows.append(f"{long_day} {clock} {zone} {day} {year}".strip())
    return rows


def problems_of(app: Flask, history: History) -> tuple[dict[str, list[Any]], str, SessionView]:
    """What is wrong on its page, by kind; the page's text and its view."""
    text, view = shown(app, history)
    facts = Facts(history)
    named = re.search(r"Bay 4, (\d{1,2} [A-Z]\w+ \d{4})", text)
    found: dict[str, list[Any]] = {
        "lies": [rule for rule, holds in RULES if re.search(rule, text) and not holds(facts)],
        "together": [pair for pair in NEVER_TOGETHER if all(re.search(part, text) for part in pair)],
        "amounts": wrong_amounts(text, facts),
        "sums": wrong_sums(text, facts),
        "energies": wrong_energies(text, facts),
        "times": wrong_times(text, facts, view.day if named is not None else history.now),
    }
    return found, text, view


@given(history=histories())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=150)
def test_every_sentence_of_a_page_is_true_of_what_was_said(app: Flask, history: History) -> None:
    found, text, view = problems_of(app, history)
    assert not any(found.values()), f"{found}\n{view.screen.value}: {text}"
