"""How the writing of each month's tables goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0030"
down_revision = "r0029"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "months_written",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("written_at", TIME, nullable=True),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("failing_since", TIME, nullable=True),
        sa.PrimaryKeyConstraint("site_id", "month", name="pk_months_written"),
    )
