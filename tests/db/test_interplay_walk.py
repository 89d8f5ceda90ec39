"""People do whatever they may with a step that several decide: it never stands still."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import pytest

from app.core import tally
from app.errors import AppError
from app.runtime.visits import visit_of
from tests.db.conftest import Lab
from tests.db.test_absence import away, now
from tests.db.test_interplay import act, begun, sign
from tests.support import stored

PEOPLE = ["mei", "li", "wang", "stranger"]
EVERYONE = [*PEOPLE, "zhao", "root"]
MODES: list[dict[str, Any]] = [
    {"mode": "all"},
    {"mode": "any"},
    {"mode": "ratio", "ratio": 0.5},
    {"mode": "sequential"},
    {"on_reject": "after_all"},
]
VERBS = ["complete", "assign", "recall", "remove_signer"] * 3
VERBS += ["parallel", "before", "after", "consult", "delegate", "resolve", "transfer", "return"]
STEPS = 25


def agrees(lab: Lab, instance: int) -> None:
    """Fail unless somebody can go on, and nobody waits for who is not asked."""
    state = stored.agrees(lab.db, instance)
    waits = {token.wait.id for token in state.tokens if token.wait is not None}
    rows = stored.rows(lab.db, "select * from tasks where instance_id = %(id)s", id=instance)
    live = {row["id"]: row for row in rows if row["state"] in ("open", "claimed")}
    with lab.db.transaction() as tx:
        seats = {row["wait"] for row in rows if row["seat"] and row["role"] is None}
        visits = [visit_of(tx, instance, wait) for wait in seats & waits]
    for visit in filter(None, visits):
        assert visit.open, "nobody could decide"
        assert tally.decide(visit.rules, visit.votes, visit.counting) is None, "it is decided"
        assert visit.total == len(visit.queue) + len(visit.open) + len(visit.done)
    asked = {(row["serves"], row["role"]) for row in live.values() if row["role"]}
    for row in live.values():
        assert row["waits_for"] is None or (row["id"], row["waits_for"]) in asked
        if row["role"]:
            served = live[row["serves"]]
            assert row["role"] == "consult" or served["waits_for"] == row["role"]


def tried(lab: Lab, random: Random, row: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Let somebody try something with a task."""
    holders = [row["assignee"], row["completed_by"], row["added_by"], random.choice(EVERYONE)]
    actor = now(lab, random.choice(holders) or random.choice(EVERYONE))
    added = [each["assignee"] for each in rows if each["added_by"] and each["assignee"]]
    other = random.choice([*EVERYONE, *added * 3])
    values = {} if row["step"] == "ask" else {"approved": random.random() < 0.6}
    said = {"comment": "x"} if row["role"] == "consult" else {"outcome": "approve"}
    manager = random.choice(["root", "li"])
    verb, task = random.choice(VERBS), row["id"]
    by, ask = partial(act, lab), partial(act, lab, "add_signer", actor, task, [other])
    {
        "complete": partial(by, "complete", actor, task, values),
        "recall": partial(by, "recall", actor, task),
        "assign": partial(by, "assign", manager, task, manager),
        "remove_signer": partial(by, "remove_signer", random.choice([actor, "root"]), task, other),
        "parallel": ask,
        "before": partial(ask, "before"),
        "after": partial(ask, "after", values=values),
        "consult": partial(by, "consult", actor, task, [other], "?"),
        "delegate": partial(by, "delegate", actor, task, other),
        "resolve": partial(by, "resolve", actor, task, {}, **said),
        "transfer": partial(by, "transfer", actor, task, other),
        "return": partial(by, "give_back", actor, task, "ask", comment="No"),
    }[verb]()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_people_do_it_goes_on(lab: Lab, seed: int) -> None:
    random = Random(seed)
    people = random.sample(PEOPLE, random.choice([2, 3]))
    chosen = {"assignees": people, **MODES[seed % len(MODES)]}
    if seed == 7:
        chosen = {"assignee": people[0]}
    ends = (sign(id=step, assignee="root") for step in ("two", "three"))
    instance = begun(lab, sign("two", "three", **chosen), *ends)
    if seed % 3 == 0:
        away(lab, people[0], people[-1])
    done = 0
    for _ in range(STEPS):
        lab.later(seconds=30)
        sql = "select * from tasks where instance_id = %(id)s order by id desc limit 8"
        rows = stored.rows(lab.db, sql, id=instance)
        live = [row for row in rows if row["state"] in ("open", "claimed")]
        row = random.choice(live if live and random.random() < 0.6 else rows)
        try:
            with lab.db.transaction() as tx, tx.undone_on_error():
                tried(lab, random, row, rows)
        except AppError as error:
            if error.status >= 500:
                raise
        else:
            done += 1
            agrees(lab, instance)
    assert done, "nothing was allowed"
