"""Definitions, instances and their tasks, and the hash of a history row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = "0000"
branch_labels = None
depends_on = None

# The hash of a row covers the one before it, its number, time, actor, kind and data, so
# that a changed, removed or inserted row is noticed (`app.history.record.verify`).
HISTORY_HASH = """
create function history_hash(
    prev bytea, seq integer, at timestamptz, actor text, behalf text, kind text, data jsonb
) returns bytea language sql stable parallel safe as $$
    select sha256(prev || convert_to(jsonb_build_array(
        seq, extract(epoch from at), actor, behalf, kind, data)::text, 'UTF8'))
$$
"""

# Nothing updates or deletes a row of the history, whoever connects as the application.
HISTORY_GUARD = """
create function history_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the history is append-only';
end $$
"""
HISTORY_TRIGGER = """
create trigger history_append_only before update or delete on history_events
for each row execute function history_refuse()
"""


def upgrade() -> None:
    op.create_table(
        "process_definitions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("version_order", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("starters", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status in ('draft','active','retired')", name=op.f("ck_process_definitions_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_definitions")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_process_definitions_key_version")),
    )
    op.create_index(
        "idx_process_definitions_key_order",
        "process_definitions",
        ["key", "version_order"],
        unique=False,
    )
    op.create_table(
        "process_instances",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("definition_id", sa.BigInteger(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("incident_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("root_id", sa.BigInteger(), nullable=True),
        sa.Column("history_seq", sa.Integer(), nullable=False),
        sa.Column("history_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["process_definitions.id"],
            name=op.f("fk_process_instances_definition_id"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["process_instances.id"], name=op.f("fk_process_instances_parent_id")
        ),
        sa.ForeignKeyConstraint(
            ["root_id"], ["process_instances.id"], name=op.f("fk_process_instances_root_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_instances")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "idx_process_instances_business_key",
        "process_instances",
        ["business_key"],
        unique=False,
        postgresql_where=sa.text("business_key is not null"),
    )
    op.create_index(
        "idx_process_instances_definition",
        "process_instances",
        ["definition_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "idx_process_instances_incidents",
        "process_instances",
        ["id"],
        unique=False,
        postgresql_where=sa.text("incident_count > 0"),
    )
    op.create_index(
        "idx_process_instances_started_by", "process_instances", ["started_by", "id"], unique=False
    )
    op.create_index(
        "idx_process_instances_status", "process_instances", ["status", "id"], unique=False
    )
    op.create_table(
        "history_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instances.id"], name=op.f("fk_history_events_instance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history_events")),
        sa.UniqueConstraint("instance_id", "seq", name=op.f("uq_history_events_instance_id_seq")),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("wait", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instances.id"], name=op.f("fk_incidents_instance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("instance_id", "wait", name=op.f("uq_incidents_instance_id_wait")),
    )
    op.create_index(
        "idx_incidents_open",
        "incidents",
        ["id"],
        unique=False,
        postgresql_where=sa.text("resolved_at is null"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("wait", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("input", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("timeout", sa.Double(), nullable=False),
        sa.Column("retry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "state in ('due','leased','done','failed','cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instances.id"], name=op.f("fk_jobs_instance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("instance_id", "wait", name=op.f("uq_jobs_instance_id_wait")),
    )
    op.create_index(
        "idx_jobs_due",
        "jobs",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'due' and not paused"),
    )
    op.create_index(
        "idx_jobs_leased",
        "jobs",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("definition_id", sa.BigInteger(), nullable=False),
        sa.Column("wait", sa.BigInteger(), nullable=False),
        sa.Column("seat", sa.Integer(), server_default="0", nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("candidates", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("form", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcomes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="50", nullable=False),
        sa.Column("round", sa.Integer(), server_default="1", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_by", sa.Text(), nullable=True),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('open','claimed','completed','cancelled')", name=op.f("ck_tasks_state")
        ),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["process_definitions.id"], name=op.f("fk_tasks_definition_id")
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["process_instances.id"], name=op.f("fk_tasks_instance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint(
            "instance_id", "wait", "seat", name=op.f("uq_tasks_instance_id_wait_seat")
        ),
    )
    op.create_index(
        "idx_tasks_assignee",
        "tasks",
        ["assignee", "id"],
        unique=False,
        postgresql_where=sa.text("state in ('open','claimed')"),
    )
    op.create_index(
        "idx_tasks_candidates",
        "tasks",
        ["candidates"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "idx_tasks_completed_by", "tasks", ["completed_by", "completed_at", "id"], unique=False
    )
    op.create_index(
        "idx_tasks_due",
        "tasks",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('open','claimed') and due_at is not null"),
    )
    op.create_index(
        "idx_tasks_live",
        "tasks",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state in ('open','claimed')"),
    )
    op.create_table(
        "drafts",
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_drafts_task_id")),
        sa.PrimaryKeyConstraint("task_id", "username", name=op.f("pk_drafts")),
    )
    op.execute(HISTORY_HASH)
    op.execute(HISTORY_GUARD)
    op.execute(HISTORY_TRIGGER)


def downgrade() -> None:
    op.execute("drop trigger history_append_only on history_events")
    op.execute("drop function history_refuse")
    op.execute("drop function history_hash")
    for table in (
        "drafts",
        "tasks",
        "jobs",
        "incidents",
        "history_events",
        "process_instances",
        "process_definitions",
    ):
        op.drop_table(table)
