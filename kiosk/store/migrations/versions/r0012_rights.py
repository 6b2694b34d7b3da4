"""Rights that were handed over can be taken back, and which codes for that a site's screen has shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("takeovers", sa.Column("on_screen", sa.Boolean(), server_default="0", nullable=False))
    op.create_table(
        "taken_back",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("granted_at", TIME, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["session_key"], ["sessions.key"], name="fk_taken_back_session_key"),
        sa.PrimaryKeyConstraint("id", name="pk_taken_back"),
    )
    op.create_index("ix_taken_back_session_key", "taken_back", ["session_key"])
