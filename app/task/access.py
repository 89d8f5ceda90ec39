"""Who may do what with a task: pure rules over a task's row and an actor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.core.verbs import ALWAYS, DEFAULT
from app.identity.actor import Actor

LIVE: Final = ("open", "claimed")

Row = Mapping[str, Any]


def is_candidate(actor: Actor, task: Row) -> bool:
    """Say whether the task was offered to the actor, by name, group or role.

    Or, by name, to somebody they stand in for.
    """
    open_ = task["assignee"] is None
    return is_offered(actor, task) or (open_ and acting_for(actor, task) is not None)


def is_offered(actor: Actor, task: Row) -> bool:
    """Say whether the task was offered to the actor themselves."""
    return not set(task["candidates"]).isdisjoint(actor.candidate_keys)


def is_barred(task: Row, *usernames: str) -> bool:
    """Say whether an approval rule keeps any of these people from deciding the task."""
    barred = task["barred"]
    return bool(barred) and not set(usernames).isdisjoint(barred)


def is_holder(actor: Actor, task: Row) -> bool:
    """Say whether the task is the actor's, or that of somebody they stand in for."""
    holder = task["assignee"]
    if holder is None:
        return False
    return holder == actor.username or acting_for(actor, task) is not None


def acting_for(actor: Actor, task: Row) -> str | None:
    """Return who is away and has the task, or is offered it by name, if the actor decides for them.

    Whoever started the instance does not decide in it for others, and who is offered it
    themselves claims it for themselves.
    """
    if not actor.stands_in or task["state"] not in LIVE:
        return None
    holder = task["assignee"]
    if actor.username in (holder, task["started_by"]):
        return None
    if holder is None and is_offered(actor, task):
        return None
    meant = {holder} if holder else {key[2:] for key in task["candidates"] if key[:2] == "u:"}
    key, opened_at = task["definition_key"], task["created_at"]
    found = (one.person for one in actor.stands_in if one.covers(key, opened_at))
    return min(meant.intersection(found), default=None)


def stood_in(actor: Actor, task: Row) -> bool:
    """Say whether the task was decided or ended while the actor stood in for who had it.

    They were about to decide it perhaps, and others were faster: they read what became of it.
    """
    holder, done = task["assignee"], task["completed_at"]
    if not actor.stands_in or None in (holder, done) or task["started_by"] == actor.username:
        return False
    key, opened_at = task["definition_key"], task["created_at"]
    return any(
        one.person == holder and one.covers(key, opened_at) and one.begun and one.begun <= done
        for one in actor.stands_in
    )


def deciding(actor: Actor, task: Row) -> tuple[str, ...]:
    """Return by whom it would be decided: the actor, and whom they act for; for rules on people."""
    absent = acting_for(actor, task)
    return (actor.username,) if absent is None else (actor.username, absent)


def has(actor: Actor, task: Row) -> bool:
    """Say whether the actor could go on with the task without claiming it."""
    return task["state"] == "claimed" and is_holder(actor, task)


def takes_part(actor: Actor, task: Row) -> bool:
    """Say whether the actor holds, completed or is offered this very task."""
    return (
        is_holder(actor, task)
        or task["completed_by"] == actor.username
        or (task["state"] in LIVE and is_candidate(actor, task))
    )


def may_look(actor: Actor, task: Row) -> bool:
    """Say whether the actor takes part in this very task, or was offered it before it was over.

    Who was only offered it is told what became of it, and nothing else of its instance.
    """
    return takes_part(actor, task) or is_candidate(actor, task)


def is_free(task: Row) -> bool:
    """Say whether the task is a seat, and waits for nobody who was asked first."""
    return task["role"] is None and task["waits_for"] is None


def permits(task: Row, verb: str) -> bool:
    """Say whether the task's step allows a verb to those who may use it."""
    allow = task["allow"]
    return verb in ALWAYS or verb in (DEFAULT if allow is None else allow)


def may_assign(actor: Actor, task: Row) -> bool:
    """Say whether the actor could give the task to somebody."""
    return may_hand_over(actor, task) and task["waits_for"] is None


def may_hand_over(actor: Actor, task: Row) -> bool:
    """Same where its holder leaves: it may wait for others, who answer whoever has it then."""
    return task["state"] in LIVE and actor.can("task:assign")


def may_copy(actor: Actor, task: Row) -> bool:
    """Say whether the actor has the task, and was not only asked about it."""
    return has(actor, task) and actor.can("task:work") and task["role"] is None


def may_hand_on(actor: Actor, task: Row) -> bool:
    """Say whether the actor has the task and could decide it now, or ask others first.

    Who is asked asks nobody else: it goes one level deep.
    """
    return may_copy(actor, task) and is_free(task)


def may_pull_back(actor: Actor, task: Row) -> bool:
    """Say whether the task waits for others, and the actor may end that."""
    if task["state"] not in LIVE or task["waits_for"] is None:
        return False
    return actor.can("task:assign") or (is_holder(actor, task) and actor.can("task:work"))


def may_unask(actor: Actor, task: Row) -> bool:
    """Say whether the task is a question that the actor has asked, or may withdraw for others."""
    if task["state"] not in LIVE or task["role"] != "consult":
        return False
    mine = task["added_by"] == actor.username and actor.can("task:work")
    return mine or actor.can("task:assign")


