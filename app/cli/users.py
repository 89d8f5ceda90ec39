"""``workflow-engine users``: accounts from the command line, above all the first one."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Collection
from datetime import UTC, datetime

from app.cli.engine import opened
from app.cli.migrate import database
from app.cli.say import Refused, tell
from app.config import Settings
from app.errors import AppError
from app.identity import accounts
from app.identity.actor import OPERATOR
from app.identity.service import create_user, ensure_roles
from app.task import unassigned


def add(
    settings: Settings,
    username: str,
    *,
    name: str,
    email: str | None,
    roles: Collection[str],
    groups: Collection[str],
    from_stdin: bool,
) -> None:
    """Make an account; its password is asked for, or the first line of standard input.

    Raises:
        Refused: a value is wrong, the name is taken, or the database cannot be used.
    """
    password = _password(from_stdin=from_stdin)
    with database(settings) as url, opened(url) as engine:
        try:
            ensure_roles(engine.db)
            made = create_user(
                engine.db,
                OPERATOR,
                username=username,
                name=name,
                email=email,
                password=password,
                roles=roles,
                groups=groups,
                now=datetime.now(UTC),
            )
        except AppError as error:
            raise _refused(error) from error
    tell(f"Added {made.username} ({', '.join(sorted(made.roles)) or 'no role'}).")


def password(settings: Settings, username: str, *, from_stdin: bool) -> None:
    """Give an account another password; it is signed out everywhere.

    Raises:
        Refused: there is no such account, or the password is too weak.
    """
    new = _password(from_stdin=from_stdin)
    with database(settings) as url, opened(url) as engine:
        try:
            accounts.set_password(
                engine.db, OPERATOR, username=username, new=new, now=datetime.now(UTC)
            )
        except AppError as error:
            raise _refused(error) from error
    tell(f"{username} has another password and is signed out everywhere.")


def set_active(settings: Settings, username: str, *, active: bool) -> None:
    """Close an account or open it again, and say how many tasks its person still has.

    Raises:
        Refused: there is no such account, or the database cannot be used.
    """
    with database(settings) as url, opened(url) as engine:
        try:
            found = unassigned.set_active(
                engine, OPERATOR, username, active=active, now=datetime.now(UTC)
            )
        except AppError as error:
            raise _refused(error) from error
    state = "is active" if active else "is not active any more and is signed out everywhere"
    tell(f"{found['username']} {state}; live tasks: {found['tasks']}.")


def list_(settings: Settings) -> None:
    """Print who there is: username, whether they may sign in, name, roles, groups.

    Raises:
        Refused: the database cannot be used.
    """
    with database(settings) as url, opened(url) as engine:
        try:
            people = accounts.list_people(engine.db, OPERATOR)
        except AppError as error:
            raise _refused(error) from error
    rows = [("username", "active", "name", "roles", "groups")]
    rows += [
        (
            person["username"],
            "yes" if person["active"] else "no",
            person["name"],
            ", ".join(sorted(person["roles"])) or "–",
            ", ".join(sorted(person["groups"])) or "–",
        )
        for person in people
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        tell("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _password(*, from_stdin: bool) -> str:
    """Return a new password: without a terminal nobody can be asked.

    Raises:
        Refused: there is none, or it was typed in two ways.
    """
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise Refused("Standard input has no password in its first line.")
        return given
    if not sys.stdin.isatty():
        raise Refused("Nobody can be asked for the password here; use --password-stdin.")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Once more: "):
        raise Refused("The two passwords differ; nothing was changed.")
    return first


def _refused(error: AppError) -> Refused:
    parts = [f"{each.field}: {each.text()}" for each in error.errors]
    return Refused(" ".join(parts) if parts else str(error))
