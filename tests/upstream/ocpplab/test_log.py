"""A charger's log at OCPPLAB: messages in every form, pages, and the last status that can be told from them."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.ocpplab.log import LastStatus, LogEntry, last_status, read_logs

START = datetime(2026, 4, 2, 9, 15, tzinfo=UTC)


def entry(message: object, **more: Any) -> LogEntry:
    row = {"direction": "out", "action": "StatusNotification", "message": message, "timestamp": "2026-04-02T09:15:00Z"}
    (read,) = read_logs({"data": [{**row, **more}]}, 0, 100).entries
    return read


def told(status: object, minute: int | None = 0, connector: object = 1, **payload: Any) -> LogEntry:
    at = None if minute is None else START + timedelta(minutes=minute)
    return LogEntry("out", "StatusNotification", {"connectorId": connector, "status": status, **payload}, at)


# --- messages


@pytest.mark.parametrize(
    "message",
    [
        json.dumps([2, "m-1", "StatusNotification", {"connectorId": 1, "status": "Charging"}]),
        json.dumps({"connectorId": 1, "status": "Charging"}),
        json.dumps({"connector_id": "1", "status": "Charging"}),
        json.dumps({"action": "StatusNotification", "payload": {"connectorId": 1, "status": "Charging"}}),
        json.dumps({"connectorId": 1, "evseId": 1, "connectorStatus": "Charging", "timestamp": "2026-04-02T09:15:00Z"}),
        json.dumps(json.dumps([2, "m-1", "StatusNotification", {"connectorId": 1, "status": "Charging"}])),
        [2, "m-1", "StatusNotification", {"connectorId": 1, "status": "Charging"}],
    ],
)
def test_a_status_is_found_in_every_form_of_a_message(message: object) -> None:
    assert last_status([entry(message)], 1) == LastStatus("Charging", START)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "",
        "no json",
        '[2,"m-1","StatusNoti',
        "5",
        "null",
        "[]",
        '[3,"m-1",{}]',
        '[3,"m-1",{"connectorId":1,"status":"Charging"},0]',
        '[4,"m-1","InternalError","",{}]',
        '[2,"m-1","StatusNotification"]',
        '[2,"m-1","StatusNotification",[]]',
        '{"connectorId":1}',
        '{"connectorId":2,"status":"Charging"}',
        '{"status":"Charging"}',
        '{"connectorId":1,"status":null}',
        '{"connectorId":1,"status":7}',
        "[" * 60_000,
        '{"connectorId":1,"status":"Charging","x":"' + "x" * 70_000 + '"}',
        {"a": "b"},
        7,
    ],
)
def test_a_message_that_says_nothing_is_unknown(message: object) -> None:
    assert last_status([entry(message)], 1) is None


def test_the_action_may_stand_in_the_message_alone() -> None:
    message = '[2,"m","StatusNotification",{"connectorId":1,"status":"Available"}]'
    assert entry(message, action=None).action == "StatusNotification"
    assert last_status([entry(message, action="status_notification")], 1) == LastStatus("Available", START)


def test_other_actions_are_no_status() -> None:
    message = '{"connectorId":1,"status":"Accepted"}'
    assert last_status([entry(message, action="Authorize")], 1) is None


def test_a_drivers_card_is_not_in_the_repr() -> None:
    assert "CARD7" not in repr(entry('[2,"m","StartTransaction",{"idTag":"CARD7"}]'))


# --- the last status


def test_the_order_of_a_log_does_not_matter() -> None:
    rows = [told("Available", 0), told("Preparing", 1), told("Charging", 2), told("Available", 9, connector=2)]
    for order in itertools.permutations(rows):
        assert last_status(order, 1) == LastStatus("Charging", START + timedelta(minutes=2))


def test_the_payloads_own_time_is_used_when_the_row_has_none() -> None:
    rows = [told("Charging", None, timestamp="2026-04-02T10:15:00Z"), told("Available", 5)]
    assert last_status(rows, 1) == LastStatus("Charging", START + timedelta(hours=1))


def test_two_words_at_the_same_time_are_unknown() -> None:
    assert last_status([told("Charging", 1), told("Available", 1)], 1) is None


def test_a_row_without_a_time_could_be_the_newest() -> None:
    assert last_status([told("Charging", 1), told("Available", None)], 1) is None
    assert last_status([told("Charging", 1), told("Charging", None)], 1) == LastStatus(
        "Charging", START + timedelta(minutes=1)
    )
    assert last_status([told("Charging", None)], 1) == LastStatus("Charging", None)


def test_of_several_evses_one_must_be_chosen() -> None:
    rows = [told("Charging", 1, evseId=1), told("Available", 2, evseId=2)]
    assert last_status(rows, 1) is None
    assert last_status(rows, 1, evse_id=1) == LastStatus("Charging", START + timedelta(minutes=1))
    assert last_status(rows, 1, evse_id=3) is None


def test_an_empty_log_is_unknown() -> None:
    assert last_status([], 1) is None


# --- pages


@pytest.mark.parametrize(
    ("body", "offset", "expected"),
    [
        ({"data": [{}, {}], "total": 5}, 0, 2),
        ({"data": [{}, {}], "total": 5}, 2, 4),
        ({"data": [{}], "total": 5}, 4, None),
        ({"data": [], "total": 5}, 0, None),
        ({"data": [{}, {}]}, 0, 2),
        ({"data": [{}]}, 0, None),
    ],
)
def test_whether_there_is_more(body: object, offset: int, expected: int | None) -> None:
    assert read_logs(body, offset, 2).next_offset == expected


def test_rows_that_are_none_are_left_out() -> None:
    assert len(read_logs({"data": [None, 5, {}, "x"]}, 0, 100).entries) == 1


@pytest.mark.parametrize("body", [None, {}, {"data": None}, {"data": {}}])
def test_a_body_without_a_list_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_logs(body, 0, 100)


# --- whatever comes

NAMES = ["connectorId", "connector_id", "evseId", "status", "connectorStatus", "timestamp", "payload", "action"]
VALUES = (
    st.none()
    | st.integers(-1, 3)
    | st.text(max_size=8)
    | st.sampled_from(["Charging", "2026-04-02T09:15:00Z", "StatusNotification"])
)
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(NAMES), inner), max_leaves=10
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "action": VALUES,
        "direction": VALUES,
        "timestamp": VALUES,
        "message": VALUES | JSON | JSON.map(json.dumps),
    },
)


@given(st.lists(ROWS | JSON, max_size=8))
def test_whatever_a_log_contains_the_status_is_a_word_or_unknown(rows: list[object]) -> None:
    entries = read_logs({"data": rows}, 0, 100).entries
    found = last_status(entries, 1)
    assert found is None or found.word
    assert last_status(entries[::-1], 1) == found