def may_add_signer(actor: Actor, task: Row) -> bool:
    """Say whether the actor has the task, and was not added to it: that goes one level deep."""
    return may_hand_on(actor, task) and task["added_by"] is None


def may_remove_signer(actor: Actor, task: Row) -> bool:
    """Say whether the actor could take the task away from who was added by it."""
    role = task["role"] in (None, "before", "after")
    added = task["state"] in LIVE and task["added_by"] is not None and role
    return added and (task["added_by"] == actor.username or actor.can("task:assign"))


def may_comment(actor: Actor, task: Row) -> bool:
    """Say whether the actor takes part in the task's instance, or looks after all of them.

    Args:
        task: ``takes_part`` in it says that they do by another task, where that is known.
    """
    return (
        takes_part(actor, task)
        or task["started_by"] == actor.username
        or actor.can("task:read")
        or bool(task.get("takes_part"))
    )


def may_remind(actor: Actor, task: Row) -> bool:
    """Say whether others have the task, and the actor started it, may read it, or asked them.

    Args:
        task: ``reads`` in it says that the actor may read its instance, where that is known.
    """
    if task["state"] not in LIVE:
        return False
    if is_holder(actor, task):
        return task["waits_for"] is not None
    asked = task["role"] is not None and task["added_by"] == actor.username
    if asked or task["started_by"] == actor.username or actor.can("task:read"):
        return True
    theirs_to_take = task["state"] == "open" and is_candidate(actor, task)
    return bool(task.get("reads")) and not theirs_to_take


RECALLED_WITHIN: Final = timedelta(minutes=30)
"""How long one can take a completion back."""


def may_recall(actor: Actor, task: Row) -> bool:
    """Say whether the actor has completed the task, so that they might take that back."""
    mine = task["state"] == "completed" and task["completed_by"] == actor.username
    return mine and task["role"] is None and actor.can("task:work") and permits(task, "recall")


def may_take_back(actor: Actor, task: Row) -> bool:
    """Say whether the actor could end what others were asked, or undo their own decision."""
    return may_pull_back(actor, task) or may_recall(actor, task) or may_unask(actor, task)


def is_late(task: Row, now: datetime) -> bool:
    """Say whether it is too late to undo the decision of a task, if there is one."""
    done = task["completed_at"]
    return done is not None and now > done + RECALLED_WITHIN


_BESIDE: Final[Mapping[str, Callable[[Actor, Row], bool]]] = {
    "assign": may_assign,
    "transfer": may_hand_on,
    "delegate": may_hand_on,
    "consult": may_hand_on,
    "add_signer": may_add_signer,
    "remove_signer": may_remove_signer,
    "return": may_hand_on,
    "recall": may_take_back,
    "comment": may_comment,
    "attach": may_comment,
    "cc": may_copy,
    "remind": may_remind,
}
"""Verbs that do not answer the task, and who may use them."""
_ANYWHERE: Final = frozenset({"recall"})
"""Those of them that a step cannot forbid: what was begun there has to have an end."""


_DECIDING: Final = (
    *("instance_status", "state", "assignee", "candidates", "role", "waits_for", "added_by"),
    *("barred", "allow", "started_by", "completed_by"),
)
"""What the verbs of a live task depend on, for somebody who stands in for nobody."""


def allowed(actor: Actor, task: Row, *, now: datetime | None = None) -> list[str]:
    """Return the verbs that the actor could use on the task now.

    Args:
        task: a row with ``instance_status``: while the instance is suspended its tasks
            can be read, and nothing else.
        now: leave out what it is too late for.
    """
    if task["instance_status"] != "running":
        return []
    beside = [
        verb
        for verb, may in _BESIDE.items()
        if (verb in _ANYWHERE or permits(task, verb)) and may(actor, task)
    ]
    if now is not None and "recall" in beside and is_late(task, now):
        beside.remove("recall")
    return [*_answering(actor, task), *beside]


class Allowed:
    """``allowed`` for a list: most of its rows are alike, and are asked about once.

    Args:
        actor, now: as ``allowed`` has them.
    """

    __slots__ = ("_actor", "_known", "_now")

    def __init__(self, actor: Actor, now: datetime) -> None:
        self._actor, self._now = actor, now
        self._known: dict[str, list[str]] = {}

    def of(self, task: Row) -> list[str]:
        """Return the verbs; the list is shared, and not to be changed."""
        if self._actor.stands_in or task["state"] not in LIVE:  # moments make rows differ
            return allowed(self._actor, task, now=self._now)
        values = [task[name] for name in _DECIDING]
        key = repr(values)
        known = self._known.get(key)
        if known is None:
            asked = dict(zip(_DECIDING, values, strict=True))
            self._known[key] = known = allowed(self._actor, asked)
        return known


def fills_in(actor: Actor, task: Row) -> bool:
    """Say whether the actor could send the task's form now."""
    return not {"complete", "resolve"}.isdisjoint(allowed(actor, task))


def _answering(actor: Actor, task: Row) -> list[str]:
    if task["state"] not in LIVE or not actor.can("task:work"):
        return []
    if is_barred(task, *deciding(actor, task)):
        return []
    if task["state"] == "open":
        return ["claim", "complete"] if is_candidate(actor, task) else []
    if not is_holder(actor, task) or task["waits_for"] is not None:
        return []
    if task["role"] is not None:
        return ["resolve"]
    back = task["candidates"] and permits(task, "release")
    return ["release", "complete"] if back else ["complete"]
