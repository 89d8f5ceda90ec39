"""The tables of telling people: notifications, what each wants to be told, and copies."""

from __future__ import annotations

import sqlalchemy as sa

from app.db.schema_parts import id_, metadata, moment

notifications = sa.Table(
    "notifications",
    metadata,
    id_(),
    sa.Column("username", sa.Text, nullable=False),  # whom it tells
    sa.Column("event", sa.Text, nullable=False),  # task | transferred | mentioned | …
    sa.Column("instance_id", sa.BigInteger),  # null: about no task, but an absence
    sa.Column("task_id", sa.BigInteger),
    sa.Column("actor", sa.Text, nullable=False),  # who did it; system: the engine
    sa.Column("text", sa.Text),  # the beginning of what they said
    sa.Column("about", sa.JSON),  # of an absence: {change, user, substitute, from, until}
    moment("at"),
    moment("read_at", nullable=True),
    moment("mail_at", nullable=True),  # when it is to be mailed; null: not, or no more
    sa.Column("mail_tries", sa.Integer, nullable=False, server_default="0"),
    # With others in the mail of the day: true: ``mail_at`` is when; false: the duty has yet
    # to work that out; null: a mail of its own.
    sa.Column("digest", sa.Boolean),
    sa.Index("idx_notifications_username", "username", "id"),
    sa.Index("idx_notifications_unread", "username", postgresql_where=sa.text("read_at is null")),
    sa.Index(
        "idx_notifications_mail_at", "mail_at", postgresql_where=sa.text("mail_at is not null")
    ),
    # They come in the order of their times: a BRIN index is tiny and nearly free.
    sa.Index(
        "idx_notifications_at",
        "at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    ),
)
"""One row for each person and event."""

notification_choices = sa.Table(
    "notification_choices",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("choice", sa.Text, nullable=False),  # page | mail, digest (and the page) | none
    sa.CheckConstraint("choice in ('page','mail','digest','none')", name="choice"),
)
"""Without a row it is ``page``."""

copies = sa.Table(
    "copies",
    metadata,
    id_(),
    sa.Column("instance_id", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),  # may read the instance
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),  # who sent it; system: the step does
    sa.Column("comment", sa.Text),
    moment("at"),
    moment("read_at", nullable=True),
    sa.UniqueConstraint("instance_id", "step", "username"),
    sa.Index("idx_copies_username", "username", "id"),
)
"""Once for each person and step."""
