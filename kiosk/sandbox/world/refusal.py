"""How the back office of the stand-in world says no."""

from __future__ import annotations


class Refusal(Exception):
    """A request that the back office declines; `status` is the HTTP status of the documents."""

    def __init__(
        self, status: int, message: str, *, errors: dict[str, list[str]] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.retry_after = retry_after
