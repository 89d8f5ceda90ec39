"""Files that people put into forms."""

from __future__ import annotations

import sqlalchemy as sa

from app.db.schema_parts import id_, metadata, moment

files = sa.Table(
    "files",
    metadata,
    id_(),
    # Where it was uploaded: to a task, or to the start form of a definition.
    sa.Column("task_id", sa.BigInteger),
    sa.Column("definition_id", sa.BigInteger, nullable=False),
    sa.Column("instance_id", sa.BigInteger),  # null: of a start form that was not sent
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),  # by its content
    sa.Column("size", sa.Integer, nullable=False),  # bytes
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("uploaded_by", sa.Text, nullable=False),
    moment("uploaded_at"),
    moment("submitted_at", nullable=True),  # with a form that was accepted; null: an orphan yet
    sa.Index("idx_files_orphans", "uploaded_at", postgresql_where=sa.text("submitted_at is null")),
    sa.Index(
        "idx_files_unsubmitted",
        "uploaded_by",
        postgresql_where=sa.text("submitted_at is null"),
    ),
)
