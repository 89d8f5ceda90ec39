"""The PostgreSQL of this checkout: its data in ``var/postgres``, reached by a unix socket."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.cli import binaries, places
from app.cli.process import Child
from app.cli.say import Refused, say
from app.cli.unprivileged import Account

DATA: Final = places.VAR / "postgres"
LOG: Final = places.LOGS / "postgres.log"
DATABASE: Final = "workflow"
_USER: Final = "workflow"
_NEW: Final = places.VAR / "postgres.new"
_SECONDS: Final = 120.0
"""Given to recover after a crash."""
_ENV: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
# Not the system's locales: they differ from machine to machine, and their order of texts
# changes with an update of the system under an index that was built before.
_CLUSTER: Final = (
    f"--username={_USER}",
    "--auth=trust",  # who may open the socket is decided by its directory
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)


class Postgres:
    """Makes the data on first use, and the process.

    Args:
        connections: at most, at the same time.
        lock: file descriptor that is inherited.
    """

    def __init__(self, account: Account, *, connections: int, lock: int) -> None:
        self._account = account
        self._lock = lock
        self._programs = binaries.postgres()
        self._sockets = places.socket_folder("postgres", account.uid, account.gid)
        self.child = Child(
            "PostgreSQL",
            [*account.prefix, self._programs / "postgres", "-D", DATA, *self._options(connections)],
            log=LOG,
            env=_ENV,
            farewell=signal.SIGINT,  # disconnect everybody, write, end
            keep=[lock],
            before=_drop_stale_pid,
        )

    def url(self, database: str = DATABASE) -> str:
        """Return the address of a database."""
        return f"postgresql://{_USER}@/{database}?host={quote(str(self._sockets), safe='/')}"

    def prepare(self) -> None:
        """Make the data if there is none.

        Raises:
            Refused: what is in the directory is no data of this PostgreSQL.
        """
        if DATA.exists() and any(DATA.iterdir()):
            self._account.own(DATA)
            self._check_version()
            return
        say(f"Making a new database in {places.shown(DATA)} …")
        shutil.rmtree(_NEW, ignore_errors=True)  # an interrupted first start
        self._account.own(places.make(_NEW, 0o700))
        initdb = Child(
            "initdb",
            [*self._account.prefix, self._programs / "initdb", *_CLUSTER, "-D", _NEW],
            log=LOG,
            env=_ENV,
            farewell=signal.SIGINT,
            keep=[self._lock],
        )
        try:
            initdb.start()
            while (status := initdb.ended()) is None:
                time.sleep(0.02)
        finally:
            initdb.kill()
        if status != 0:
            shutil.rmtree(_NEW, ignore_errors=True)
            raise Refused(
                f"PostgreSQL could not make its data in {places.shown(DATA)}"
                f" ({initdb.last_words()}); check the free space and the rights of var/, or set"
                " DATABASE_URL."
            )
        if DATA.exists():
            DATA.rmdir()
        _NEW.rename(DATA)

    def wait(self) -> None:
        """Return when it answers.

        Raises:
            Refused: it ended instead.
        """
        from app.db.upkeep import DatabaseUnusable, ensure_database, server_version

        began = time.monotonic()
        told = False
        while True:
            with suppress(DatabaseUnusable):
                server_version(self.url("postgres"))
                break
            if self.child.ended() is not None:
                raise Refused(
                    f"PostgreSQL cannot use the data in {places.shown(DATA)}"
                    f" ({self.child.last_words()}); move it away to begin with new data:"
                    f" mv {DATA} {DATA}.broken, or set DATABASE_URL."
                )
            waited = time.monotonic() - began
            if waited > _SECONDS:
                raise Refused(
                    f"PostgreSQL does not answer after {_SECONDS:.0f} s; see {places.shown(LOG)}."
                )
            if waited > 3 and not told:
                say("PostgreSQL is recovering from its last end …")
                told = True
            time.sleep(0.02)
        ensure_database(self.url("postgres"), DATABASE)

    def _options(self, connections: int) -> list[str]:
        folder = str(self._sockets).replace('"', '""')
        options = (
            "listen_addresses=",
            f'unix_socket_directories="{folder}"',
            "unix_socket_permissions=0700",
            f"max_connections={connections}",
            "shared_buffers=128MB",
            "log_line_prefix=%m [%p] ",
            "timezone=UTC",
        )
        return [f"-c{option}" for option in options]

    def _check_version(self) -> None:
        path = DATA / "PG_VERSION"
        try:
            found = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
        ours = _major(self._programs / "postgres")
        if found == ours:
            return
        what = f"holds data of PostgreSQL {found}" if found else "holds no data of PostgreSQL"
        raise Refused(
            f"{places.shown(DATA)} {what}, and this is PostgreSQL {ours}; move it away to begin"
            f" with new data: mv {DATA} {DATA}.old, or set DATABASE_URL."
        )


def _major(program: Path) -> str:
    told = subprocess.run(  # noqa: S603 - the launcher's own command
        [program, "--version"], capture_output=True, text=True, check=True
    )
    return told.stdout.split()[-1].partition(".")[0]


def _drop_stale_pid() -> None:
    """Remove the mark of a server that was killed.

    PostgreSQL does so itself unless a process of the same user has the number by now. This
    process holds the checkout's lock, which every PostgreSQL that it started inherits; one
    that somebody started by hand is recognised by its working directory.
    """
    path = DATA / "postmaster.pid"
    try:
        pid = int(path.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return
    process = Path("/proc", str(pid))
    if not process.exists():
        return
    try:
        foreign = (process / "cwd").readlink() != DATA
    except OSError:
        foreign = (process / "comm").read_text(encoding="utf-8").strip() != "postgres"
    if foreign:
        path.unlink()
