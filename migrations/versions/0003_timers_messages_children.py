"""Timers, messages and who awaits them; children of instances; starts by clock or message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("instance_id", sa.BigInteger, nullable=False),
        sa.Column("wait", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("instance_id", "wait", name=op.f("pk_timers")),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["process_instances.id"],
            name=op.f("fk_timers_instance_id_process_instances"),
        ),
    )
    op.create_index("idx_timers_due", "timers", ["due_at"], postgresql_where=sa.text("not paused"))
    op.create_table(
        "subscriptions",
        sa.Column("instance_id", sa.BigInteger, nullable=False),
        sa.Column("wait", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "wait", name=op.f("pk_subscriptions")),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["process_instances.id"],
            name=op.f("fk_subscriptions_instance_id_process_instances"),
        ),
    )
    op.create_index("idx_subscriptions_name_key", "subscriptions", ["name", "key"])
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", postgresql.JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sent_by", sa.Text, nullable=False),
        sa.Column("sender_id", sa.BigInteger),
        sa.Column("receiver_id", sa.BigInteger),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("delivered_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.CheckConstraint(
            "state in ('kept','delivered','expired')", name=op.f("ck_messages_state")
        ),
    )
    op.create_index(
        "idx_messages_kept",
        "messages",
        ["name", "key", "id"],
        postgresql_where=sa.text("state = 'kept'"),
    )
    op.create_index("idx_messages_expires_at", "messages", ["expires_at"])
    op.add_column("process_instances", sa.Column("parent_wait", sa.BigInteger))
    op.create_index(
        "idx_process_instances_parent",
        "process_instances",
        ["parent_id", "parent_wait"],
        postgresql_where=sa.text("parent_id is not null"),
    )
    op.add_column("process_definitions", sa.Column("start_message", sa.Text))
    op.add_column("process_definitions", sa.Column("start_cron", sa.Text))
    op.add_column("process_definitions", sa.Column("next_start_at", MOMENT))
    op.create_index(
        "idx_process_definitions_start_message",
        "process_definitions",
        ["start_message"],
        postgresql_where=sa.text("start_message is not null"),
    )
    op.create_index(
        "idx_process_definitions_next_start_at",
        "process_definitions",
        ["next_start_at"],
        postgresql_where=sa.text("next_start_at is not null"),
    )
    op.add_column("jobs", sa.Column("topic", sa.Text))
    op.drop_index("idx_jobs_due", "jobs")
    op.create_index(
        "idx_jobs_due",
        "jobs",
        ["due_at", "id"],
        postgresql_where=sa.text("state = 'due' and not paused and topic is null"),
    )
    op.create_index(
        "idx_jobs_topic",
        "jobs",
        ["topic", "due_at", "id"],
        postgresql_where=sa.text("state = 'due' and not paused and topic is not null"),
    )


def downgrade() -> None:
    op.drop_index("idx_jobs_topic", "jobs")
    op.drop_index("idx_jobs_due", "jobs")
    op.create_index(
        "idx_jobs_due",
        "jobs",
        ["due_at", "id"],
        postgresql_where=sa.text("state = 'due' and not paused"),
    )
    op.drop_column("jobs", "topic")
    for name in ("next_start_at", "start_message"):
        op.drop_index(f"idx_process_definitions_{name}", "process_definitions")
    for name in ("next_start_at", "start_cron", "start_message"):
        op.drop_column("process_definitions", name)
    op.drop_index("idx_process_instances_parent", "process_instances")
    op.drop_column("process_instances", "parent_wait")
    for name in ("messages", "subscriptions", "timers"):
        op.drop_table(name)
