"""Rows that every move writes carry no check that its one statement cannot fail.

See decision 15: what is dropped was proved by PostgreSQL for every row, at a tenth of the
cost of writing it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REFERENCES = (
    ("tasks", "definition_id", "process_definitions"),
    ("tasks", "instance_id", "process_instances"),
    ("history_events", "instance_id", "process_instances"),
)
_STATES = (
    ("tasks", "state in ('open','claimed','completed','cancelled')"),
    ("jobs", "state in ('due','leased','done','failed','cancelled')"),
)


def upgrade() -> None:
    for table, column, _ in _REFERENCES:
        op.drop_constraint(op.f(f"fk_{table}_{column}"), table)
    for table, _ in _STATES:
        op.drop_constraint(op.f(f"ck_{table}_state"), table)
    op.drop_constraint(op.f("pk_history_events"), "history_events")
    op.drop_constraint(op.f("uq_history_events_instance_id_seq"), "history_events")
    op.drop_column("history_events", "id")
    op.create_primary_key(op.f("pk_history_events"), "history_events", ["instance_id", "seq"])


def downgrade() -> None:
    op.drop_constraint(op.f("pk_history_events"), "history_events")
    op.add_column(
        "history_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
    )
    op.create_primary_key(op.f("pk_history_events"), "history_events", ["id"])
    op.create_unique_constraint(
        op.f("uq_history_events_instance_id_seq"), "history_events", ["instance_id", "seq"]
    )
    for table, condition in _STATES:
        op.create_check_constraint(op.f(f"ck_{table}_state"), table, condition)
    for table, column, target in _REFERENCES:
        op.create_foreign_key(op.f(f"fk_{table}_{column}"), table, target, [column], ["id"])
