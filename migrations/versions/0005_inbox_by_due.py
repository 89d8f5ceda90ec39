"""The index by due date gives the order of lists: those without a date are in it, and the id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("idx_tasks_due", "tasks")
    op.create_index(
        "idx_tasks_due",
        "tasks",
        ["due_at", "id"],
        postgresql_where=sa.text("state in ('open','claimed')"),
    )


def downgrade() -> None:
    op.drop_index("idx_tasks_due", "tasks")
    op.create_index(
        "idx_tasks_due",
        "tasks",
        ["due_at"],
        postgresql_where=sa.text("state in ('open','claimed') and due_at is not null"),
    )
