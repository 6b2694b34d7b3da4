"""What is kept of the operator's own chargers: what the list lacks is not forgotten, and what answers is ours."""

from __future__ import annotations

import pytest

from kiosk.domain.ownership import ListProblem
from kiosk.store import Store

from .build import NOW, later

A_WHILE = 40 * 24 * 3600.0


def test_a_charger_that_is_refused_and_that_no_list_has_for_long_is_forgotten(store: Store) -> None:
    store.own_list_was_read(["uuid-1"], NOW, whole=True)
    store.own_charger_told("uuid-1", "7MK4T", NOW)
    store.own_list_was_read([], later(1), whole=True)
    assert not store.own_charger_refused("uuid-1", later(2)), "lists have lacked it for a second"
    assert store.is_own_charger("7MK4T")
    store.own_list_was_read([], later(A_WHILE), whole=True)
    store.own_charger_refused("uuid-1", later(A_WHILE))
    assert not store.own_charger_refused("uuid-1", later(A_WHILE)), "what is forgotten is forgotten once"
    assert not store.is_own_charger("7MK4T")


@pytest.mark.parametrize(
    ("problem", "left"),
    [(ListProblem.NOT_ALLOWED, ListProblem.NOT_ALLOWED), (ListProblem.NO_SETTINGS, None)],
)
def test_settings_that_answer_end_the_trouble_with_settings_alone(
    store: Store, problem: ListProblem, left: ListProblem | None
) -> None:
    store.own_list_was_read(["uuid-1"], NOW, whole=True)
    store.own_list_failed(problem, later(1))
    store.own_charger_told("uuid-1", "7MK4T", later(2))
    assert store.own_list().problem is left


def test_trouble_with_settings_hides_none_with_the_list(store: Store) -> None:
    store.own_list_failed(ListProblem.TOKEN, NOW)
    store.own_list_failed(ListProblem.NO_SETTINGS, later(1))
    assert (store.own_list().problem, store.own_list().problem_since) == (ListProblem.TOKEN, NOW)
