"""PostgreSQL and Redis: those of the settings, or this checkout's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.cli import binaries, places, postgres, redis_server
from app.cli.say import Refused, say
from app.cli.supervise import Supervisor
from app.cli.unprivileged import account
from app.config import Settings

# Stages: what has the higher number is stopped first.
_POSTGRES_STAGE: Final = 0
_REDIS_STAGE: Final = 1
_SPARE_CONNECTIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Servers:
    """Where both are."""

    database_url: str
    redis_url: str


def start(settings: Settings, supervisor: Supervisor, lock: int) -> Servers:
    """Start what the settings do not name, and make sure that both answer.

    Raises:
        Refused: one of them cannot be used.
    """
    database = None if settings.database_url else start_postgres(settings, supervisor, lock)
    redis = None if settings.redis_url else _start_redis(supervisor, lock)
    if redis is None:
        _check_redis(settings.redis_url)
    else:
        redis.wait()
        say(f"Redis is up; its data is in {places.shown(redis_server.DATA)}.")
    if database is None:
        check_postgres(settings.database_url)
    else:
        wait_postgres(database)
    return Servers(
        settings.database_url or (database.url() if database else ""),
        settings.redis_url or (redis.url if redis else ""),
    )


def start_postgres(settings: Settings, supervisor: Supervisor, lock: int) -> postgres.Postgres:
    """Start this checkout's PostgreSQL; it may not answer yet."""
    places.make(places.LOGS)
    program = binaries.postgres() / "postgres"
    connections = (
        settings.web_workers * settings.database.max_open_conns
        + settings.worker_concurrency
        + _SPARE_CONNECTIONS
    )
    server = postgres.Postgres(
        account("PostgreSQL", postgres.DATA, program, "DATABASE_URL"),
        connections=connections,
        lock=lock,
    )
    server.prepare()
    supervisor.start(server.child, stage=_POSTGRES_STAGE, seconds=4)
    return server


def wait_postgres(server: postgres.Postgres) -> None:
    """Wait until it answers, and leave its address for other commands of this checkout."""
    server.wait()
    places.DATABASE_URL.write_text(server.url(), encoding="utf-8")
    say(f"PostgreSQL is up; its data is in {places.shown(postgres.DATA)}.")


def check_postgres(url: str) -> None:
    """Make sure that the settings' PostgreSQL can be used.

    Raises:
        Refused: it cannot.
    """
    from app.db.upkeep import DatabaseUnusable, server_version

    try:
        major = server_version(url)
    except DatabaseUnusable as error:
        raise Refused(
            f"DATABASE_URL leads to no PostgreSQL that can be used: {error}; correct it, or unset"
            " it to use an own one in var/."
        ) from None
    say(f"PostgreSQL {major} of DATABASE_URL answers.")


def _start_redis(supervisor: Supervisor, lock: int) -> redis_server.Redis:
    places.make(places.LOGS)
    program = binaries.redis()
    server = redis_server.Redis(
        account("Redis", redis_server.DATA, program, "REDIS_URL"), program, lock=lock
    )
    supervisor.start(server.child, stage=_REDIS_STAGE, seconds=2)
    return server


def _check_redis(url: str) -> None:
    from app.adapters.redis_reach import problem

    found = problem(url)
    if found is not None:
        raise Refused(
            f"REDIS_URL leads to no Redis that can be used: {found}; correct it, or unset it to"
            " use an own one in var/."
        )
    say("Redis of REDIS_URL answers.")
