"""How many statements a piece of work sends to the database, so that a page that asks more than before is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from kiosk.store import Store


@contextmanager
def statements_of(store: Store) -> Iterator[list[str]]:
    """The statements of the block, in their order, with those that begin a transaction left out."""
    engine = store._database._engine
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def reads_and_writes(statements: list[str]) -> tuple[int, int]:
    """How many of them only read, and how many write. What belongs to a savepoint counts as neither."""
    reads = sum(one.startswith("SELECT") for one in statements)
    writes = sum(one.startswith(("INSERT", "UPDATE", "DELETE")) for one in statements)
    return reads, writes
