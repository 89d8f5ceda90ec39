"""Absences over REST, by the word of their effect: delegations."""

from __future__ import annotations

from typing import Final

from app.api import answers, bodies
from app.api import bodies_absence as more
from app.api.call import Answer, Call
from app.api.operation import BASE, Operations
from app.task import absence, absences

operations = Operations("delegations", "Delegations")

_ALL: Final = "/delegations"
_ONE: Final = f"{_ALL}/<int:delegation_id>"
_OWN: Final = "own one, or task:assign"


@operations.add(
    "GET",
    _ALL,
    "List who decides for whom",
    query=more.DelegationQuery,
    permission="those one has a part in; task:assign: all",
    answers={200: bodies.Paged[more.Delegation]},
)
def list_delegations(call: Call, query: more.DelegationQuery) -> Answer:
    """List absences, the newest first."""
    asked = query.model_dump(exclude_none=True)
    found = absences.list_(call.db, call.actor, **asked, now=call.now)
    return Answer(answers.paged(found, answers.as_it_is))


@operations.add(
    "POST",
    _ALL,
    "Be away, and let somebody decide meanwhile",
    body=more.NewDelegation,
    permission="task:work; task:assign for others",
    answers={201: more.Delegation},
)
def add(call: Call, body: more.NewDelegation) -> Answer:
    """The substitute is told; it ends by itself."""
    made = absence.set_(call.db, call.actor, _wish(body), user=body.user, now=call.now)
    return Answer(made, 201, {"Location": f"{BASE}{_ALL}/{made['id']}"})


@operations.add(
    "GET",
    _ONE,
    "Get a delegation",
    permission="those who have a part in it, or task:assign",
    answers={200: more.Delegation},
)
def get(call: Call, delegation_id: int) -> Answer:
    """Return one."""
    return Answer(absences.get(call.db, call.actor, delegation_id, now=call.now))


@operations.add(
    "PUT",
    _ONE,
    "Change a delegation",
    body=more.DelegationWish,
    permission=_OWN,
    answers={200: more.Delegation},
)
def change(call: Call, delegation_id: int, body: more.DelegationWish) -> Answer:
    """As long as it is not over; `from` stays as it is if it is left out."""
    changed = absence.change(call.db, call.actor, delegation_id, _wish(body), now=call.now)
    return Answer(changed)


@operations.add("DELETE", _ONE, "End a delegation", permission=_OWN, answers={200: more.Delegation})
def end(call: Call, delegation_id: int) -> Answer:
    """It is over now; what was done meanwhile stays."""
    return Answer(absence.end(call.db, call.actor, delegation_id, now=call.now))


def _wish(body: more.DelegationWish) -> absence.Wish:
    return absence.Wish(
        body.substitute, body.until, body.from_, body.definitions, open_tasks=body.open_tasks
    )
