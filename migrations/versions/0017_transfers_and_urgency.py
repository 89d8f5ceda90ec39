"""Indexes: who transferred what, and tasks of an unusual priority."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "idx_history_events_transferred",
        "history_events",
        ["actor", "at"],
        unique=False,
        postgresql_where=sa.text("kind = 'task.transferred'"),
    )
    op.create_index(
        "idx_tasks_unusual_priority",
        "tasks",
        ["priority", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('open','claimed') and priority <> 50"),
    )


def downgrade() -> None:
    op.drop_index("idx_tasks_unusual_priority", table_name="tasks")
    op.drop_index("idx_history_events_transferred", table_name="history_events")
