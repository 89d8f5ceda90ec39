"""What the database holds: everything in it, and whether it agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.core.advance import advance
from app.core.codec import event_from_json, state_from_json, state_to_json
from app.core.parse import load
from app.core.state import State
from app.db.schema import metadata
from app.db.tx import Database, Tx
from app.db.types import dumps, loads
from app.history import record

_LIVE = {
    "task": "select distinct wait from tasks"  # a task may be several people's, one seat each
    " where instance_id = %(id)s and state in ('open', 'claimed')",
    "job": "select wait from jobs where instance_id = %(id)s and state in ('due', 'leased')",
    "incident": "select wait from incidents where instance_id = %(id)s and resolved_at is null",
}


def everything(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, to see that nothing changed at all."""
    names = sorted(metadata.tables)
    with db.transaction() as tx:
        found = tx.together([(f"select * from {name} t order by t::text", {}) for name in names])
    return {name: each.fetchall() for name, each in zip(names, found, strict=True)}


def row(db: Database, sql: str, **params: Any) -> dict[str, Any]:
    """Return the only row of a query."""
    (found,) = rows(db, sql, **params)
    return found


def rows(db: Database, sql: str, **params: Any) -> list[dict[str, Any]]:
    """Return the rows of a query."""
    with db.transaction() as tx:
        return tx.run(sql, params).fetchall()


def state_of(db: Database, instance_id: int) -> State:
    """Return where an instance stands."""
    found = row(
        db, "select state, variables from process_instances where id = %(id)s", id=instance_id
    )
    return state_from_json(found["state"], found["variables"])


def lines(db: Database, instance_id: int) -> list[tuple[str, str | None]]:
    """Return (kind, step) of everything that happened to an instance, in order."""
    found = rows(
        db,
        "select data -> 'lines' as lines from history_events where instance_id = %(id)s"
        " order by seq",
        id=instance_id,
    )
    return [(line[0], line[1]) for each in found for line in each["lines"]]


def agrees(db: Database, instance_id: int) -> State:
    """Return where an instance stands; fail unless all that is stored of it fits together.

    The chain of its history is whole; the events in it, given to the core again, lead to
    the very state that is stored; and what the state waits for is what the tables offer.
    """
    with db.transaction() as tx:
        assert record.verify(tx, instance_id) is None
        kept = tx.run(
            "select status, result, state, variables, incident_count, ended_at, suspended_at"
            " from process_instances where id = %(id)s",
            {"id": instance_id},
        ).fetchone()
        assert kept is not None
        state = replayed(tx, instance_id)
        assert loads(dumps(state_to_json(state))) == kept["state"]
        assert loads(dumps(state.variables)) == kept["variables"]
        assert (state.status, state.result) == (kept["status"], kept["result"])
        waits: dict[str, list[int]] = {kind: [] for kind in _LIVE}
        for token in state.tokens:
            assert token.wait is not None, "a token is left standing"
            waits.setdefault(token.wait.kind, []).append(token.wait.id)  # of others there is no row
        for kind, sql in _LIVE.items():
            offered = tx.run(sql, {"id": instance_id}).fetchall()
            assert sorted(each["wait"] for each in offered) == sorted(waits[kind]), kind
        assert kept["incident_count"] == len(waits["incident"])
        assert (kept["ended_at"] is not None) == (not state.tokens)
        if state.status != "terminated":
            assert (kept["suspended_at"] is not None) == (state.status == "suspended")
    return state


def replayed(tx: Tx, instance_id: int) -> State:
    """Return the state that the events of the history lead to."""
    found = tx.run(
        "select d.source, e.data -> 'events' as events"
        "  from history_events e join process_instances i on i.id = e.instance_id"
        "  join process_definitions d on d.id = i.definition_id"
        " where e.instance_id = %(id)s order by e.seq",
        {"id": instance_id},
    ).fetchall()
    definition = load(found[0]["source"])
    state = State()
    for each in found:
        for event in each["events"]:
            moved = advance(definition, state, event_from_json(event))
            assert moved.ignored is None, (event, moved.ignored)
            state = moved.state
    return state


@contextmanager
def taken_back(db: Database) -> Iterator[None]:
    """Undo what happens inside, so that the next try begins from the same rows.

    The database must be one of a single connection (the fixture ``db``).
    """
    assert db._joined is not None, "needs the savepoint database"
    savepoint = db._joined.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def comparable(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, new ids counted from one, without hashes.

    Two ways of doing the same, each begun from the same rows, must give the same.
    """
    held = everything(db)
    numbers = {
        table: {each["id"]: place for place, each in enumerate(sorted(found, key=_id), start=1)}
        for table, found in held.items()
        if found and "id" in found[0]
    }
    return {
        table: [_comparable(table, each, numbers) for each in sorted(found, key=_id)]
        for table, found in held.items()
    }


def _id(row: Mapping[str, Any]) -> Any:
    """Return what rows are sorted by: those without an id stand in no order of their own."""
    first = row.get("id") or row.get("instance_id") or 0
    return first, row.get("seq") or row.get("wait") or 0


def _comparable(
    table: str, row: Mapping[str, Any], numbers: Mapping[str, Mapping[int, int]]
) -> dict[str, Any]:
    plain = {name: value for name, value in row.items() if not name.endswith("hash")}
    for name, value in plain.items():
        target = table if name == "id" else _TARGETS.get(name)
        if target in numbers and value is not None:
            plain[name] = numbers[target][value]
    for line in (plain.get("data") or {}).get("lines", ()):
        if line[0] == "instance.restarted":
            for name in ("from", "to"):
                line[2][name] = numbers["process_instances"][line[2][name]]
    for place in (plain.get("state"), *(plain.get("data") or {}).get("events", ())):
        if isinstance(place, dict) and "instance" in place.get("facts", {}):
            facts = place["facts"]["instance"]
            facts["id"] = numbers["process_instances"][facts["id"]]
    return plain


_TARGETS = {
    "instance_id": "process_instances",
    "definition_id": "process_definitions",
    "task_id": "tasks",
}
