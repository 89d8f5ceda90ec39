"""Steps that several people decide together: their rules, and the seats of their tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("added_by", sa.Text()))
    op.add_column("tasks", sa.Column("decided_by", sa.Text()))
    op.create_index(
        "idx_tasks_decided_by",
        "tasks",
        ["assignee", "completed_at", "id"],
        postgresql_where=sa.text("decided_by is not null"),
    )
    op.create_table(
        "visits",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("wait", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("queue", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "wait", name=op.f("pk_visits")),
    )


def downgrade() -> None:
    op.drop_table("visits")
    op.drop_index("idx_tasks_decided_by", "tasks")
    for column in ("decided_by", "added_by"):
        op.drop_column("tasks", column)
