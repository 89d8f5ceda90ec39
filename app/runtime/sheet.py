"""Everything about an instance on one sheet: values, decisions, history and its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.outcome import choices
from app.history import seal
from app.history.queries import events
from app.identity.actor import Actor
from app.runtime.details import Details, details
from app.runtime.ports import Engine

_TRIES: Final = 5
"""Nothing moves so fast that a sixth would be needed; then the sheet is a little uneven."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed.

    Args:
        lines: the whole history, the oldest first; see ``history.queries.events``.
        decisions: the oldest first: ``{step, by, rule, for, at, outcome, values, comment}``; where
            there is a ``rule`` it decided instead of people.
        seal: of the history as it was read.
    """

    details: Details
    lines: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    seal: seal.Seal


def sheet(engine: Engine, actor: Actor, instance_id: int, *, now: datetime) -> Sheet:
    """Return the sheet of an instance; its values and its history are of one moment.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    with engine.db.transaction() as tx:
        for _ in range(_TRIES):  # until it did not move while it was read
            before = seal.head(tx, instance_id)
            shown = details(engine, actor, instance_id, now=now)
            lines = events(engine.db, actor, instance_id)
            if seal.head(tx, instance_id) == before:
                break
        decisions = [_decision(shown, line) for line in lines if _is_decision(line)]
        return Sheet(shown, lines, decisions, seal.of(tx, instance_id))


def _is_decision(line: dict[str, Any]) -> bool:
    """Say whether a line is what one person or a rule decided: of several, each vote is."""
    kind, data = line["kind"], line["data"]
    if kind == "decision.automatic":
        return "values" in data and "votes" not in data
    return bool(kind == "task.voted" or (kind == "task.completed" and "votes" not in data))


def _decision(shown: Details, line: dict[str, Any]) -> dict[str, Any]:
    step, data = line["step"], line["data"]
    outcome, label = data.get("outcome"), None
    if outcome is not None and step is not None and step["id"] in shown.definition.by_id:
        offered = choices(shown.definition.by_id[step["id"]])
        label = next((each["label"] for each in offered if each["id"] == outcome), outcome)
    given = data.get("values") or {}
    return {
        "step": step,
        "by": line["actor"],
        "rule": data.get("rule"),
        "for": line["on_behalf_of"],
        "counted": data.get("counted", True),
        "at": line["at"],
        "outcome": label,
        "values": {name: value for name, value in given.items() if value is not None},
        "comment": data.get("comment"),
    }
