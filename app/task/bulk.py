"""Many tasks at once, each for itself: claimed, passed on, reminded of, or decided alike.

Only what needs no more than a decision and a comment can be decided together: a form of
which something else has to be filled in has to be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, get_args

from app.core.definition import Label, Step
from app.core.outcome import COMMENT, choices, deciding_field
from app.db.busy import briefly
from app.db.schema import process_definitions as d
from app.db.schema import process_instances as i
from app.db.schema import tasks as t
from app.db.tx import Tx
from app.definition.cache import SHARED
from app.definition.sensitive import hidden_names
from app.errors import AppError, Invalid, NotFound
from app.identity.actor import Actor
from app.runtime.access import viewed
from app.runtime.ports import Engine
from app.task import access
from app.task.assign import transfer
from app.task.claim import claim
from app.task.comment import check_comment
from app.task.complete import complete
from app.task.person import worker
from app.task.present import body, form_for, withheld
from app.task.queries import prefilled, seen
from app.task.refuse import refusal
from app.task.remind import remind, too_soon
from app.task.select import listed

Action = Literal["claim", "complete", "transfer", "remind"]
Row = Mapping[str, Any]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
MAX: Final = 200
"""Tasks that are done at once, at most."""
YES, NO = "true", "false"
"""The outcomes of a step that a yes/no of its form decides."""
_TEXTS: Final = ("string", "text")
_DRAFTS: Final = """
select task_id, values from drafts where task_id = any(%(ids)s) and username = %(me)s
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one task.

    Args:
        problem: why it was not done; None if it was.
    """

    id: int
    problem: AppError | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A task that was chosen to be decided together with others.

    Args:
        task: its body; None: there is none, or the actor may not see it.
        outcomes: ``(id, label)`` of each decision that can be made; a label of None is that of
            the answers yes and no. Empty: there is only "done".
        problem: why it cannot be decided here.
        instructions: the step's, in markdown.
        confirms: what is asked before an outcome, by its id.
    """

    id: int
    task: Row | None = None
    outcomes: Sequence[tuple[str, Label | None]] = ()
    problem: AppError | None = None
    instructions: Label | None = None
    confirms: Mapping[str, Label] = field(default_factory=dict)


def offers(engine: Engine, actor: Actor, ids: Sequence[int], *, now: datetime) -> list[Offer]:
    """Say of each task how it could be decided together with others; nothing is changed."""
    query = listed().add_columns(d.c.checksum).where(t.c.id.in_(list(ids)[:MAX]))
    with engine.db.transaction() as tx:
        rows = {row["id"]: dict(row) for row in tx.conn.execute(query).mappings()}
        begun = _begun(tx, actor, list(rows))
        found = []
        for task_id in list(ids)[:MAX]:
            row = rows.get(task_id)
            if row is None or not (actor.can("task:read") or access.may_look(actor, row)):
                found.append(Offer(task_id, problem=_unknown()))
                continue
            shown = body(row, actor, now=now)
            if "complete" not in shown["allowed"]:
                problem: AppError | None = refusal(engine.db, actor, row, "complete")
                found.append(Offer(task_id, shown, problem=problem))
                continue
            step = SHARED.get(tx, row["definition_id"], row["checksum"]).by_id[row["step"]]
            problem = None if is_simple(step, row["form"]) else _needs_form()
            if problem is None and _is_begun(step, begun.get(task_id)):
                problem = _has_draft()
            outcomes = () if problem else _outcomes(step)
            found.append(
                Offer(
                    task_id,
                    shown,
                    outcomes,
                    problem,
                    step.config.get("instructions"),
                    {each["id"]: each["confirm"] for each in choices(step) if each.get("confirm")},
                )
            )
    return found


def waiting(
    engine: Engine, actor: Actor, instances: Sequence[int], *, now: datetime
) -> list[Offer]:
    """Return the live tasks of instances that people could be reminded of; nothing is changed.

    One that waits for others is not among them, but the tasks of those whom it waits for are.

    Args:
        instances: ids, at most ``MAX``; of others' than the actor's only what they look after.
    """
    query = (
        listed()
        .where(t.c.instance_id.in_(list(instances)[:MAX]), t.c.state.in_(access.LIVE))
        .where(t.c.waits_for.is_(None))
        .order_by(t.c.id)
        .limit(MAX)
    )
    if not actor.can("task:read"):
        own = i.c.started_by == actor.username
        query = query.where(own | viewed(actor) if actor.views else own)
    with engine.db.transaction() as tx:
        rows = [dict(row) for row in tx.conn.execute(query).mappings()]
    return [_to_remind(engine, actor, row | {"reads": True}, now) for row in rows]


def _to_remind(engine: Engine, actor: Actor, row: Row, now: datetime) -> Offer:
    shown, problem = body(row, actor, now=now), None
    if "remind" not in shown["allowed"]:
        problem = refusal(engine.db, actor, row, "remind")
    else:
        problem = too_soon(row, now)
    return Offer(row["id"], shown, problem=problem)


def act(
    engine: Engine,
    actor: Actor,
    action: Action,
    ids: Sequence[int],
    *,
    to: str | None = None,
    outcome: str | None = None,
    comment: str | None = None,
    now: datetime,
) -> list[Done]:
    """Do the same with each task, in a transaction of its own; see ``one``.

    Args:
        ids: at most ``MAX``; one that comes twice is done once.

    Raises:
        Invalid: the comment cannot be kept, or whom they go to cannot be given tasks; then
            nothing is done.
    """
    check_comment(comment)
    if action == "transfer":
        with engine.db.transaction() as tx:
            worker(tx, to or "")
    results: list[Done] = []
    busy = 0
    for task_id in dict.fromkeys(ids[:MAX]):
        try:
            with engine.db.transaction() as tx, briefly(tx, busy):
                one(
                    engine, actor, action, task_id, to=to, outcome=outcome, comment=comment, now=now
                )
        except AppError as error:
            if error.status >= 500:
                raise
            busy += error.code == "locked"
            results.append(Done(task_id, error))
        else:
            results.append(Done(task_id))
    return results


