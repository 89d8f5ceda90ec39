"""The table of returns: each closes a round, with the values as they were then."""

from __future__ import annotations

import sqlalchemy as sa

from app.db.schema_parts import metadata, moment

rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("instance_id", sa.BigInteger, nullable=False),  # no foreign key: see decision 15
    sa.Column("round", sa.Integer, nullable=False),  # the one that it closed, from 1
    sa.Column("step", sa.Text),  # that it was returned from; null: the initiator withdrew it
    sa.Column("target", sa.Text, nullable=False),  # the step that was opened again
    sa.Column("by", sa.Text, nullable=False),  # username
    sa.Column("reason", sa.Text),
    sa.Column("variables", sa.JSON, nullable=False),  # of the instance, as they were
    moment("at"),
    sa.PrimaryKeyConstraint("instance_id", "round"),
)
