"""Sessions keep that somebody wants them to end, when the payment form was handed out and when contact came back last.
Leases get a number, so that a leader that was frozen knows that it leads no more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("back_at", TIME, nullable=True))
    op.add_column("sessions", sa.Column("payment_shown_at", TIME, nullable=True))
    op.add_column("sessions", sa.Column("wish", sa.Text(), nullable=True))
    op.add_column("leases", sa.Column("number", sa.Integer(), nullable=True))
