"""Where the launcher keeps what it needs: all of it below ``var/``."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from app.cli.say import Refused
from app.config import ROOT

VAR: Final = ROOT / "var"
RUN: Final = VAR / "run"
LOGS: Final = VAR / "log"
DATABASE_URL: Final = RUN / "database_url"
METRICS: Final = RUN / "metrics"
# sun_path holds 107 bytes; PostgreSQL and Redis add the file's name to the directory's.
_LONGEST: Final = 107 - len("/.s.PGSQL.5432.lock")


def shown(path: Path) -> str:
    """Return a path as a person in the checkout writes it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def make(path: Path, mode: int = 0o755) -> Path:
    """Make a directory of the launcher's own.

    Raises:
        Refused: this user may not write here.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"{path} cannot be made ({error.strerror}); let {user(os.geteuid())} write to {ROOT},"
            " or start from a clone that you may write to."
        ) from None
    return path


def user(uid: int) -> str:
    """Return the name of a user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def emptied(path: Path) -> Path:
    """Return a directory with nothing in it."""
    shutil.rmtree(path, ignore_errors=True)
    return make(path)


def socket_folder(name: str, uid: int, gid: int) -> Path:
    """Make a directory for a unix socket, for one user only.

    It is below ``var/run``, or, if that path is too long for a socket, in the system's
    directory for temporary files, under a name that is this checkout's.

    Args:
        uid: whose it is.
    """
    path = RUN / name
    if len(os.fsencode(path)) > _LONGEST:
        mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        path = Path(tempfile.gettempdir(), f"workflow-engine-{mark}")
    make(path, 0o700)
    found = path.lstat()
    foreign = found.st_uid not in {uid, os.geteuid()} and not path.is_relative_to(RUN)
    if foreign or not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{path} belongs to somebody else; remove it and start again.")
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(0o700)
    return path
