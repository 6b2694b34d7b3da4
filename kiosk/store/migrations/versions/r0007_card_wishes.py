"""Wishes for the card of a charger become short-lived rows of their own; failures in a row are counted.

What was wished for before is forgotten: whoever waited for it looks at another page by now.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM chargers WHERE card IS NULL AND problem_at IS NULL")
    op.drop_index("ix_chargers_wanted_at", "chargers")
    with op.batch_alter_table("chargers") as chargers:
        chargers.drop_column("wanted_at")
        chargers.add_column(sa.Column("problems", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE chargers SET problems = 1 WHERE problem_at IS NOT NULL")
    op.create_table(
        "card_wishes",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("put_off", sa.Boolean(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("code", name="pk_card_wishes"),
    )
