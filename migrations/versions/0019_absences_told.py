"""Notifications of absences say from when until when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("about", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.execute("delete from notifications where event = 'absence'")
    op.execute("delete from notification_choices where event in ('absence', 'substitute')")
    op.drop_column("notifications", "about")
