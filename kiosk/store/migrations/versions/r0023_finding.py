"""What the desk finds sessions by: mark, last figures of the card, a keyed word for an e-mail, indexes by time."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "r0023"
down_revision = "r0022"
branch_labels = None
depends_on = None

AT_ONCE = 1000
LEADING = ((), ("code",), ("status",), ("phase",), ("card_last4",), ("captured_minor",))


def upgrade() -> None:
    op.add_column("sessions", sa.Column("mark", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("card_last4", sa.String(), nullable=True))
    op.add_column("commands", sa.Column("email_mark", sa.String(), nullable=True))
    _fill()
    op.create_index("ix_sessions_mark", "sessions", ["mark"])
    op.create_index("ix_commands_email_mark", "commands", ["email_mark"])
    for leading in LEADING:
        columns = [*leading, "requested_at", "id"]
        op.create_index(f"ix_sessions_{'_'.join(columns)}", "sessions", columns)


def _fill() -> None:
    """An e-mail of before is not found by the desk: only a secret key could tell its word."""
    connection, last = op.get_bind(), 0
    rows = sa.text(f"SELECT id, key, proof FROM sessions WHERE id > :last ORDER BY id LIMIT {AT_ONCE}")  # noqa: S608
    fill = sa.text("UPDATE sessions SET mark = :mark, card_last4 = :last4 WHERE id = :id")
    while found := connection.execute(rows, {"last": last}).all():
        last = found[-1].id
        values = [
            {"id": row.id, "mark": hashlib.sha256(row.key.encode()).hexdigest()[:10], "last4": _last4(row.proof)}
            for row in found
        ]
        connection.execute(fill, values)


def _last4(proof: str | None) -> str | None:
    """None also for a proof that cannot be read: its row is put aside, not the whole store."""
    try:
        last4 = json.loads(proof or "{}").get("card_last4")
    except (ValueError, AttributeError):
        return None
    return last4 if isinstance(last4, str) else None
