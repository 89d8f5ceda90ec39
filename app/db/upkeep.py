"""A database as a whole: whether it can be used, and bringing it to this code's shape.

For the command line, which speaks to people: every failure becomes one reason in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import sqlalchemy as sa
from alembic.util import CommandError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from app.db import migrate
from app.db.engine import create_engine

OLDEST: Final = 13
"""Major version of PostgreSQL from which on everything works."""
_SECONDS: Final = 5
_SCHEMES: Final = re.compile(r"^postgres(?:ql)?(?:\+psycopg)?://")


class DatabaseUnusable(Exception):
    """The text is the reason, without a full stop; it never holds a password."""


def server_version(url: str) -> int:
    """Return the major version of the PostgreSQL behind ``url``.

    Raises:
        DatabaseUnusable: it cannot be reached, or it is too old.
    """
    with psycopg_connection(url) as conn:
        major = conn.info.server_version // 10_000
    if major < OLDEST:
        raise DatabaseUnusable(f"it is PostgreSQL {major}, and {OLDEST} or newer is needed")
    return major


def ensure_database(url: str, name: str) -> None:
    """Create a database if it is not there.

    Args:
        url: of another database on the same server.
    """
    with psycopg_connection(url) as conn:
        if conn.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def bring_up(url: str) -> tuple[str | None, str | None]:
    """Migrate to this code's shape; return the revision before and after.

    Raises:
        DatabaseUnusable: with the reason.
    """
    with _engine(url) as engine:
        before, head = migrate.revisions(engine)
        if before != head:
            migrate.upgrade(engine)
        return before, head


def take_down(url: str, revision: str) -> tuple[str | None, str | None]:
    """Undo migrations down to ``revision``; return the revision before and after.

    Raises:
        DatabaseUnusable: with the reason.
    """
    with _engine(url) as engine:
        before, _ = migrate.revisions(engine)
        migrate.downgrade(engine, revision)
        return before, migrate.revisions(engine)[0]


def revisions(url: str) -> tuple[str | None, str | None]:
    """Return (the database's revision, this code's).

    Raises:
        DatabaseUnusable: with the reason.
    """
    with _engine(url) as engine:
        return migrate.revisions(engine)


@contextmanager
def psycopg_connection(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Open a connection in which each statement commits by itself."""
    if not _SCHEMES.match(url):
        raise DatabaseUnusable("its address must look like postgresql://user@host:5432/name")
    plain = _SCHEMES.sub("postgresql://", url)
    try:
        conninfo_to_dict(plain)
    except psycopg.ProgrammingError:  # its text may quote a password
        raise DatabaseUnusable(
            "its address cannot be read; characters such as @ : / % are written as %40 %3A %2F %25"
        ) from None
    try:
        with psycopg.connect(plain, connect_timeout=_SECONDS, autocommit=True) as conn:
            yield conn
    except psycopg.Error as error:
        raise DatabaseUnusable(_reason(error)) from None


@contextmanager
def _engine(url: str) -> Iterator[sa.Engine]:
    engine = create_engine(url, pool_size=2, name="workflow-engine migrate")
    try:
        yield engine
    except sa.exc.DBAPIError as error:
        raise DatabaseUnusable(_reason(error.orig or error)) from error
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise DatabaseUnusable(_reason(error)) from error
        raise DatabaseUnusable(
            "it was migrated by another version of this program, whose revision is unknown here"
        ) from error
    finally:
        engine.dispose()


def _reason(error: BaseException) -> str:
    """Return what libpq or PostgreSQL says, in one line."""
    lines = [line.strip("\t -") for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith(":")] or [type(error).__name__]
    return told[0].removeprefix("connection failed: ").rstrip(".")
