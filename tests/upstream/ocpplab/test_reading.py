"""OCPPLAB's answers out of JSON that cannot be trusted: the documented bodies, odd fields, and whatever comes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.lab import LabFacts
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.http import decode
from kiosk.upstream.ocpplab.reading import (
    UNKNOWN_ERROR,
    CommandAnswer,
    LabCharger,
    NotQueued,
    Provisioning,
    ProvisioningError,
    Queued,
    Stage,
    read_charger,
    read_chargers,
    read_command_answer,
    read_created,
    read_facts,
    read_image_url,
    read_problem,
    read_provisioning,
    read_queued,
)

DOCUMENTED = {
    "id": "dep-123",
    "identity": "CP-TEST-001",
    "name": "Bay A01",
    "vendor_name": "ABB",
    "model": "Terra 184",
    "image_url": "https://cdn.example/terra.png?v=2",
    "ocpp_version": "OCPP2.0.1",
    "number_of_connectors": 2,
    "max_charging_power": 22000,
    "connector_type": "CCS2",
    "location_id": "loc-456",
    "created_at": "2026-04-02T09:15:00Z",
    "updated_at": None,
}
NAMES = sorted(
    {*DOCUMENTED, "data", "total", "page", "limit", "status", "charger_id", "error", "code", "message", "retryable"}
    | {"detail", "loc", "msg", "results", "failed", "command", "payload", "event_type", "configured", "targeted_count"}
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["dep-123", "READY", "FAILED", "https://x.example/", "2026-04-02T09:15:00Z", "body"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


def charger(**changes: Any) -> LabCharger:
    return read_charger({**DOCUMENTED, **changes}, "dep-123")


# --- chargers


def test_the_documented_charger_is_read() -> None:
    facts = LabFacts("Bay A01", "https://cdn.example/terra.png?v=2", "ABB", "Terra 184", Decimal(22), "CCS2")
    at = datetime(2026, 4, 2, 9, 15, tzinfo=UTC)
    assert charger() == LabCharger("dep-123", "CP-TEST-001", facts, "OCPP2.0.1", 2, "loc-456", at, None)


def test_all_that_may_be_null_may_be_null() -> None:
    bare = read_charger({"id": "dep-123", "identity": "CP-TEST-001", **dict.fromkeys(list(DOCUMENTED)[2:])}, "dep-123")
    assert bare == LabCharger("dep-123", "CP-TEST-001", LabFacts())


@pytest.mark.parametrize("asked", ["dep-123", "CP-TEST-001"])
def test_a_charger_answers_to_both_of_its_names(asked: str) -> None:
    assert read_charger({"data": DOCUMENTED}, asked).id == "dep-123"


def test_another_charger_is_no_answer() -> None:
    with pytest.raises(NoAnswer, match="another"):
        read_charger(DOCUMENTED, "dep-124")


@pytest.mark.parametrize("body", [None, [], {}, {"identity": "CP-TEST-001"}, {"id": None}])
def test_a_body_without_a_charger_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_charger(body, "CP-TEST-001")


@pytest.mark.parametrize(
    ("value", "kilowatts"),
    [
        (22000, "22"),
        ("7400", "7.4"),
        (3680, "3.68"),
        (1000, "1"),
        (999, None),
        (22, None),
        (0, None),
        (-22000, None),
        (10**9, None),
        ("much", None),
        (True, None),
    ],
)
def test_power_is_exact_and_none_when_it_cannot_be_watts(value: object, kilowatts: str | None) -> None:
    found = read_facts({"max_charging_power": value}).max_kw
    assert found == (None if kilowatts is None else Decimal(kilowatts))


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example/x.png",
        "//cdn.example/x.png",
        "javascript:alert(1)",
        "data:image/png;base64,AA",
        "https://",
        "https:///x.png",
        "https://user:word@cdn.example/x.png",
        "https://cdn.example:0/x",
        "https://cdn.example:99999/x",
        "https://[::1/x",
        "https://cdn.example/a b",
        'https://cdn.example/"onload=',
        "https://cdn.example/\n",
        "https://cdn.example/é",
        "https://cdn.example/" + "x" * 1000,
        "",
        None,
        5,
    ],
)
def test_an_image_that_is_not_plainly_https_is_left_out(url: object) -> None:
    assert read_image_url(url) is None


@pytest.mark.parametrize(
    "url", ["https://cdn.example/x.png", "https://cdn.example:8443/a%20b?w=1#f", "HTTPS://X.EXAMPLE"]
)
def test_an_https_image_stays_as_it_was_given(url: str) -> None:
    assert read_image_url(url) == url


def test_text_from_outside_is_one_line_without_controls() -> None:
    assert charger(name="Bay\n\x00 A01\u202e").facts.name == "Bay A01"


@pytest.mark.parametrize(
    ("body", "page", "expected"),
    [
        ({"data": [{"id": "a"}], "total": 3, "limit": 1}, 1, 2),
        ({"data": [{"id": "a"}], "total": 3, "limit": 1}, 3, None),
        ({"data": [{"id": "a"}], "total": 3}, 1, 2),  # as many as were asked for: 2 a page
        ({"data": [{"id": "a"}], "total": 2, "limit": "odd"}, 1, None),
        ({"data": [], "total": 300, "limit": 2}, 1, None),
        ({"data": [{"id": "a"}, {"id": "b"}]}, 1, 2),
        ({"data": [{"id": "a"}]}, 1, None),
        ([{"id": "a"}], 1, None),
    ],
)
def test_whether_there_is_a_next_page(body: object, page: int, expected: int | None) -> None:
    assert read_chargers(body, page, 2).next_page == expected


def test_what_has_no_id_is_left_out_and_the_first_of_two_counts() -> None:
    page = read_chargers({"data": [None, {}, {"id": "a", "name": "1"}, {"id": "a", "name": "2"}, 7], "total": 5}, 1, 50)
    assert [(each.id, each.facts.name) for each in page.chargers] == [("a", "1")]


# --- provisioning


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("PENDING", Stage.PENDING),
        ("provisioning", Stage.PROVISIONING),
        ("READY", Stage.READY),
        ("FAILED", Stage.FAILED),
        (None, None),
        ("online", None),
        (7, None),
    ],
)
def test_the_stages_are_read_and_strangers_are_none(word: object, stage: Stage | None) -> None:
    assert read_provisioning({"charger_id": "dep-1", "status": word}, "dep-1").stage is stage


def test_a_failure_is_read() -> None:
    error = {
        "code": UNKNOWN_ERROR,
        "message": "no",
        "step": "charger-1",
        "param": "ocpp_version",
        "doc_url": "x",
        "retryable": 0,
    }
    found = read_provisioning({"charger_id": "dep-1", "status": "FAILED", "error": error}, "dep-1")
    assert found.error == ProvisioningError(UNKNOWN_ERROR, "no", "charger-1", "ocpp_version", False)
    assert found.error is not None
    assert found.error.code == UNKNOWN_ERROR


@pytest.mark.parametrize("error", [None, "boom", [], {}, {"code": 5, "message": None, "retryable": "perhaps"}])
def test_a_failure_without_a_reason_is_an_unknown_error(error: object) -> None:
    found = read_provisioning({"status": "FAILED", "error": error}, "dep-1").error
    assert found == ProvisioningError(None, "")
    assert found is not None
    assert found.code == UNKNOWN_ERROR


def test_the_time_of_readiness_is_read() -> None:
    found = read_provisioning({"status": "READY", "provisioned_at": "2026-04-02T09:15:00+02:00"}, "dep-1")
    assert found == Provisioning("dep-1", Stage.READY, None, datetime(2026, 4, 2, 7, 15, tzinfo=UTC))


@pytest.mark.parametrize("body", [{}, {"charger_id": "dep-1"}, {"charger_id": "dep-2", "status": "READY"}, "READY"])
def test_a_status_of_nobody_or_of_another_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_provisioning(body, "dep-1")


def test_a_create_may_call_the_id_simply_id() -> None:
    assert read_created({"id": "dep-1", "status": "PENDING"}, "CP") == Provisioning("dep-1", Stage.PENDING)


# --- commands


COMMAND = {"id": "cmd-1", "event_type": "plug_connector", "ocpp_version": "ocpp1.6", "payload": {"connector_id": 1}}
QUEUED = Queued("cmd-1", "plug_connector", "ocpp1.6", {"connector_id": 1})


def test_the_answer_for_many_chargers_is_read() -> None:
    body = {
        "targeted_count": 2,
        "queued_count": 1,
        "failed_count": 1,
        "results": [{"charger_id": "dep-1", "identity": "CP-1", "command": COMMAND}],
        "failed": [{"identity": "CP-2", "error": "not running at wss://host/secret"}],
    }
    expected = CommandAnswer((QUEUED,), (NotQueued("CP-2", "not running at [hidden]"),), 2)
    assert read_command_answer(body) == expected


def test_a_single_command_is_read() -> None:
    assert read_command_answer(COMMAND).queued == (QUEUED,)
    assert read_queued(COMMAND) == QUEUED


def test_the_answer_to_a_configuration_is_read() -> None:
    body = {"status": "RebootRequired", "configured": ["HeartbeatInterval", None], "msg": "queued"}
    assert read_command_answer(body) == CommandAnswer(
        status="RebootRequired", message="queued", configured=("HeartbeatInterval",)
    )


# --- errors


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"detail": "Charger not found"}, "Charger not found"),
        ({"detail": [{"loc": ["body", "event", "power_w"], "msg": "Field required"}]}, "event.power_w: Field required"),
        ({"detail": [{"loc": ["query", "limit"], "msg": "too big"}]}, "limit: too big"),
        ({"detail": [{"loc": ["body", "entries", 0, "id_tag"], "msg": "bad"}]}, "entries.0.id_tag: bad"),
        ({"detail": [{"loc": ["body"], "msg": "bad"}]}, "bad"),
        ({"detail": [{"loc": "body", "msg": "bad"}]}, "bad"),
        ({"detail": [{"loc": ["x"], "msg": None}, {"msg": "y"}, None, {}]}, "x; y"),
        ({"detail": [{"msg": str(n)} for n in range(9)]}, "0; 1; 2; 3; 4; and 4 more"),
        ({"detail": [{}] * 9}, ""),
        ({"detail": {"message": "inner"}}, "inner"),
        ({"message": "plain"}, "plain"),
        ({"detail": {}}, ""),
        (["x"], ""),
        (None, ""),
    ],
)
def test_an_error_becomes_one_sentence(body: object, sentence: str) -> None:
    assert read_problem(body) == sentence


def test_the_values_that_a_complaint_repeats_are_left_out() -> None:
    entry = {"loc": ["body", "id_tag"], "msg": "too short", "type": "x", "input": "CARD7", "ctx": {"given": "CARD7"}}
    assert read_problem({"detail": [entry]}) == "id_tag: too short"


# --- whatever comes


@given(JSON)
def test_every_reader_survives_everything(body: object) -> None:
    readers: list[Any] = [
        lambda: read_charger(body, "dep-123"),
        lambda: read_chargers(body, 1, 50),
        lambda: read_created(body, "dep-123"),
        lambda: read_provisioning(body, "dep-123"),
    ]
    for reader in readers:
        try:
            reader()
        except NoAnswer:
            continue
    read_queued(body)
    read_command_answer(body)
    assert "\n" not in read_problem(body)


@given(st.binary(max_size=200))
def test_every_reader_survives_bytes(raw: bytes) -> None:
    body = decode(raw)
    read_command_answer(body)
    assert isinstance(read_problem(body), str)


def test_its_make_is_who_made_it_and_what_it_is_called_there_as_far_as_known() -> None:
    assert LabFacts("Bay A01", vendor="ABB", model="Terra 184").make == "ABB Terra 184"
    assert LabFacts("Bay A01", model="Terra 184").make == "Terra 184"
    assert LabFacts("Bay A01").make is None
