"""The table of steps that several people decide together."""

from __future__ import annotations

import sqlalchemy as sa

from app.db.schema_parts import metadata

visits = sa.Table(
    "visits",
    metadata,
    sa.Column("instance_id", sa.BigInteger, nullable=False),  # no foreign key, as of tasks
    sa.Column("wait", sa.BigInteger, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False),  # core.rules.Rules
    # Seats that are not open yet, in order: [{assignee, candidates, added_by}]
    sa.Column("queue", sa.JSON, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),  # seats that count, the queue's included
    sa.PrimaryKeyConstraint("instance_id", "wait"),
)
"""One row for each arrival at such a step; what one person does alone has none."""
