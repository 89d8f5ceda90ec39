"""The SQL of definitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.db.tx import Tx
from app.definition.row import DefinitionRow, row_of

BY_ID: Final = "select * from process_definitions where id = %(id)s"
LOCK: Final = "select * from process_definitions where id = %(id)s for update"
BY_VERSION: Final = (
    "select * from process_definitions where key = %(key)s and version = %(version)s"
)
INSERT: Final = """
insert into process_definitions (key, version, version_order, name, names, description, status,
                                 source, checksum, starters, viewers, summaries,
                                 start_message, start_cron, created_by, created_at, changed_at)
values (%(key)s, %(version)s, %(version_order)s, %(name)s, %(names)s, %(description)s, %(status)s,
        %(source)s, %(checksum)s, %(starters)s, %(viewers)s, %(summaries)s,
        %(start_message)s, %(start_cron)s, %(by)s, %(now)s, %(now)s)
on conflict (key, version) do nothing returning *
"""
REPLACE: Final = """
update process_definitions
   set key = %(key)s, version = %(version)s, version_order = %(version_order)s, name = %(name)s,
       names = %(names)s, description = %(description)s, source = %(source)s,
       checksum = %(checksum)s, starters = %(starters)s, viewers = %(viewers)s,
       summaries = %(summaries)s,
       start_message = %(start_message)s, start_cron = %(start_cron)s, changed_at = %(now)s
 where id = %(id)s
   and not exists (select 1 from process_definitions o
                    where o.key = %(key)s and o.version = %(version)s and o.id <> %(id)s)
returning *
"""
SET_STATUS: Final = """
update process_definitions
   set status = %(status)s, next_start_at = null, changed_at = %(now)s
 where id = %(id)s returning *
"""
DELETE_UNUSED: Final = """
delete from process_definitions d
 where d.id = %(id)s
   and not exists (select 1 from process_instances i where i.definition_id = d.id)
"""


ACTIVE_KEYS: Final = "select distinct key from process_definitions where status = 'active'"


def by_id(tx: Tx, definition_id: int) -> DefinitionRow | None:
    """Return a definition whatever its status; None if there is none."""
    return _one(tx, BY_ID, {"id": definition_id})


def lock(tx: Tx, definition_id: int) -> DefinitionRow | None:
    """Same, and keep others from changing it, or starting it, until the transaction ends."""
    return _one(tx, LOCK, {"id": definition_id})


def by_version(tx: Tx, key: str, version: str) -> DefinitionRow | None:
    """Return one (key, version)."""
    return _one(tx, BY_VERSION, {"key": key, "version": version})


def versions_of(tx: Tx, key: str) -> set[str]:
    """Return every version of ``key`` that is taken."""
    rows = tx.run("select version from process_definitions where key = %(key)s", {"key": key})
    return {row["version"] for row in rows.fetchall()}


def active_keys(tx: Tx) -> frozenset[str]:
    """Return the keys that can be started now."""
    return frozenset(row["key"] for row in tx.run(ACTIVE_KEYS).fetchall())


def insert(tx: Tx, values: dict[str, Any]) -> DefinitionRow | None:
    """Store a new one; None if its (key, version) is taken."""
    return _one(tx, INSERT, values)


def replace(tx: Tx, values: dict[str, Any]) -> DefinitionRow | None:
    """Give a (locked) draft another content; None if its new (key, version) is taken."""
    return _one(tx, REPLACE, values)


def set_status(tx: Tx, definition_id: int, status: str, *, now: datetime) -> DefinitionRow:
    """Change the status of a (locked) definition."""
    row = _one(tx, SET_STATUS, {"id": definition_id, "status": status, "now": now})
    if row is None:
        raise LookupError(definition_id)
    return row


def delete_unused(tx: Tx, definition_id: int) -> bool:
    """Delete a (locked) definition that no instance uses; say whether it went."""
    return tx.run(DELETE_UNUSED, {"id": definition_id}).rowcount == 1


def _one(tx: Tx, sql: str, params: dict[str, Any]) -> DefinitionRow | None:
    row = tx.run(sql, params).fetchone()
    return row_of(row) if row else None
