"""What has happened since a task was decided last: after a return, for who decides again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.core import returning
from app.core.called import fields_of
from app.core.codec import state_from_json
from app.core.definition import Definition
from app.core.state import State
from app.core.values import same
from app.db.wire import Statement
from app.identity.sensitive import masked
from app.task.ways_back import token_of

Row = Mapping[str, Any]

MOST: Final = 50
"""Earlier opinions that are shown, the latest ones."""
# The values as they were when the round ended in which this step was reached last; of a step
# that is reached for the first time, when it was returned last.
_ROUNDS: Final = """
select r.round, r.step, r.target, r.by, r.at, r.reason,
       case when r.round = b.round then r.variables end as variables
  from rounds r,
       (select coalesce(max(t.round), %(round)s - 1) as round from tasks t
         where t.instance_id = %(instance)s and t.step = %(step)s and t.round < %(round)s) b
 where r.instance_id = %(instance)s and r.round < %(round)s
   and (r.round = b.round or r.round = %(round)s - 1)
 order by r.round
"""
_OPINIONS: Final = """
select step, name, round, completed_by, on_behalf_of, completed_at, outcome, outcomes, values,
       comment, form
  from tasks
 where instance_id = %(instance)s and state = 'completed' and round < %(round)s and role is null
 order by completed_at desc, id desc limit %(most)s
"""
_STATE: Final = "select state from process_instances where id = %(instance)s"


def asking(task: Row) -> list[Statement]:
    """Return what asks for what ``found`` needs; nothing for a task of the first round."""
    if task["round"] < 2:
        return []
    about = {"instance": task["instance_id"], "step": task["step"], "round": task["round"]}
    return [(_ROUNDS, about), (_OPINIONS, about | {"most": MOST}), (_STATE, about)]


def found(
    definition: Definition,
    task: Row,
    answers: Sequence[Sequence[Row]],
    hidden: frozenset[str],
) -> dict[str, Any] | None:
    """Return what somebody who decides again has to know.

    Args:
        answers: the rows that came of ``asking``.
        hidden: names whose values the reader may not see.

    Returns:
        ``by``, ``at``, ``reason``, ``from`` and ``to`` (steps, ``{id, name}``; ``from`` None:
        the initiator took it back), ``round``; ``changes`` (``{name, label, type, options,
        columns, before, after}``), ``again`` (``{step, by}``: what is decided once more after it)
        and ``opinions`` (what was decided before, the latest first). None for a task that is
        in its round by another way.
    """
    if not answers or not answers[0]:
        return None
    rounds, opinions, [kept] = answers
    last = rounds[-1]
    state = state_from_json(kept["state"], task["variables"])
    base = next(row["variables"] for row in rounds if row["variables"] is not None)
    return {
        "by": last["by"],
        "at": last["at"],
        "reason": last["reason"],
        "from": _step(definition, last["step"]) if last["step"] else None,
        "to": _step(definition, last["target"]),
        "round": task["round"],
        "changes": list(_changes(definition, base, task["variables"], hidden)),
        "again": list(_again(definition, state, task, last)),
        "opinions": [_opinion(row, hidden) for row in opinions if _over(state, row)],
    }


def _changes(
    definition: Definition, before: Row, after: Row, hidden: frozenset[str]
) -> Iterable[dict[str, Any]]:
    fields = fields_of(definition)
    names = [*(name for name in fields if name in before or name in after)]
    names += sorted((before.keys() | after.keys()) - set(names))
    was, now = masked(before, hidden), masked(after, hidden)
    for name in names:
        if (name in before) == (name in after) and same(before.get(name), after.get(name)):
            continue
        field = fields.get(name, {})
        yield {
            "name": name,
            "label": field.get("label"),
            "type": field.get("type", "any"),
            "options": field.get("options"),
            "columns": field.get("columns"),
            "before": was.get(name),
            "after": now.get(name),
        }


def _again(definition: Definition, state: State, task: Row, last: Row) -> Iterable[dict[str, Any]]:
    """Yield what is decided once more after this task, and by whom it was before."""
    token = token_of(state, task)
    if token is None:
        return
    if token.again is not None and token.again.back:
        step, by = token.again.back[0]
        yield {"step": _step(definition, step), "by": by}
        return
    told = set()
    for step in returning.void(definition, state, token):
        told.add(step)
        yield {"step": _step(definition, step), "by": state.completed[step].by}
    step = last["step"]
    done = state.completed.get(step) if step else None
    open_ = step and step != task["step"] and step not in told
    if open_ and step in definition.by_id and (done is None or done.round < state.round):
        yield {"step": _step(definition, step), "by": last["by"]}


def _over(state: State, row: Row) -> bool:
    """Say whether a decision is void: it was taken back, or made anew since."""
    done = state.completed.get(row["step"])
    return done is None or done.void or done.round > row["round"]


def _opinion(row: Row, hidden: frozenset[str]) -> dict[str, Any]:
    return {
        "step": {"id": row["step"], "name": row["name"]},
        "round": row["round"],
        "by": row["completed_by"],
        "on_behalf_of": row["on_behalf_of"],
        "at": row["completed_at"],
        "outcome": row["outcome"],
        "outcomes": row["outcomes"],
        "values": masked(row["values"] or {}, hidden),
        "form": row["form"],
        "comment": row["comment"],
    }


def usernames(shown: Row | None) -> set[str]:
    """Return the people that it names."""
    if shown is None:
        return set()
    told = [shown, *shown["again"], *shown["opinions"]]
    return {each["by"] for each in told} | {
        each["on_behalf_of"] for each in shown["opinions"] if each["on_behalf_of"]
    }


def _step(definition: Definition, step: str) -> dict[str, Any]:
    known = definition.by_id.get(step)
    return {"id": step, "name": known.name if known is not None else step}
