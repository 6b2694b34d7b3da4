"""A trace is read once for each text that it is written in, and is never older than its row."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy.dialects import sqlite

from kiosk.domain.trace import Trace
from kiosk.store import Store
from kiosk.store.codec import trace_from, trace_to
from kiosk.store.types import Unchanging

from .build import charging, opened

SQLITE = sqlite.dialect()


def test_a_text_that_was_read_before_is_not_read_again() -> None:
    column = Unchanging(trace_to, trace_from)
    text = '[["2026-11-20T13:00:00+00:00","1.5"]]'
    assert column.process_result_value(text, SQLITE) is column.process_result_value(str(text), SQLITE)


def test_no_value_stays_none() -> None:
    assert Unchanging(trace_to, trace_from).process_result_value(None, SQLITE) is None


def test_a_text_that_could_not_be_read_is_tried_again() -> None:
    tried: list[object] = []

    def fail_once(value: object) -> object:
        tried.append(value)
        if len(tried) == 1:
            raise ValueError("spoilt")
        return Trace()

    column = Unchanging(trace_to, fail_once)
    with pytest.raises(ValueError, match="spoilt"):
        column.process_result_value("[]", SQLITE)
    assert column.process_result_value("[]", SQLITE) == Trace()


def test_a_trace_that_another_process_has_written_is_seen_at_once(store: Store, second: Store) -> None:
    key = opened(store)
    for at, energy in ((10, "1.5"), (20, "1.6"), (30, "1.7")):
        written, _ = second.observe(key, charging(at, energy), source="read")
        assert [one.trace for one in store.sessions_to_watch()] == [written.trace]
        assert written.trace.points[-1].energy_kwh == Decimal(energy)
