"""A definition says who reads its instances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "process_definitions",
        sa.Column("viewers", ARRAY(sa.Text), nullable=False, server_default="{}"),
    )
    op.create_index(
        "idx_process_definitions_viewers",
        "process_definitions",
        ["viewers"],
        postgresql_using="gin",
        postgresql_where=sa.text("viewers <> '{}'"),
    )


def downgrade() -> None:
    op.drop_column("process_definitions", "viewers")
