"""A view in the reader's language: all that page, stream and JSON say, and the mark of the page's shape."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from kiosk.domain.money import Money
from kiosk.web.session import notice_words, step_words, words
from kiosk.web.session.notice_words import Said
from kiosk.web.session.screen_names import Screen
from kiosk.web.session.step_words import StepSaid
from kiosk.web.session.view import SessionView
from kiosk.web.shared.formats import clock_s, stamp


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that is said on a session's page. `figures` may change while `shape` stays the same."""

    title: str
    heading: str
    under: str
    sentence: str
    reason: str
    card: str
    figures: dict[str, str]
    bar_label: str
    spark_label: str
    notices: tuple[Said, ...]
    steps: tuple[StepSaid, ...]


_WITH_REASON = frozenset({Screen.FAILED, Screen.ABANDONED, Screen.NO_CHARGE, Screen.CAPTURED})


def page_of(view: SessionView) -> Page:
    return Page(
        title=words.title(view),
        heading=words.heading(view),
        under=words.under(view),
        sentence=words.sentence(view),
        reason=words.reason(view) if view.screen in _WITH_REASON else "",
        card=step_words.card(view),
        figures=words.figures(view),
        bar_label=words.bar_label(view),
        spark_label=words.spark_label(view),
        notices=tuple(notice_words.notice(kind, view) for kind in view.notices),
        steps=tuple(step_words.said(step, view) for step in view.steps),
    )


def to_json(view: SessionView) -> dict[str, Any]:
    """The view for scripts: texts for the elements of the page, drawings, and plain values for machines."""
    page = page_of(view)
    return {
        "key": view.key,
        "version": view.version,
        "screen": view.screen.value,
        "tone": view.tone,
        "final": view.final,
        "owner": view.owner,
        "shape": shape_of(view, page),
        "title": page.title,
        "heading": page.heading,
        "say": f"{page.heading}. {page.sentence}",
        "figures": page.figures,
        "bar": {**asdict(view.bar), "label": page.bar_label} if view.bar is not None else None,
        "spark": {
            "area": view.spark.area,
            "curve": view.spark.curve,
            "gap": view.spark.gap,
            "label": page.spark_label,
        }
        if view.spark is not None
        else None,
        "fresh_at": _time(view.fresh_at),
        "fresh_time": clock_s(view.fresh_at, view.where.zone, view.beside) if view.fresh_at is not None else None,
        "values": {
            "energy_kwh": format(view.energy_kwh, "f") if view.energy_kwh is not None else None,
            "power_kw": format(view.power_kw, "f") if view.power_kw is not None else None,
            "cost": _money(view.cost),
            "limit": _money(view.limit),
            "hold": view.hold.state.value,
            "held": _money(view.hold.amount),
            "taken": _money(view.hold.taken),
            "rest": _money(view.hold.rest),
            "given_back_at": _time(view.hold.given_back_at),
        },
    }


def shape_of(view: SessionView, page: Page) -> str:
    """Changes when more than figures differ: then the page is fetched again, because elements come and go."""
    facts = (
        view.screen,
        view.tone,
        view.beside.astimezone(view.where.zone).date(),
        page.heading,
        page.under,
        page.sentence,
        page.reason,
        page.card,
        [asdict(one) for one in page.notices],
        [asdict(one) for one in page.steps],
        sorted(view.actions),
        view.others,
        view.asked is not None and view.asked.word,
        view.queue is not None and (view.queue.closed, view.queue.unreachable),
        view.email,
        _money(view.limit),
        [_money(one) for one in view.limits] if view.screen is not Screen.CHARGING else None,
        view.spark is not None,
        view.bar is not None and (view.bar.back, view.bar.mark),
        view.receipt is not None and repr(view.receipt),
        view.number,
        sorted(page.figures),
        bool(page.figures.get("estimate")),
        bool(page.figures.get("ceiling")),
        bool(page.figures.get("meter")),
        bool(page.figures.get("rough")),
        bool(page.figures.get("source")),
        view.old_after,
        bool(page.figures.get("adds")),
        bool(page.figures.get("used")),
        view.offline,
        view.waits_until is not None,
        view.no_power_by is not None,
        bool(view.energy_kwh),
    )
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:12]


def _money(money: Money | None) -> dict[str, Any] | None:
    return {"minor": money.minor, "currency": money.currency} if money is not None else None


def _time(moment: datetime | None) -> str | None:
    return stamp(moment) if moment is not None else None
