"""PostgreSQL and Redis: those of the settings, or this checkout's own."""

from __future__ import annotations

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


class Wanted:
    """Both servers, as the settings want them.

    Args:
        lock: file descriptor that own servers inherit.

    Raises:
        Refused: an own server cannot be started here.
    """

    def __init__(self, settings: Settings, lock: int) -> None:
        self._postgres = None if settings.database_url else own_postgres(settings, lock)
        self._redis = None if settings.redis_url else _own_redis(lock)
        self.database_url = self._postgres.url() if self._postgres else settings.database_url
        self.redis_url = self._redis.url if self._redis else settings.redis_url

    def start(self, supervisor: Supervisor) -> None:
        """Start what is our own; it may not answer yet.

        Raises:
            Refused: a server cannot be used.
        """
        if self._redis is None:
            _check_redis(self.redis_url)
        if self._postgres is None:
            check_postgres(self.database_url)
        else:
            start_postgres(self._postgres, supervisor)
        if self._redis is not None:
            supervisor.start(self._redis.child, stage=_REDIS_STAGE, seconds=2)

    def wait(self) -> None:
        """Return when both answer.

        Raises:
            Refused: one of them ended instead.
        """
        if self._postgres is not None:
            wait_postgres(self._postgres)
        if self._redis is not None:
            self._redis.wait()
            say(f"Redis is up; its data is in {places.shown(redis_server.DATA)}.")


def own_postgres(settings: Settings, lock: int) -> postgres.Postgres:
    """Return this checkout's PostgreSQL, not started."""
    program = binaries.postgres() / "postgres"
    connections = (
        settings.web_workers * settings.database.max_open_conns
        + settings.worker_concurrency
        + _SPARE_CONNECTIONS
    )
    return postgres.Postgres(
        account("PostgreSQL", postgres.DATA, program, "DATABASE_URL"),
        connections=connections,
        lock=lock,
    )


def start_postgres(server: postgres.Postgres, supervisor: Supervisor) -> None:
    """Start it, on new data if there is none; it may not answer yet."""
    places.make(places.LOGS)
    server.prepare()
    supervisor.start(server.child, stage=_POSTGRES_STAGE, seconds=4)


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


def _own_redis(lock: int) -> redis_server.Redis:
    program = binaries.redis()
    user = account("Redis", redis_server.DATA, program, "REDIS_URL")
    return redis_server.Redis(user, program, lock=lock)


def _check_redis(url: str) -> None:
    from app.adapters.redis_reach import problem

    found = problem(url)
    if found is not None:
        raise Refused(
            f"REDIS_URL leads to no Redis that can be used: {found}; correct it, or unset it to"
            " use an own one in var/."
        )
    say("Redis of REDIS_URL answers.")
