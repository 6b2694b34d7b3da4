"""The one error of the Stripe stand-in, in the shape of Stripe's `error` object."""

from __future__ import annotations

from typing import Any


class StripeProblem(Exception):
    """A refused call. `status` is the HTTP status; `error` is the body's `error` object, without secrets."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        decline_code: str | None = None,
        param: str | None = None,
        charge: str | None = None,
        intent: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.decline_code = decline_code
        self.intent = intent
        optional = {"code": code, "decline_code": decline_code, "param": param, "charge": charge}
        self.error: dict[str, Any] = {
            "type": kind,
            "message": message,
            **{name: value for name, value in optional.items() if value is not None},
        }
        if code:
            self.error["doc_url"] = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}"


def missing(noun: str, object_id: str, param: str = "id") -> StripeProblem:
    message = f"No such {noun}: '{object_id}'"
    return StripeProblem(404, message, code="resource_missing", param=param)
