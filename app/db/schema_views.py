"""The table of what people keep of their inboxes: filters by a name."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema_parts import id_, metadata, moment, ref

saved_views = sa.Table(
    "saved_views",
    metadata,
    id_(),
    ref("owner_id", "users.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("query", JSONB, nullable=False),  # {q, order, process, …}: what says something
    sa.Column("shared", sa.Boolean, nullable=False),  # everybody sees it
    moment("created_at"),
    moment("changed_at"),
    sa.UniqueConstraint("owner_id", "name"),
    sa.Index("idx_saved_views_shared", "name", "id", postgresql_where=sa.text("shared")),
)
