"""Bring the database to the shape of this code. Safe to call from many hosts at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

_FOLDER = Path(__file__).resolve().parents[2] / "migrations"
_IN_PROCESS = Lock()  # Alembic's state is global: two threads would mix their databases
_LOCK = 7_206_101  # advisory lock: one migrates, the others wait and find it done


def _config(conn: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations up to ``revision``."""
    _locked(engine, lambda config: command.upgrade(config, revision))


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Undo migrations down to ``revision`` (``-1``: the last one)."""
    _locked(engine, lambda config: command.downgrade(config, revision))


def revisions(engine: sa.Engine) -> tuple[str | None, str | None]:
    """Return (the database's revision, the code's)."""
    with engine.connect() as conn:
        now = MigrationContext.configure(conn).get_current_revision()
        head = ScriptDirectory.from_config(_config(conn)).get_current_head()
    return now, head


def _locked(engine: sa.Engine, call: Callable[[Config], None]) -> None:
    with engine.connect() as conn, engine.connect() as guard:
        # Whoever waits here waits for a migration, however long that takes.
        guard.execute(sa.text("set local lock_timeout = 0"))
        guard.execute(sa.text("set local statement_timeout = 0"))
        guard.execute(sa.text("set local idle_in_transaction_session_timeout = 0"))
        guard.execute(sa.text("select pg_advisory_lock(:id)"), {"id": _LOCK})
        try:
            with _IN_PROCESS:
                call(_config(conn))
            conn.rollback()
        finally:
            guard.execute(sa.text("select pg_advisory_unlock(:id)"), {"id": _LOCK})
            guard.rollback()
