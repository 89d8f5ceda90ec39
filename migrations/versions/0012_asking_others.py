"""Tasks beside a task: advice, questions, and people who sign before or after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("role", sa.Text()))
    op.add_column("tasks", sa.Column("serves", sa.BigInteger()))
    op.add_column("tasks", sa.Column("asked", sa.Text()))
    op.add_column("tasks", sa.Column("waits_for", sa.Text()))
    op.add_column("tasks", sa.Column("pending", postgresql.JSON()))
    op.add_column("tasks", sa.Column("sides", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("sides", "pending", "waits_for", "asked", "serves", "role"):
        op.drop_column("tasks", name)
