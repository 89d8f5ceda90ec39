"""Who can be asked beside who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.db.tx import Tx
from app.errors import FieldError, Invalid
from app.identity import names
from app.identity.actor import Actor
from app.task.person import check_rules, invalid, worker
from app.task.side_store import SEAT, Role

Row = Mapping[str, Any]

MOST: Final = 10
"""People who are asked at once."""
# One answer a person: that of the seat that is still theirs comes first, by the alphabet.
_BUSY: Final = f"""
select p.who, u.name, min(t.state) as state
  from unnest(%(people)s::text[]) p(who) join users u on u.username = p.who
  join tasks t on t.instance_id = %(instance)s and t.wait = %(wait)s
   and ((t.state in ('open', 'claimed') and t.assignee = p.who) or t.completed_by = p.who)
   and case when %(consult)s then t.role = 'consult' and t.serves = %(task)s
                             and t.state in ('open', 'claimed')
            else {SEAT} end
 group by p.who, u.name
union
select p.who, u.name, 'waiting' from visits v, json_array_elements(v.queue) q,
       unnest(%(people)s::text[]) p(who) join users u on u.username = p.who
 where v.instance_id = %(instance)s and v.wait = %(wait)s and q ->> 'assignee' = p.who
   and not %(consult)s
"""  # noqa: S608 - constants only


def askable(
    tx: Tx, actor: Actor, task: Row, people: Sequence[str], role: Role, *, field: str
) -> list[str]:
    """Return the usernames of people who can be asked, each once, in the order given.

    Args:
        people: usernames as typed.
        field: what errors name.

    Raises:
        Invalid: nobody or too many; one error for each who is not there, not active, may not
            work on tasks, is the actor, or decides here already (a question to somebody is
            refused only while the last one is unanswered).
    """
    wanted = list(dict.fromkeys(names.normal(each) for each in people if each.strip()))
    if not wanted:
        raise invalid(FieldError(field, "required", "Say who: give a username."))
    if len(wanted) > MOST:
        message = "Name at most %(max)d people at once."
        raise invalid(FieldError(field, "too_long", message, {"max": MOST}))
    if role in ("before", "after"):  # advice and answers may come from anybody
        check_rules(task, wanted, field=field)
    errors: list[FieldError] = []
    for each in wanted:
        try:
            worker(tx, each, field=field)
        except Invalid as error:
            errors += error.errors
    if actor.username in wanted:
        message = "You cannot ask yourself. Choose somebody else."
        errors.append(FieldError(field, "oneself", message))
    others = [each for each in wanted if each != actor.username]
    errors += busy(tx, task, others, role, field=field)
    if errors:
        raise invalid(*errors)
    return wanted


def busy(tx: Tx, task: Row, people: Sequence[str], role: Role, *, field: str) -> list[FieldError]:
    """Return an error for each who decides a task (locked) already, or was asked the same."""
    asked = {
        "people": [each for each in people if "\0" not in each],
        "instance": task["instance_id"],
        "wait": task["wait"],
        "task": task["id"],
        "consult": role == "consult",
    }
    return [_why(field, row, role) for row in tx.run(_BUSY, asked).fetchall()]


def _why(field: str, row: Row, role: Role) -> FieldError:
    if role == "consult":
        message = "%(name)s was asked already and has not answered yet."
        return FieldError(field, "asked_already", message, {"name": row["name"]})
    message = (
        "%(name)s has decided here already. Choose somebody else."
        if row["state"] == "completed"
        else "%(name)s decides here already, beside this task. Choose somebody else."
    )
    return FieldError(field, "has_a_seat", message, {"name": row["name"]})
