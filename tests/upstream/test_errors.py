"""The error tree: what each class promises, and what its words never contain."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.commands import Refusal
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, SessionGone, UpstreamError, redact


def test_a_spent_budget_was_not_sent() -> None:
    spent = BudgetSpent(timedelta(seconds=24.96))
    assert isinstance(spent, NotSent)
    assert spent.wait == timedelta(seconds=24.96)
    assert str(spent) == "budget spent for another 25.0 s"


def test_a_session_that_is_gone_was_refused() -> None:
    gone = SessionGone("No query results.")
    assert isinstance(gone, Refused)
    assert (gone.reason, gone.status, gone.message) == (Refusal.NOT_NOW, 404, "No query results.")


def test_the_three_ends_exclude_each_other() -> None:
    for error in (NotSent("x"), Refused(Refusal.INVALID), NoAnswer("x")):
        assert sum(isinstance(error, kind) for kind in (NotSent, Refused, NoAnswer)) == 1
        assert isinstance(error, UpstreamError)


def test_an_error_text_names_reason_and_status_but_not_what_upstream_wrote() -> None:
    refused = Refused(Refusal.CONNECTOR_BUSY, "free text", None, 409)
    assert str(refused) == "refused: connector_busy (status 409)"
    assert "free text" not in repr(refused)
    assert str(NoAnswer("no usable answer", 504)) == "no usable answer (status 504)"
    assert str(NoAnswer("no answer: ReadTimeout")) == "no answer: ReadTimeout"


@pytest.mark.parametrize(
    "text",
    [
        "The e-mail SECRET@example.com is invalid",
        "see https://app.plugchoice.com/x/SECRET for more",
        "No such payment: pi_SECRET",
        "Invalid key sk_live_SECRET",
        "whsec_SECRET does not match",
        "Authorization: Bearer SECRET",
        "token SECRET0123456789abcdefghij was not found",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert "SECRET" not in redact(text)
    assert "[hidden]" in redact(text)


def test_a_given_secret_is_hidden_in_any_case_and_an_empty_one_hides_nothing() -> None:
    assert redact("code Abc, ABC", ["abc", ""]) == "code [hidden], [hidden]"


@pytest.mark.parametrize(
    "text",
    [
        "Unauthenticated.",
        "This action is unauthorized.",
        "The given data was invalid.",
        "Too Many Attempts.",
        "The charger did not respond in time.",
    ],
)
def test_the_documented_messages_stay_as_they_are(text: str) -> None:
    assert redact(text) == text
