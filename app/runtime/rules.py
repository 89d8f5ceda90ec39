"""Keeping approval rules when a task is given to somebody (``core.approval`` says which).

Who may not decide is not given it; if nobody is left, a rule says what becomes of it. A task
without rules never comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from app.core import approval
from app.core.definition import Definition, Step
from app.core.effects import OpenTask
from app.db.tx import Tx
from app.identity import names
from app.identity.queries import Resolved, manager_of, resolve_all
from app.runtime.given_to import Given

_AMONG: Final = """
select exists (select 1 from members where username <> all(%(barred)s)) as others,
       exists (select 1 from members where username = %(self)s) as self
"""
# Whom groups and roles mean today.
_MEMBERS: Final = f"""
with members as (
    select u.username from users u
      join memberships m on m.user_id = u.id join groups g on g.id = m.group_id
     where u.active and g.name = any(%(groups)s)
    union all
    select u.username from users u
      join user_roles ur on ur.user_id = u.id join roles r on r.id = ur.role_id
     where u.active and r.name = any(%(roles)s)
)
{_AMONG}
"""  # noqa: S608 - constants only


class _Left(NamedTuple):
    """Who is left of those whom a task is for.

    Args:
        anyone: whether there is anybody who may decide.
        initiator: whether the initiator would have been among them.
    """

    anyone: bool
    initiator: bool


def keep(
    tx: Tx, definition: Definition, task: OpenTask, named: Resolved, offered: Resolved
) -> Given:
    """Decide who gets a task that has rules, or what is decided instead.

    Args:
        named: whom its assignee means.
        offered: whom its candidates mean.
    """
    rules, step = task.approval or {}, definition.by_id[task.step]
    barred, initiator = _barred(rules), rules.get("initiator")
    holder = named.users[0] if named.users else None
    keys = _without(dict.fromkeys((*named.keys, *offered.keys)), barred)
    if holder is not None and holder not in barred:
        if holder in rules.get("approved_before", ()):
            answer = approval.automatic(step, approve=True)
            if answer is not None:
                return Given(holder, (), barred=barred, rule="duplicate_approver", answer=answer)
        return Given(holder, list(offered.keys), barred=barred or None)
    wanted = {f"u:{initiator}"} & {*named.keys, *offered.keys}
    left = _left(tx, keys, barred, initiator)
    if left.anyone:
        return Given(None, keys, barred=barred or None)
    if left.initiator or wanted:
        given = _instead_of_initiator(tx, task, step, barred)
        if given is not None:
            return given
    return empty(tx, definition, task, barred)


def empty(tx: Tx, definition: Definition, task: OpenTask, barred: Sequence[str] = ()) -> Given:
    """Decide what becomes of a task that nobody is left for."""
    rule = (task.approval or {}).get("empty_assignee", approval.EMPTY[0])
    step = definition.by_id[task.step]
    if rule in ("auto_approve", "auto_reject"):
        answer = approval.automatic(step, approve=rule == "auto_approve")
        if answer is not None:
            return Given(None, (), barred=barred or None, rule="empty_assignee", answer=answer)
    if rule == "incident":
        return Given(None, (), nobody=True)
    owners = definition.settings.get("owners") or ()
    owners = [owners] if isinstance(owners, str) else [str(name) for name in owners]
    tried: list[tuple[str, list[str]]] = [("to_owner", owners)]
    if rule not in approval.EMPTY:
        tried.insert(0, ("empty_assignee", [str(rule)]))
    for which, wanted in tried:
        found = resolve_all(tx, [(name, None) for name in wanted]) if wanted else Resolved()
        keys = _without(found.keys, barred)
        if keys and (not barred or _left(tx, keys, barred, None).anyone):
            line, named = _line(task, which, keys), which == "empty_assignee"
            person = keys[0][2:] if named and keys[0].startswith("u:") else None
            return Given(person, () if person else keys, line, barred or None, alert=True)
    admins = ("r:admin",)
    if barred and not _left(tx, admins, barred, None).anyone:
        return Given(None, (), nobody=True)
    return Given(None, admins, _line(task, "to_owner", admins), barred or None, alert=True)


def seat_of(key: str, barred: Sequence[str] | None = None) -> Given:
    """Return the seat of a person, or of a group one of whom is to decide."""
    if key.startswith("u:"):
        return Given(key[2:], (), barred=barred)
    return Given(None, (key,), barred=barred)


def keep_seats(tx: Tx, definition: Definition, task: OpenTask, keys: Sequence[str]) -> list[Given]:
    """Same as ``keep`` for several people: who may not decide has no seat.

    Who has approved before has theirs, with an ``answer``: a vote of the rule.

    Args:
        keys: of those whom the step names, in the order of their turns.
    """
    rules, step = task.approval or {}, definition.by_id[task.step]
    barred, initiator = _barred(rules), rules.get("initiator")
    left = _without(keys, barred)
    if f"u:{initiator}" in keys and rules.get("self_approval") == "to_manager":
        found = manager_of(tx, initiator)
        manager = f"u:{found}" if found else None
        if manager and manager not in left and not _is_barred(manager, barred):
            left.insert(list(keys).index(f"u:{initiator}"), manager)
    elif not left and f"u:{initiator}" in keys:
        given = _instead_of_initiator(tx, task, step, barred)
        if given is not None:
            return [given]
    if not left:
        return [empty(tx, definition, task, barred)]
    yes = approval.automatic(step, approve=True)
    seats = [seat_of(key, barred or None) for key in left]
    return [
        replace(seat, rule="duplicate_approver", answer=yes)
        if seat.assignee in rules.get("approved_before", ())
        else seat
        for seat in seats
    ]


def wanted_of(task: OpenTask) -> list[str]:
    """Return the names that a task was to go to."""
    named = (task.assignee, *task.assignees, *task.candidate_users, *task.candidate_groups)
    return [name for name in named if name]


def _instead_of_initiator(
    tx: Tx, task: OpenTask, step: Step, barred: Sequence[str]
) -> Given | None:
    """Return what becomes of a task that only its initiator is left for."""
    rules = task.approval or {}
    if rules.get("self_approval") == "skip":
        answer = approval.automatic(step, approve=True)
        if answer is not None:
            return Given(None, (), barred=tuple(barred), rule="self_approval", answer=answer)
    if rules.get("self_approval") == "to_manager":
        manager = manager_of(tx, rules["initiator"])
        if manager is not None and manager not in barred:
            line = _line(task, "to_manager", [f"u:{manager}"])
            return Given(manager, (), line, tuple(barred))
    return None


def _line(task: OpenTask, rule: str, keys: Sequence[str]) -> list[Any]:
    data = {"rule": rule, "wait": task.wait, "wanted": wanted_of(task), "given_to": list(keys)}
    return ["decision.automatic", task.step, data]


def _without(keys: Iterable[str], barred: Sequence[str]) -> list[str]:
    return [key for key in keys if not _is_barred(key, barred)]


def _is_barred(key: str, barred: Sequence[str]) -> bool:
    return key.startswith("u:") and key[2:] in barred


def _left(tx: Tx, keys: Sequence[str], barred: Sequence[str], initiator: str | None) -> _Left:
    """Say who is left of the keys, of which none is that of a person who is barred."""
    persons = any(key.startswith("u:") for key in keys)
    groups = [key[2:] for key in keys if key.startswith("g:")]
    roles = [key[2:] for key in keys if key.startswith("r:")]
    if persons or not (groups or roles):
        return _Left(persons, False)
    asked = {"groups": groups, "roles": roles, "barred": list(barred), "self": initiator}
    row = tx.run(_MEMBERS, asked).fetchone() or {}
    return _Left(row["others"], row["self"])


def _barred(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who may not decide: who is excluded, and the initiator if they may not."""
    names_ = [*map(_username, rules.get("exclude", ())), rules.get("initiator")]
    return tuple(dict.fromkeys(name for name in names_ if name))


def _username(name: str) -> str:
    return names.normal(name.strip().removeprefix("user:"))
