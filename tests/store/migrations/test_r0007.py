"""Wishes for cards become rows of their own; cards and problems stay as they were."""

from __future__ import annotations

from kiosk.domain.commands import Refusal

from .conftest import OldDatabase
from .rows import KEPT, charge

AT = "2026-01-05 10:00:00.000000"


def test_cards_and_problems_stay_and_who_waited_is_forgotten(old: OldDatabase) -> None:
    old.upgrade("r0006")
    charge(old)
    old.insert("chargers", code="CLOSED", problem="unknown_charger", problem_at=AT)
    old.insert("chargers", code="WANTED", wanted_at=AT)
    card = next(row["card"] for row in old.rows("chargers") if row["code"] == "7MK4T")
    kept = [name for name in KEPT if name != "chargers"]
    tables, rows = old.tables(), {name: old.rows(name) for name in kept}
    old.upgrade("r0007")
    assert old.tables() - tables == {"card_wishes"}
    assert {name: old.rows(name) for name in kept} == rows
    assert {(row["code"], row["card"], row["problems"]) for row in old.rows("chargers")} == {
        ("7MK4T", card, 0),
        ("CLOSED", None, 1),
    }
    assert old.rows("card_wishes") == []


def test_an_old_problem_is_read_today_as_the_first_one(old: OldDatabase) -> None:
    old.upgrade("r0006")
    old.insert("chargers", code="CLOSED", problem="unknown_charger", problem_at=AT)
    with old.store() as store:
        problem = store.card_problem("CLOSED")
    assert problem is not None
    assert (problem.refusal, problem.times) == (Refusal.UNKNOWN_CHARGER, 1)
