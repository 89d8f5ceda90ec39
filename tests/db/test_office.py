"""The office that most tests work in: its copies are like the first one in every row."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from app.db.tx import Database
from app.identity import service as identity
from app.identity.actor import SYSTEM
from tests.support import stored
from tests.support.filled import Filled
from tests.support.office import NOW, set_up


class Undone(Exception):
    """Nothing of it is to stay."""


def left_by(db: Database, fill: Callable[[Database], object]) -> dict[str, list[str]]:
    """Return every row that ``fill`` leaves; ids count from the first one of their column."""
    found: dict[str, list[str]] = {}
    with suppress(Undone), db.transaction():
        fill(db)
        for name, rows in stored.everything(db).items():
            found[name] = sorted(str(counted(row, rows)) for row in rows)
        raise Undone
    return found


def counted(row: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    ids = [each for each in row if each == "id" or each.endswith("_id")]
    firsts = {each: min((r[each] for r in rows if r[each] is not None), default=0) for each in ids}
    return row | {each: row[each] - firsts[each] for each in ids if row[each] is not None}


def test_a_copied_office_is_what_the_use_cases_make(db: Database) -> None:
    copies: list[Filled] = []

    def fill(database: Database) -> None:
        set_up(database)
        copies.append(Filled.of(database))

    made = left_by(db, fill)
    assert left_by(db, copies[0].into) == made
    assert len(made["users"]) == 6


def test_what_is_added_to_a_copy_has_new_ids(db: Database) -> None:
    set_up(db)
    (last,) = stored.rows(db, "select max(id) as id from users")
    copy = Filled.of(db)
    with db.transaction() as tx:
        tx.run("delete from user_roles; delete from memberships; delete from users;")
        tx.run("delete from groups; delete from roles; delete from process_definitions")
        tx.run("alter sequence users_id_seq restart")
    copy.into(db)
    added = identity.create_user(db, SYSTEM, username="new", name="New", now=NOW)
    assert added.id > last["id"]
