"""``workflow-engine migrate``: against DATABASE_URL, or this checkout's own PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.cli import places, servers
from app.cli.interrupt import Interrupted, Interrupts
from app.cli.lock import Lock, launcher_runs
from app.cli.say import Refused, tell
from app.cli.supervise import Supervisor
from app.config import Settings


def up(settings: Settings) -> None:
    """Run all migrations that have not run."""
    from app.cli import contents

    with database(settings) as url:
        contents.migrate(url)


def down(settings: Settings, revision: str) -> None:
    """Undo migrations.

    Args:
        revision: the one to go back to; ``-1``: undo the last one.
    """
    from app.db.upkeep import DatabaseUnusable, take_down

    with database(settings) as url:
        try:
            before, after = take_down(url, revision)
        except DatabaseUnusable as error:
            raise Refused(f"The migration cannot be undone: {error}.") from error
    tell(f"{before or 'nothing'} -> {after or 'nothing'}")


def status(settings: Settings) -> bool:
    """Print where the database stands; return whether it is up to date."""
    from app.db.upkeep import DatabaseUnusable, revisions

    with database(settings) as url:
        try:
            found, head = revisions(url)
        except DatabaseUnusable as error:
            raise Refused(f"The database cannot be asked: {error}.") from error
    tell(f"database: {found or 'nothing'}\ncode:     {head}")
    return found == head


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Yield the address of the database, started for as long as needed if it is our own.

    Raises:
        Refused: it cannot be used.
    """
    if settings.database_url:
        servers.check_postgres(settings.database_url)
        yield settings.database_url
        return
    if launcher_runs() and places.DATABASE_URL.exists():
        yield places.DATABASE_URL.read_text(encoding="utf-8")
        return
    lock = Lock()
    with Interrupts() as interrupts:
        supervisor = Supervisor()
        try:
            lock.take()
            server = servers.own_postgres(settings, lock.inherited)
            servers.start_postgres(server, supervisor)
            servers.wait_postgres(server)
            yield server.url()
        except Interrupted:
            raise Refused("Interrupted; start it again to go on.") from None
        finally:
            interrupts.asked = True
            supervisor.stop()
            places.DATABASE_URL.unlink(missing_ok=True)
            lock.give_back()
