"""How far running charges are by the operator's view of their sites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "r0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "progress",
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("energy_kwh", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("rose_at", TIME, nullable=False),
        sa.Column("agreed_at", TIME, nullable=True),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_progress_session_key"),
        sa.PrimaryKeyConstraint("session_key", name="pk_progress"),
    )
