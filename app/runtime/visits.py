"""Reading an arrival at a step that several people decide: its rules, its seats, its votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core import tally
from app.core.rules import Rules, rules_from_json
from app.core.tally import Vote
from app.core.values import iso_text
from app.db.tx import Tx
from app.db.wire import Answer, Statement

Row = Mapping[str, Any]

REMOVED: Final = "removed"
"""Why a seat was withdrawn that was taken away; else ``decided``, or what ended the wait."""
BY_MANAGER: Final = "by_manager"
"""``tasks.rule`` of what a manager has taken to decide it for others: of several who decide it
is no vote."""
_VISIT: Final = """
select rules, queue, total,
       (select max(seat) from tasks t
         where t.instance_id = v.instance_id and t.wait = v.wait) as top
  from visits v where instance_id = %(instance)s and wait = %(wait)s
"""
_SEATS: Final = """
select id, seat, state, assignee, candidates, completed_at, completed_by, on_behalf_of, outcome,
       values, comment, reason, added_by, decided_by, role, rule
  from tasks where instance_id = %(instance)s and wait = %(wait)s order by id
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One arrival at a step that several people decide.

    Args:
        wait: of the token.
        queue: seats that are not open yet, ``{assignee, candidates, added_by?}`` each.
        total: seats that were given; see ``counting``.
        seats: their rows, withdrawn ones too, in the order in which they were opened.
        top: the highest number of a row of this wait; what is asked of others has some too.
        asking: whether somebody who was asked by one of them has not answered.
    """

    instance: int
    wait: int
    rules: Rules
    queue: Sequence[Row]
    total: int
    seats: Sequence[Row]
    top: int
    asking: bool = False

    @property
    def open(self) -> list[Row]:
        """The seats of those who could decide now."""
        return [seat for seat in self.seats if seat["state"] in ("open", "claimed")]

    @property
    def done(self) -> list[Row]:
        """The seats of those who have decided, in the order in which they did."""
        done = [seat for seat in self.seats if seat["state"] == "completed"]
        return sorted(done, key=lambda seat: (seat["completed_at"], seat["id"]))

    @property
    def counting(self) -> int:
        """How many have a say: a seat that a manager has decided is not counted any more."""
        return self.total - len([seat for seat in self.done if seat["rule"] == BY_MANAGER])

    @property
    def votes(self) -> list[Vote]:
        """What was decided so far, in the order in which it was."""
        return [self._vote(seat) for seat in self.done]

    def _vote(self, seat: Row) -> Vote:
        values = seat["values"] or {}
        return Vote(
            user=seat["completed_by"],
            approves=bool(tally.approval(self.rules, values, seat["outcome"])),
            at=iso_text(seat["completed_at"]),
            outcome=seat["outcome"],
            values=values,
            comment=seat["comment"],
            behalf=seat["on_behalf_of"],
            counted=seat["rule"] != BY_MANAGER,
        )

    def approves(self, seat: Row) -> bool | None:
        """Say whether a seat's decision approves; None: there is none, or nothing to decide."""
        if seat["state"] != "completed" or not self.decides:
            return None
        return tally.approval(self.rules, seat["values"] or {}, seat["outcome"])

    @property
    def decides(self) -> bool:
        """Whether there is anything to approve, or only something to be done."""
        return self.rules.field is not None or self.rules.approving is not None

    def held_by(self, username: str) -> Row | None:
        """Return the seat, or the place in the queue, that somebody has or has decided."""
        for seat in (*self.seats, *self.queue):
            state = seat.get("state", "waiting")
            if state != "cancelled" and username in (seat["assignee"], seat.get("completed_by")):
                return seat
        return None


def asking(instance_id: int, wait: int) -> list[Statement]:
    """Return what asks for a visit and its seats."""
    about = {"instance": instance_id, "wait": wait}
    return [(_VISIT, about), (_SEATS, about)]


def answered(instance_id: int, wait: int, answers: Sequence[Answer]) -> Visit | None:
    """Return the visit that the answers to ``asking`` tell of; None: there is none."""
    found, there = answers[0].fetchone(), answers[1].fetchall()
    if found is None:
        return None
    rules = rules_from_json(found["rules"])
    seats = [seat for seat in there if seat["seat"] and seat["role"] is None]
    asking = any(row["role"] and row["state"] in ("open", "claimed") for row in there)
    return Visit(
        *(instance_id, wait, rules, found["queue"], found["total"], seats, found["top"], asking)
    )


def visit_of(tx: Tx, instance_id: int, wait: int) -> Visit | None:
    """Return a visit; whoever wants to change it has locked its instance."""
    return answered(instance_id, wait, tx.together(asking(instance_id, wait)))


def counts(visit: Visit, votes: Sequence[Vote], total: int) -> dict[str, Any]:
    """Return how a visit stands, as it is told.

    Args:
        total: people who have a say, see ``Visit.counting``.
    """
    cast = tally.of_count(votes)
    approved = sum(vote.approves for vote in cast)
    return {
        "mode": visit.rules.mode,
        "needed": tally.needed(visit.rules, total),
        "total": total,
        "approved": approved,
        "rejected": len(cast) - approved,
    }