def one(
    engine: Engine,
    actor: Actor,
    action: Action,
    task_id: int,
    *,
    variables: Mapping[str, Any] | None = None,
    to: str | None = None,
    outcome: str | None = None,
    comment: str | None = None,
    now: datetime,
) -> int:
    """Do one of the actions with a task; return its id.

    Completing takes nothing but a decision and a comment; all else of the form is kept as its
    page would begin with it. What somebody has begun to fill in is not passed over.

    Args:
        to: who gets it by a transfer.
        variables: may hold the answer that decides, instead of ``outcome``.
        outcome: id of an outcome; ``true`` or ``false`` where a yes/no of the form decides.
        comment: for the history; also for the texts that the outcome requires.

    Raises:
        Invalid: ``not_in_bulk``: it has to be opened; ``has_draft``; ``comment_needed``; see
            ``complete``.
        NotFound, Forbidden, Conflict, TooMany: see ``claim``, ``complete``, ``transfer`` and
            ``remind``.
    """
    if action == "claim":
        claim(engine, actor, task_id, now=now)
        return task_id
    if action == "remind":
        remind(engine, actor, task_id, comment=comment, now=now)
        return task_id
    if action == "transfer":
        transfer(engine, actor, task_id, to or "", comment=comment, now=now)
        return task_id
    check_comment(comment)
    with engine.db.transaction() as tx:
        row = seen(tx, actor, task_id)
        definition = SHARED.get(tx, row["definition_id"], row["definition_checksum"])
        begun = _begun(tx, actor, [task_id])
    step = definition.by_id[row["step"]]
    if "complete" not in access.allowed(actor, row):
        raise refusal(engine.db, actor, row, "complete")
    if not is_simple(step, row["form"]):
        raise _needs_form()
    if _is_begun(step, begun.get(task_id)):
        raise _has_draft()
    values, chosen = _decision(step, row["form"], variables or {}, outcome, comment)
    left = _as_it_stands(actor, row, hidden_names(definition, actor))
    complete(engine, actor, task_id, left | values, outcome=chosen, comment=comment, now=now)
    return task_id


def is_simple(step: Step, form: Sequence[Row]) -> bool:
    """Say whether a task can be decided without its form.

    Args:
        form: as the task was opened with it.
    """
    deciding = deciding_field(step)
    needed = [
        field["name"]
        for field in form
        if field.get("required") and not field.get("read_only") and field["name"] != deciding
    ]
    decides = deciding is not None or bool(choices(step))
    return not needed and bool(step.config.get("bulk", decides))


def _begun(tx: Tx, actor: Actor, ids: Sequence[int]) -> dict[int, Row]:
    """Return what the actor has typed into tasks: values by the task's id."""
    rows = tx.run(_DRAFTS, {"ids": list(ids), "me": actor.username}).fetchall()
    return {row["task_id"]: row["values"] for row in rows}


def _is_begun(step: Step, typed: Row | None) -> bool:
    """Say whether more was typed than the answer that decides."""
    deciding = deciding_field(step)
    return any(value for name, value in (typed or {}).items() if name != deciding)


def _as_it_stands(actor: Actor, task: Row, hidden: frozenset[str]) -> dict[str, Any]:
    """Return the values that a task's page would send if nobody touched its form."""
    open_ = {
        field["name"]
        for field in task["form"]
        if field["type"] != "note" and not field.get("read_only")
    }
    kept = withheld(task, hidden)
    values = prefilled(form_for(actor, task["form"]), task["variables"], kept)
    return {name: value for name, value in values.items() if name in open_ - kept}


def _outcomes(step: Step) -> tuple[tuple[str, Label | None], ...]:
    if deciding_field(step) is not None:
        return (YES, None), (NO, None)
    return tuple((row["id"], row["label"]) for row in choices(step))


def _decision(
    step: Step, form: Sequence[Row], variables: Row, outcome: str | None, comment: str | None
) -> tuple[dict[str, Any], str | None]:
    """Return the values and the outcome to complete with."""
    deciding = deciding_field(step)
    if set(variables) - {deciding}:
        raise _needs_form()
    if deciding is not None:
        if outcome in (YES, NO) and not variables:
            return {deciding: outcome == YES}, None
        return dict(variables), outcome
    required = [name for row in choices(step) if row["id"] == outcome for name in row["requires"]]
    kinds = {field["name"]: field["type"] for field in form}
    fields = [name for name in required if name != COMMENT or name in kinds]
    if any(kinds.get(name) not in _TEXTS for name in fields):
        raise _needs_form()
    if required and not (comment or "").strip():
        raise Invalid("comment_needed", "This decision needs a comment.")
    return dict.fromkeys(fields, comment), outcome


def _has_draft() -> Invalid:
    return Invalid(
        "has_draft",
        "You have begun to fill this in. Open the task to go on with it, or to start over.",
    )


def _needs_form() -> Invalid:
    return Invalid(
        "not_in_bulk", "More than a decision is asked for here: open the task and fill in its form."
    )


def _unknown() -> AppError:
    return NotFound("task_not_found", "There is no such task.")
