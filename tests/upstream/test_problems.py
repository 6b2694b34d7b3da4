"""What an error's answer says, whatever is in it: how long to wait, and why not."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.clock import ManualClock
from kiosk.upstream.problems import LONGEST_RETRY, SHORTEST_RETRY, read_problem, retry_after

NOW = ManualClock().now()
S = timedelta(seconds=1)
NAMES = st.sampled_from(["message", "errors", "detail"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("17", 17 * S),
        ("0", SHORTEST_RETRY),
        ("99999", LONGEST_RETRY),
        (format_datetime(NOW + 45 * S, usegmt=True), 45 * S),
        ("soon", None),
        ("", None),
    ],
)
def test_a_wait_is_read_in_seconds_or_as_a_date(said: str, wait: timedelta | None) -> None:
    assert retry_after({"retry-after": said}, NOW) == wait


@pytest.mark.parametrize("wrong", [timedelta(hours=-2), timedelta(hours=2), timedelta(days=400)])
def test_a_date_is_compared_with_the_clock_that_it_was_read_from(wrong: timedelta) -> None:
    """Ours may have been set: two hours ahead no wait would be left, two hours behind it would be the longest."""
    headers = {
        "retry-after": format_datetime(NOW + 45 * S, usegmt=True),
        "date": format_datetime(NOW, usegmt=True),
    }
    assert retry_after(headers, NOW + wrong) == 45 * S


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_said_of_both_the_wait_has_its_bounds(said: str, date: str) -> None:
    wait = retry_after({"retry-after": said, "date": date}, NOW)
    assert wait is None or SHORTEST_RETRY <= wait <= LONGEST_RETRY


@given(st.text(max_size=40))
def test_whatever_is_said_the_wait_has_its_bounds(said: str) -> None:
    wait = retry_after({"retry-after": said}, NOW)
    assert wait is None or SHORTEST_RETRY <= wait <= LONGEST_RETRY


def test_an_error_body_is_read_for_its_message_and_its_fields() -> None:
    body = {"message": "The given\ndata was invalid.", "errors": {"email": ["Wrong."], "code": []}}
    assert read_problem(body) == ("The given data was invalid.", frozenset({"email", "code"}))
    assert read_problem([]) == ("", frozenset())
    assert read_problem({"message": None, "errors": ["email"]}) == ("", frozenset())


@given(JSON)
def test_any_json_is_an_error_body(body: object) -> None:
    message, _fields = read_problem(body)
    assert "\n" not in message
