"""When a reader last had an ended session looked at is remembered, whatever came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
