"""Files that go from one instance to another: to a process that is called, back, or started anew.

A file stays where its form was sent. That an instance's variables name it proves nothing by
itself, since who starts one may name anything: it counts within a family only, whose members
get their values from each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from app.core.form_values import file_ids
from app.db.tx import Tx
from app.identity.actor import Actor

Row = dict[str, Any]

_MOST: Final = 1_000
"""How many relatives of an instance are looked at."""
# Called processes may call others, and some run by themselves: all have the one before as parent.
_ABOVE: Final = """
with recursive above(id, parent_id) as (
  select id, parent_id from process_instances where id = %(instance)s
  union
  select p.id, p.parent_id from above join process_instances p on p.id = above.parent_id
)"""
_FAMILY: Final = f"""{_ABOVE},
family(id) as (
  select id from above where parent_id is null
  union
  select i.id from family join process_instances i on i.parent_id = family.id
)"""  # noqa: S608 - constants only
_KNOWN: Final = f"""{_FAMILY}
select id, field, name, type, size, encode(sha256, 'hex') as sha256, true as sent from files
 where id = any(%(ids)s) and submitted_at is not null and field <> '@comment'
   and instance_id in (select id from family limit {_MOST})
"""  # noqa: S608 - constants only
_HOLDERS: Final = f"""{_FAMILY}
select i.id, i.variables, i.definition_id, d.checksum as definition_checksum
  from process_instances i join process_definitions d on d.id = i.definition_id
 where i.id in (select id from family limit {_MOST}) and i.id <> %(instance)s
   and jsonb_path_exists(i.variables, '$.*[*] ? (@.id == $file)', jsonb_build_object('file', %(file)s::bigint))
 order by i.id desc limit 50
"""  # noqa: S608, E501 - constants only
_COPY: Final = """
insert into files (definition_id, field, name, type, size, sha256, content, uploaded_by,
                   uploaded_at)
select %(definition)s, field, name, type, size, sha256, content, %(me)s, %(now)s
  from files where id = %(id)s and instance_id = %(instance)s and submitted_at is not null
returning id
"""


def named(form: Iterable[Mapping[str, Any]], variables: Mapping[str, Any]) -> frozenset[int]:
    """Return the files that stand in the variables of a form's fields already."""
    kept = (variables.get(each["name"]) for each in form if each["type"] == "file")
    return frozenset(id_ for value in kept if value for id_ in file_ids(value) or ())


def known(tx: Tx, ids: Collection[int], instance_id: int) -> dict[int, Row]:
    """Return what is known of those files that were sent in the family of an instance, by id."""
    rows = tx.run(_KNOWN, {"ids": sorted(ids), "instance": instance_id}).fetchall()
    return {row["id"]: row for row in rows}


def holders(tx: Tx, file: Mapping[str, Any]) -> list[Row]:
    """Return the relatives of a file's instance whose variables name it (50 at most).

    Each is ``{id, definition_id, definition_checksum, names}``.
    """
    rows = tx.run(_HOLDERS, {"instance": file["instance_id"], "file": file["id"]}).fetchall()
    return [row | {"names": _names(row["variables"], file["id"])} for row in rows]


def _names(variables: Mapping[str, Any], file_id: int) -> list[str]:
    return [
        name
        for name, value in variables.items()
        if isinstance(value, list) and file_id in (file_ids(value) or ())
    ]


def copied(
    tx: Tx,
    actor: Actor,
    values: Mapping[str, Any],
    instance_id: int,
    definition_id: int,
    *,
    now: datetime,
) -> tuple[dict[str, Any], list[int]]:
    """Copy the files that an instance was started with, for another start with these values.

    Args:
        definition_id: of what is to be started.

    Returns:
        The values with the copies in them, and the ids of these.
    """
    found: dict[str, Any] = dict(values)
    made: list[int] = []
    for name, value in values.items():
        ids = file_ids(value) if isinstance(value, list) and value else None
        copies = {}
        for id_ in ids or ():
            row = tx.run(
                _COPY,
                {
                    "id": id_,
                    "instance": instance_id,
                    "definition": definition_id,
                    "me": actor.username,
                    "now": now,
                },
            ).fetchone()
            if row is not None:
                copies[id_] = row["id"]
        if copies:
            found[name] = [{**one, "id": copies.get(one["id"], one["id"])} for one in value]
            made += copies.values()
    return found, made
