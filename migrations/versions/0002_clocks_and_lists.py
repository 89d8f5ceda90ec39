"""Clocks that stand while an instance is suspended; indexes of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "process_instances",
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
    )
    # The best that is known about instances that are suspended already.
    op.execute(
        """
        update process_instances i
           set suspended_at = (select max(e.at) from history_events e
                                where e.instance_id = i.id and e.kind = 'instance.suspended')
         where status = 'suspended'
        """
    )
    op.create_index(
        "idx_process_instances_started_at",
        "process_instances",
        ["started_at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    )
    op.create_index(
        "idx_tasks_cancelled",
        "tasks",
        ["assignee", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'cancelled'"),
    )


def downgrade() -> None:
    op.drop_index(
        "idx_tasks_cancelled", table_name="tasks", postgresql_where=sa.text("state = 'cancelled'")
    )
    op.drop_index("idx_process_instances_started_at", table_name="process_instances")
    op.drop_column("process_instances", "suspended_at")
