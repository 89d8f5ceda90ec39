"""Reading the history of an instance: one line for each thing that happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.core.definition import Definition
from app.core.parse import load
from app.db.tx import Database, Tx
from app.errors import NotFound, phrase_of
from app.history import record
from app.identity.actor import Actor
from app.identity.parts import TAKES_PART
from app.identity.policy import require
from app.identity.seats import ForSeats
from app.identity.sensitive import hidden_names, masked

_INSTANCE: Final = ForSeats(f"""
select i.definition_id, d.checksum
  from process_instances i join process_definitions d on d.id = i.definition_id
 where i.id = %(id)s and (%(all)s or {TAKES_PART})
""")  # noqa: S608 - constants only
_ROWS: Final = """
select seq, at, actor, on_behalf_of, data -> 'lines' as lines, hash
  from history_events where instance_id = %(id)s and seq > %(after)s
 order by seq limit %(size)s
"""
_VALUES: Final = ("variables", "values", "payload")
"""Members of a line's data that hold variables by name."""
_KEPT: Final = 64
"""Compiled definitions that are kept; the checksum says which content."""
_compiled: Final[dict[str, Definition]] = {}


def events(
    db: Database,
    actor: Actor,
    instance_id: int,
    *,
    after: int | None = None,
    size: int | None = None,
) -> list[dict[str, Any]]:
    """Return what happened, the oldest first, one event per line.

    A stored row packs what one transaction did; its lines share its number and hash, and
    are never torn apart: there may be more lines than ``size``.

    Args:
        after: number of the last row that is known already.
        size: stop after the row with which there are this many lines; None: all.

    Returns:
        ``{seq, at, kind, step, actor, on_behalf_of, data, hash}`` each; ``hash`` in
        hexadecimal, ``step`` as ``{id, name, type}`` or None.

    Raises:
        NotFound: there is no such instance, or the actor may not see it.
    """
    with db.transaction() as tx:
        asked = {"id": instance_id, "all": actor.can("process:read")}
        seen = tx.run(*_INSTANCE.by(actor, asked)).fetchone()
        if seen is None:
            raise NotFound(
                "instance_not_found", "There is no such instance, or you may not see it."
            )
        definition = _definition(tx, seen["definition_id"], seen["checksum"])
        rows = tx.run(_ROWS, {"id": instance_id, "after": after or 0, "size": size}).fetchall()
    hidden = hidden_names(definition, actor)
    return list(_lines(rows, definition, hidden, size))


def verify(
    db: Database, actor: Actor, *, instance_id: int | None = None, size: int = 1_000
) -> dict[int, int]:
    """Prove that nobody touched the history: of one instance, or of all.

    Args:
        size: instances that are looked at in one transaction.

    Returns:
        Instance → number of its first row that was changed, removed, moved or slipped in;
        empty: every chain is whole.

    Raises:
        Forbidden: without ``system:read``.
        NotFound: there is no such instance.
    """
    require(actor, "system:read")
    first, last = _range(db, instance_id)
    found: dict[int, int] = {}
    while first <= last:
        with db.transaction() as tx:
            found |= record.broken(tx, first, min(first + size - 1, last))
        first += size
    return found


def _range(db: Database, instance_id: int | None) -> tuple[int, int]:
    ids = "select min(id) as first, max(id) as last from process_instances"
    if instance_id is not None:
        ids += " where id = %(id)s"
    with db.transaction() as tx:
        row = tx.run(ids, {"id": instance_id}).fetchone() or {}
    if row["first"] is not None:
        return row["first"], row["last"]
    if instance_id is None:
        return 1, 0
    raise NotFound("instance_not_found", "There is no such instance, or you may not see it.")


def _definition(tx: Tx, definition_id: int, checksum: str) -> Definition:
    kept = _compiled.get(checksum)
    if kept is None:
        row = tx.run(
            "select source from process_definitions where id = %(id)s", {"id": definition_id}
        ).fetchone()
        if row is None:
            raise LookupError(definition_id)
        if len(_compiled) >= _KEPT:
            _compiled.clear()
        kept = _compiled[checksum] = load(row["source"])
    return kept


def _lines(
    rows: Iterable[Mapping[str, Any]],
    definition: Definition,
    hidden: frozenset[str],
    size: int | None,
) -> Iterable[dict[str, Any]]:
    given = 0
    for row in rows:
        if size is not None and given >= size:
            return
        digest = bytes(row["hash"]).hex()
        for kind, step, data in row["lines"]:
            given += 1
            yield {
                "seq": row["seq"],
                "at": row["at"],
                "kind": kind,
                "step": _step(definition, step),
                "actor": row["actor"],
                "on_behalf_of": row["on_behalf_of"],
                "data": _shown(data, hidden),
                "hash": digest,
            }


def _step(definition: Definition, step_id: str | None) -> dict[str, Any] | None:
    step = definition.by_id.get(step_id) if step_id else None
    return {"id": step.id, "name": step.name, "type": step.type} if step else None


def _shown(data: Any, hidden: frozenset[str]) -> Any:
    """Mask sensitive variables where a line tells values; let edges translate its message."""
    if isinstance(data, dict) and "phrase" in data:
        parts = data["phrase"]
        data = {name: value for name, value in data.items() if name != "phrase"}
        data["message"] = phrase_of(parts)
    if not hidden or not isinstance(data, dict):
        return data
    return {
        name: masked(value, hidden) if name in _VALUES and isinstance(value, dict) else value
        for name, value in data.items()
    }
