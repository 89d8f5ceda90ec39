"""The tables. Comments give units and what a column may hold; migrations follow this file."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db import (
    schema_absence,
    schema_files,
    schema_identity,
    schema_notices,
    schema_rounds,
    schema_views,
    schema_visits,
)
from app.db.schema_parts import id_, metadata, moment, ref

__all__ = [
    "metadata",
    "schema_absence",
    "schema_files",
    "schema_identity",
    "schema_notices",
    "schema_rounds",
    "schema_views",
    "schema_visits",
]

# --- definitions ----------------------------------------------------------------------

process_definitions = sa.Table(
    "process_definitions",
    metadata,
    id_(),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("version_order", ARRAY(sa.Text), nullable=False),  # sorts 1.10.0 after 1.9.0
    sa.Column("name", sa.Text, nullable=False),  # first language given
    sa.Column("names", JSONB, nullable=False),  # the label as written: text or {lang: text}
    sa.Column("description", sa.Text),
    sa.Column("status", sa.Text, nullable=False),  # draft | active | retired
    sa.Column("source", sa.Text, nullable=False),  # the document as uploaded, order kept
    sa.Column("checksum", sa.Text, nullable=False),  # sha256 of the canonical document
    sa.Column(
        "starters", ARRAY(sa.Text), nullable=False, server_default="{}"
    ),  # u: g: r: keys; {}: everyone
    sa.Column(
        "viewers", ARRAY(sa.Text), nullable=False, server_default="{}"
    ),  # keys of who reads its instances besides those who take part in them
    # step → [{name, label, type, options, sensitive}] of what rows of its tasks show
    sa.Column("summaries", JSONB, nullable=False, server_default="{}"),
    sa.Column("start_message", sa.Text),  # a message of this name starts one
    sa.Column("start_cron", sa.Text),  # and so does this clock, next at
    moment("next_start_at", nullable=True),
    sa.Column("created_by", sa.Text, nullable=False),
    moment("created_at"),
    moment("changed_at"),
    sa.UniqueConstraint("key", "version"),
    sa.CheckConstraint("status in ('draft','active','retired')", name="status"),
    sa.Index(
        "idx_process_definitions_start_message",
        "start_message",
        postgresql_where=sa.text("start_message is not null"),
    ),
    sa.Index(
        "idx_process_definitions_next_start_at",
        "next_start_at",
        postgresql_where=sa.text("next_start_at is not null"),
    ),
    sa.Index("idx_process_definitions_key_order", "key", "version_order"),
    sa.Index(
        "idx_process_definitions_viewers",
        "viewers",
        postgresql_using="gin",
        postgresql_where=sa.text("viewers <> '{}'"),
    ),
)

TASK_STATES = ("open", "claimed", "completed", "cancelled")
JOB_STATES = ("due", "leased", "done", "failed", "cancelled")

# --- instances ------------------------------------------------------------------------

process_instances = sa.Table(
    "process_instances",
    metadata,
    id_(),
    ref("definition_id", "process_definitions.id"),
    sa.Column("business_key", sa.Text),
    sa.Column("title", sa.Text, nullable=False),
    # running | suspended | completed | terminated | failed
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("state", sa.JSON, nullable=False),  # core.state without the variables
    sa.Column("variables", JSONB, nullable=False),
    sa.Column("incident_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("started_by", sa.Text, nullable=False),
    moment("started_at"),
    moment("ended_at", nullable=True),
    # Since when its clocks stand; null: they go (runtime.clocks).
    moment("suspended_at", nullable=True),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("process_instances.id")),
    sa.Column("parent_wait", sa.BigInteger),  # who of the parent is told of its end
    sa.Column("root_id", sa.BigInteger, sa.ForeignKey("process_instances.id")),
    # Head of the history chain: the last event's number and hash.
    sa.Column("history_seq", sa.Integer, nullable=False),
    sa.Column("history_hash", sa.LargeBinary, nullable=False),
    sa.Index("idx_process_instances_status", "status", "id"),
    sa.Index("idx_process_instances_started_by", "started_by", "id"),
    sa.Index("idx_process_instances_definition", "definition_id", "status", "id"),
    sa.Index(
        "idx_process_instances_business_key",
        "business_key",
        postgresql_where=sa.text("business_key is not null"),
    ),
    sa.Index(
        "idx_process_instances_parent",
        "parent_id",
        "parent_wait",
        postgresql_where=sa.text("parent_id is not null"),
    ),
    sa.Index(
        "idx_process_instances_incidents", "id", postgresql_where=sa.text("incident_count > 0")
    ),
    # Made in the order of their start: a BRIN index is tiny and nearly free.
    sa.Index(
        "idx_process_instances_started_at",
        "started_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    ),
    postgresql_with={"fillfactor": 80},
)

tasks = sa.Table(
    "tasks",
    metadata,
    id_(),
    sa.Column("instance_id", sa.BigInteger, nullable=False),  # no foreign keys: see decision 15
    sa.Column("definition_id", sa.BigInteger, nullable=False),
    sa.Column("wait", sa.BigInteger, nullable=False),  # core wait id
    sa.Column("seat", sa.Integer, nullable=False, server_default="0"),  # 0: the only one
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("name", JSONB, nullable=False),  # the step's label
    sa.Column("state", sa.Text, nullable=False, info={"words": TASK_STATES}),
    sa.Column("assignee", sa.Text),  # username
    sa.Column("candidates", ARRAY(sa.Text), nullable=False, server_default="{}"),  # u: g: r:
    sa.Column("form", sa.JSON, nullable=False),  # expanded fields (core.form)
    sa.Column("outcomes", sa.JSON, nullable=False),  # [{id, label, style, requires}]
    sa.Column("priority", sa.Integer, nullable=False, server_default="50"),  # 0-100
    sa.Column("round", sa.Integer, nullable=False, server_default="1"),
    moment("due_at", nullable=True),
    moment("created_at"),
    moment("claimed_at", nullable=True),
    moment("completed_at", nullable=True),  # also set when cancelled
    sa.Column("completed_by", sa.Text),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("values", JSONB),  # what the form gave
    sa.Column("comment", sa.Text),
    sa.Column("reason", sa.Text),  # why it was cancelled
    sa.Column("allow", ARRAY(sa.Text)),  # verbs (core.verbs); null: the usual ones
    sa.Column("reminders", sa.Integer, nullable=False, server_default="0"),
    moment("reminded_at", nullable=True),
    sa.Column("barred", ARRAY(sa.Text)),  # usernames of who may not decide it
    sa.Column("rule", sa.Text),  # what decided it instead of people
    # When it is to be looked at for reminders and being overdue; far away while clocks stand.
    moment("remind_at", nullable=True),
    sa.Column("decided_by", sa.Text),  # who ended the visit while this seat was open
    sa.Column("added_by", sa.Text),  # who added the seat, or asked; null: the step named them
    # Side tasks (task.side) have a role: delegate, consult, before or after; seats have none.
    sa.Column("role", sa.Text),
    sa.Column("serves", sa.BigInteger),  # whose task it was asked for
    sa.Column("asked", sa.Text),  # what is wanted to be known
    sa.Column("sides", sa.Integer, nullable=False, server_default="0"),  # how many it ever had
    sa.Column("waits_for", sa.Text),  # role of the side tasks that come first
    sa.Column("pending", sa.JSON),  # the decision to be applied when they have signed
    sa.UniqueConstraint("instance_id", "wait", "seat"),
    sa.Index(
        "idx_tasks_assignee",
        "assignee",
        "id",
        postgresql_where=sa.text("state in ('open','claimed')"),
    ),
    sa.Index(
        "idx_tasks_candidates",
        "candidates",
        postgresql_using="gin",
        postgresql_where=sa.text("state = 'open'"),
    ),
    sa.Index("idx_tasks_completed_by", "completed_by", "completed_at", "id"),
    sa.Index(
        "idx_tasks_due",
        "due_at",
        "id",
        postgresql_where=sa.text("state in ('open','claimed')"),
    ),
    # The usual priority is not in it, so that ordinary tasks cost nothing.
    sa.Index(
        "idx_tasks_unusual_priority",
        "priority",
        "id",
        postgresql_where=sa.text("state in ('open','claimed') and priority <> 50"),
    ),
    sa.Index(
        "idx_tasks_remind_at",
        "remind_at",
        "id",
        postgresql_where=sa.text("remind_at is not null and state in ('open','claimed')"),
    ),
    sa.Index("idx_tasks_live", "id", postgresql_where=sa.text("state in ('open','claimed')")),
    sa.Index(
        "idx_tasks_cancelled", "assignee", "id", postgresql_where=sa.text("state = 'cancelled'")
    ),
    sa.Index(
        "idx_tasks_decided_by",
        "assignee",
        "completed_at",
        "id",
        postgresql_where=sa.text("decided_by is not null"),
    ),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("task_id", sa.BigInteger, sa.ForeignKey("tasks.id"), primary_key=True),
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("values", JSONB, nullable=False),  # raw text as typed
    moment("saved_at"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    id_(),
    ref("instance_id", "process_instances.id"),
    sa.Column("wait", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("topic", sa.Text),  # workers elsewhere fetch it under this; null: ours do it
    sa.Column("input", JSONB, nullable=False),
    sa.Column("timeout", sa.Double, nullable=False),  # seconds an attempt may take
    sa.Column("retry", JSONB, nullable=False),  # expanded policy (core.retry)
    # Suspended instances keep theirs unfetched.
    sa.Column("state", sa.Text, nullable=False, info={"words": JOB_STATES}),
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),  # leases given
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # count to max_attempts
    sa.Column("lost", sa.Integer, nullable=False, server_default="0"),  # workers that died
    moment("due_at"),
    moment("leased_until", nullable=True),
    sa.Column("leased_by", sa.Text),
    moment("created_at"),
    moment("ended_at", nullable=True),
    sa.Column("result", JSONB),  # kept while suspended, and for late results
    sa.Column("error", JSONB),  # {code, message, at} of the last failure
    sa.UniqueConstraint("instance_id", "wait"),
    sa.Index(
        "idx_jobs_due",
        "due_at",
        "id",
        postgresql_where=sa.text("state = 'due' and not paused and topic is null"),
    ),
    sa.Index(
        "idx_jobs_topic",
        "topic",
        "due_at",
        "id",
        postgresql_where=sa.text("state = 'due' and not paused and topic is not null"),
    ),
    sa.Index("idx_jobs_leased", "leased_until", postgresql_where=sa.text("state = 'leased'")),
)

incidents = sa.Table(
    "incidents",
    metadata,
    id_(),
    ref("instance_id", "process_instances.id"),
    sa.Column("wait", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("detail", JSONB, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    moment("at"),
    moment("resolved_at", nullable=True),
    sa.Column("resolved_by", sa.Text),
    sa.Column("resolution", sa.Text),  # retried | withdrawn | …
    sa.UniqueConstraint("instance_id", "wait"),
    sa.Index("idx_incidents_open", "id", postgresql_where=sa.text("resolved_at is null")),
)

history_events = sa.Table(
    "history_events",
    metadata,
    sa.Column("instance_id", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),  # 1, 2, 3 … within the instance
    moment("at"),
    sa.Column("actor", sa.Text, nullable=False),  # username | system
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),  # of the packed row: what set it off
    # {"events": [replayable core events], "lines": [[kind, step|null, data], …]}
    sa.Column("data", sa.JSON, nullable=False),  # kept to the letter: the hash covers it
    sa.Column("prev_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("instance_id", "seq"),
    # Comments are read for every page of a task, however long the history is.
    sa.Index(
        "idx_history_events_comments",
        "instance_id",
        postgresql_where=sa.text("kind in ('task.commented','task.comment_edited')"),
    ),
    # Who has transferred a task goes on reading it, and finds it in Done.
    sa.Index(
        "idx_history_events_transferred",
        "actor",
        "at",
        postgresql_where=sa.text("kind = 'task.transferred'"),
    ),
)

# --- timers and messages --------------------------------------------------------------

timers = sa.Table(
    "timers",
    metadata,
    ref("instance_id", "process_instances.id"),
    sa.Column("wait", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    moment("due_at"),
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("instance_id", "wait"),
    sa.Index("idx_timers_due", "due_at", postgresql_where=sa.text("not paused")),
)
"""Those that run; one that fired or was cancelled is gone, the history tells of it."""

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    ref("instance_id", "process_instances.id"),
    sa.Column("wait", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    moment("created_at"),
    sa.PrimaryKeyConstraint("instance_id", "wait"),
    sa.Index("idx_subscriptions_name_key", "name", "key"),
)
"""Messages that are awaited now."""

messages = sa.Table(
    "messages",
    metadata,
    id_(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # kept | delivered | expired
    sa.Column("sent_by", sa.Text, nullable=False),
    sa.Column("sender_id", sa.BigInteger),  # the instance it came from
    sa.Column("receiver_id", sa.BigInteger),
    moment("created_at"),
    moment("expires_at"),
    moment("delivered_at", nullable=True),
    sa.CheckConstraint("state in ('kept','delivered','expired')", name="state"),
    sa.Index("idx_messages_kept", "name", "key", "id", postgresql_where=sa.text("state = 'kept'")),
    sa.Index("idx_messages_expires_at", "expires_at"),
)

# --- requests -------------------------------------------------------------------------

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    ref("user_id", "users.id"),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    moment("created_at"),
    sa.PrimaryKeyConstraint("user_id", "method", "path", "key"),
    sa.Index("idx_idempotency_keys_created_at", "created_at"),
)
