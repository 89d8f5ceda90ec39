"""The pool of connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.db.tx import Database
from app.db.types import dumps, loads, teach_driver


def sqlalchemy_url(url: str) -> str:
    """Return ``url`` (``postgres://`` or ``postgresql://``) for the psycopg 3 driver."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgres", "postgresql"}:
        return f"postgresql+psycopg://{rest}"
    return url


def create_engine(
    url: str,
    *,
    pool_size: int = 10,
    max_overflow: int = 10,
    max_age: float = 600,
    wait: float = 10,
) -> sa.Engine:
    """Make the pool; no connection is opened yet, so it may be made before a fork.

    Args:
        pool_size: connections kept.
        max_overflow: more of them for a short while.
        max_age: seconds after which a connection is replaced.
        wait: seconds a caller waits for a free one.
    """
    engine = sa.create_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_recycle=int(max_age),
        pool_timeout=wait,
        pool_pre_ping=False,  # a broken connection is noticed on use, and the whole pool replaced
        json_serializer=dumps,
        json_deserializer=loads,
        connect_args={
            "connect_timeout": 5,
            "application_name": "workflow-engine",
            "options": "-c timezone=UTC -c lock_timeout=10s"
            " -c idle_in_transaction_session_timeout=60s",
        },
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(driver: Any, _record: Any) -> None:
        teach_driver(driver)

    return engine


def create_database(
    url: str, *, pool_size: int = 10, max_overflow: int = 10, max_age: float = 600, wait: float = 10
) -> Database:
    """Make a :class:`Database`; see :func:`create_engine` for the arguments."""
    return Database(
        create_engine(
            url, pool_size=pool_size, max_overflow=max_overflow, max_age=max_age, wait=wait
        )
    )
