"""The proof that whatever died, everything ended, was applied once and is not torn."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.core.advance import advance
from app.core.codec import event_from_json, state_from_json
from app.core.definition import Definition
from app.core.state import State
from app.definition import service as definitions
from app.history import record
from app.identity.actor import SYSTEM
from app.runtime import jobs
from app.runtime import service as runtime
from app.worker.clock import now
from tests.fault.plant import Plant

Line = tuple[str, str | None]


@dataclass(frozen=True)
class Story:
    """What the history of an instance tells.

    Args:
        key: of its definition.
        order: kind and step of each line that counted.
        late: the same of what came too late and was ignored.
    """

    key: str
    order: list[Line]
    late: list[Line]

    def count(self, kind: str, step: str) -> int:
        """Say how often this happened."""
        return self.order.count((kind, step))

    def steps(self, kind: str) -> Counter[str | None]:
        """Count the steps that this happened to."""
        return Counter(step for each, step in self.order if each == kind)


def stories(plant: Plant) -> list[Story]:
    """Fail unless every instance is completed, with a whole history that leads to its state.

    Nothing may be left of it: no job, timer or subscription, no incident, no kept message.
    """
    with plant.db.transaction() as tx:
        rows = tx.run(
            "select i.*, d.key, d.checksum from process_instances i"
            " join process_definitions d on d.id = i.definition_id order by i.id"
        ).fetchall()
        told = []
        for row in rows:
            assert (row["status"], row["incident_count"]) == ("completed", 0), row
            assert record.verify(tx, row["id"]) is None
            history = tx.run(
                "select data from history_events where instance_id = %(id)s order by seq",
                {"id": row["id"]},
            ).fetchall()
            definition = plant.engine.definitions.get(tx, row["definition_id"], row["checksum"])
            assert _replayed(definition, history) == state_from_json(row["state"], row["variables"])
            told.append(_story(row["key"], history))
    for left in (
        "jobs where state <> 'done'",
        "timers",
        "subscriptions",
        "incidents",
        "messages where state <> 'delivered'",
        "tasks where state in ('open', 'claimed')",
    ):
        assert plant.rows(f"select * from {left}") == [], left
    return told


def take_back(plant: Plant) -> int:
    """Let the leases of dead workers run out, as the duties do after a while; return how many."""
    plant.rows(
        "update jobs set leased_until = %(past)s where state = 'leased' returning 1",
        past=now() - timedelta(seconds=1),
    )
    return jobs.expire(plant.engine, now=now())


def leaders(plant: Plant) -> list[int]:
    """Return the connections that hold the duties' lock."""
    rows = plant.rows(
        "select pid from pg_locks where locktype = 'advisory' and classid = 0 and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return [row["pid"] for row in rows]


def publish(plant: Plant, key: str, *steps: dict[str, Any], **document: Any) -> None:
    """Store a definition of these steps; those without ``next`` lead to the one after them.

    Args:
        document: other keys of the document.
    """
    listed = [{"name": step["id"], **step} for step in steps]
    for step, after in itertools.pairwise(listed):
        if step["type"] != "event_gateway":
            step.setdefault("next", [after["id"]])
    whole = {"name": key, "key": key, "version": "1.0.0", "steps": listed, **document}
    services = plant.engine.services
    known = definitions.known(plant.db, services.names(), services.types())
    definitions.create(plant.db, SYSTEM, json.dumps(whole), known=known, now=now())


def start(plant: Plant, key: str, *, ago: timedelta = timedelta(), **variables: Any) -> int:
    """Start an instance in this process; return its id.

    Args:
        ago: how long ago that was, for timers that are due.
    """
    row = runtime.start(
        plant.engine, SYSTEM, definition_key=key, variables=variables, now=now() - ago
    )
    return int(row.id)


def _story(key: str, history: list[dict[str, Any]]) -> Story:
    story = Story(key, [], [])
    for event in history:
        for kind, step, data in event["data"]["lines"]:
            (story.late if "ignored" in data else story.order).append((kind, step))
    return story


def _replayed(definition: Definition, history: list[dict[str, Any]]) -> State:
    state = State()
    for row in history:
        for event in row["data"]["events"]:
            moved = advance(definition, state, event_from_json(event))
            assert moved.ignored is None
            state = moved.state
    return state
