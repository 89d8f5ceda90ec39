"""The table of absences: who is away, and who decides for them meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema_parts import id_, metadata, moment

absences = sa.Table(
    "absences",
    metadata,
    id_(),
    sa.Column("username", sa.Text, nullable=False),  # who is away
    sa.Column("substitute", sa.Text, nullable=False),
    moment("starts_at"),
    moment("ends_at"),
    sa.Column("definitions", ARRAY(sa.Text)),  # keys; null: of every process
    # Whether tasks that were open when it began are the substitute's too.
    sa.Column("open_tasks", sa.Boolean, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    moment("created_at"),
    moment("ended_at", nullable=True),  # ended by hand, before its time
    sa.CheckConstraint("starts_at < ends_at", name="times"),
    sa.Index("idx_absences_username", "username", "id"),
    sa.Index("idx_absences_substitute", "substitute", "id"),
)
"""One that is over by the clock is only that: nothing is written then."""
