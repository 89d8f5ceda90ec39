"""Absences, and notifications that are about no task."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("substitute", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("definitions", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("open_tasks", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_absences_times")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index("idx_absences_username", "absences", ["username", "id"])
    op.create_index("idx_absences_substitute", "absences", ["substitute", "id"])
    for column in ("instance_id", "task_id"):
        op.alter_column("notifications", column, nullable=True)


def downgrade() -> None:
    op.execute("delete from notifications where task_id is null")
    for column in ("instance_id", "task_id"):
        op.alter_column("notifications", column, nullable=False)
    op.drop_table("absences")
