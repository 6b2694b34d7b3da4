"""People of the desk whom the operator's own directory vouches for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0027"
down_revision = "r0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("desk_users", sa.Column("directory", sa.String(), nullable=True))
    op.create_index("ux_desk_users_directory", "desk_users", ["directory"], unique=True)
