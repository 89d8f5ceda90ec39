"""One mail a day: what waits for it, and at which hour it comes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_CHOICE = "ck_notification_choices_choice"


def upgrade() -> None:
    op.add_column("notifications", sa.Column("digest", sa.Boolean()))
    op.add_column(
        "users",
        sa.Column("digest_hour", sa.SmallInteger(), server_default="8", nullable=False),
    )
    op.drop_constraint(op.f(_CHOICE), "notification_choices", type_="check")
    op.create_check_constraint(
        op.f(_CHOICE), "notification_choices", "choice in ('page','mail','digest','none')"
    )


def downgrade() -> None:
    op.execute("update notification_choices set choice = 'mail' where choice = 'digest'")
    op.drop_constraint(op.f(_CHOICE), "notification_choices", type_="check")
    op.create_check_constraint(
        op.f(_CHOICE), "notification_choices", "choice in ('page','mail','none')"
    )
    op.drop_column("users", "digest_hour")
    op.drop_column("notifications", "digest")
