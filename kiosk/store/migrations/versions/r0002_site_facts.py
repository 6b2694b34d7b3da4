"""Fuse trees of sites, the make of chargers and their pictures.

Column types are spelled out here, so that a later change of the code cannot change what this step did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "site_trees",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", name="pk_site_trees"),
    )
    op.create_table(
        "lab_facts",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_lab_facts"),
    )
    op.create_table(
        "pictures",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("tried_at", TIME, nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("stamp", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("url", name="pk_pictures"),
    )
