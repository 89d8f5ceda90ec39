"""Verbs on tasks: what a step allows, reminders, copies, and notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("allow", postgresql.ARRAY(sa.Text())))
    op.add_column("tasks", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("reminded_at", sa.DateTime(timezone=True)))
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("mail_at", sa.DateTime(timezone=True)),
        sa.Column("mail_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index("idx_notifications_username", "notifications", ["username", "id"])
    op.create_index(
        "idx_notifications_unread",
        "notifications",
        ["username"],
        postgresql_where=sa.text("read_at is null"),
    )
    op.create_index(
        "idx_notifications_mail_at",
        "notifications",
        ["mail_at"],
        postgresql_where=sa.text("mail_at is not null"),
    )
    op.create_index(
        "idx_notifications_at",
        "notifications",
        ["at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    )
    op.create_table(
        "notification_choices",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "choice in ('page','mail','none')", name=op.f("ck_notification_choices_choice")
        ),
        sa.PrimaryKeyConstraint("username", "event", name=op.f("pk_notification_choices")),
    )
    op.create_table(
        "copies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copies")),
        sa.UniqueConstraint(
            "instance_id", "step", "username", name=op.f("uq_copies_instance_id_step_username")
        ),
    )
    op.create_index("idx_copies_username", "copies", ["username", "id"])
    op.create_index(
        "idx_history_events_comments",
        "history_events",
        ["instance_id"],
        postgresql_where=sa.text("kind in ('task.commented','task.comment_edited')"),
    )


def downgrade() -> None:
    op.drop_index("idx_history_events_comments", "history_events")
    for table in ("copies", "notification_choices", "notifications"):
        op.drop_table(table)
    for column in ("reminded_at", "reminders", "allow"):
        op.drop_column("tasks", column)
