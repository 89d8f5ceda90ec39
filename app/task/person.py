"""The people that a verb names: they must be there, active, and able to do something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.db.tx import Tx
from app.errors import FieldError, Invalid
from app.identity import names
from app.identity.store import actor_of, person_by_username
from app.task.access import is_barred

MOST: Final = 50
"""People that one verb can name."""


def worker(tx: Tx, username: str, *, field: str = "to") -> str:
    """Return the username of somebody who can be given a task.

    Args:
        username: as typed.
        field: what errors name.

    Raises:
        Invalid: nobody of that name, not active any more, or without ``task:work``.
    """
    row = someone(tx, username, field=field)
    if not row["active"]:
        raise invalid(_inactive(field, row["name"]))
    if not actor_of(row).can("task:work"):
        message = "%(name)s may not work on tasks. Choose someone else."
        raise invalid(FieldError(field, "cannot_work", message, {"name": row["name"]}))
    return str(row["username"])


def someone(tx: Tx, username: str, *, field: str) -> dict[str, Any]:
    """Return the row of a person, active or not.

    Raises:
        Invalid: nobody of that name.
    """
    wanted = names.normal(username)
    if not wanted:
        raise invalid(FieldError(field, "required", "Say who: give a username."))
    row = person_by_username(tx, wanted) if "\0" not in wanted else None
    if row is None:
        raise invalid(_unknown(field, username))
    return row


def active(tx: Tx, usernames: Sequence[str], *, field: str = "users") -> list[str]:
    """Return the usernames of people, each once, in the order in which they were named.

    Raises:
        Invalid: one error for each that is not there or not active; too many.
    """
    wanted = list(dict.fromkeys(names.normal(each) for each in usernames if each.strip()))
    if len(wanted) > MOST:
        message = "Name at most %(max)d people at once."
        raise invalid(FieldError(field, "too_long", message, {"max": MOST}))
    known = _known(tx, [each for each in wanted if "\0" not in each])
    errors = [
        _unknown(field, each) if each not in known else _inactive(field, known[each]["name"])
        for each in wanted
        if each not in known or not known[each]["active"]
    ]
    if errors:
        raise invalid(*errors)
    return wanted


def check_rules(task: Mapping[str, Any], usernames: Sequence[str], *, field: str) -> None:
    """Refuse people who may not decide a task by its approval rules.

    Raises:
        Invalid: one error for each.
    """
    errors = []
    for name in usernames:
        if is_barred(task, name):
            message = (
                "This person has had a part in it before, so somebody else has to decide here."
            )
            if name == task["started_by"]:
                message = "This person started the process, so somebody else has to decide here."
            errors.append(FieldError(field, "barred", message))
    if errors:
        raise invalid(*errors)


def invalid(*errors: FieldError) -> Invalid:
    """Return the refusal for people who cannot be named here."""
    return Invalid("invalid_people", "Choose other people.", errors=errors)


def _known(tx: Tx, usernames: list[str]) -> dict[str, dict[str, Any]]:
    if not usernames:
        return {}
    rows = tx.run(
        "select username, name, active from users where username = any(%(names)s)",
        {"names": usernames},
    ).fetchall()
    return {row["username"]: row for row in rows}


def _unknown(field: str, username: str) -> FieldError:
    message = "There is nobody with the username %(username)s."
    return FieldError(field, "unknown_name", message, {"username": username[:100]})


def _inactive(field: str, name: str) -> FieldError:
    message = "%(name)s is not active any more. Choose someone else."
    return FieldError(field, "inactive", message, {"name": name})
