"""Approval rules: who may not decide a task, which rule has decided it, when to look at it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("barred", postgresql.ARRAY(sa.Text())))
    op.add_column("tasks", sa.Column("rule", sa.Text()))
    op.add_column("tasks", sa.Column("remind_at", sa.DateTime(timezone=True)))
    op.create_index(
        "idx_tasks_remind_at",
        "tasks",
        ["remind_at", "id"],
        postgresql_where=sa.text("remind_at is not null and state in ('open','claimed')"),
    )


def downgrade() -> None:
    op.drop_index("idx_tasks_remind_at", "tasks")
    for column in ("remind_at", "rule", "barred"):
        op.drop_column("tasks", column)
