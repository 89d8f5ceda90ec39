"""The history proves itself: what is done to it is refused, or found; and it can be replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg import errors

from app.core.duration import parse_duration
from app.definition import service as definitions
from app.errors import AppError, Forbidden, NotFound
from app.history import queries, record
from app.runtime import jobs
from app.runtime import service as runtime
from app.runtime.failures import Failure
from app.task import service as tasks
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW
from tests.support.scenario import EXAMPLES, gateway, person, read_scenario, scenarios, service

# --- the chain ------------------------------------------------------------------------


@pytest.fixture
def told(lab: Lab) -> int:
    """An instance with five rows of history: started, claimed, completed, suspended, activated."""
    instance = lab.start("request", amount=5)
    lab.later(minutes=1)
    lab.complete(instance, "approve", approved=True)
    lab.operate("suspend", instance, reason="a look at the papers")
    lab.operate("activate", instance)
    return instance


@pytest.mark.parametrize(
    "sql",
    [
        "update history_events set actor = 'li' where seq = 2",
        "update history_events set hash = hash",
        "delete from history_events where seq = 5",
        "delete from history_events",
    ],
)
def test_the_database_refuses_to_change_the_history(lab: Lab, told: int, sql: str) -> None:
    before = stored.everything(lab.db)
    with pytest.raises(errors.RaiseException, match="append-only"), lab.db.transaction() as tx:
        tx.run(sql)
    assert stored.everything(lab.db) == before


FORGED = {
    "another actor": ("update history_events set actor = 'li' where seq = 3", 3),
    "another time": (
        "update history_events set at = at - interval '1 microsecond' where seq = 2",
        2,
    ),
    "another number in it": (
        "update history_events"
        " set data = jsonb_set(data::jsonb, '{events,0,variables,amount}', '5.0')::json"
        " where seq = 1",
        1,
    ),
    "somebody stood in": ("update history_events set on_behalf_of = 'wang' where seq = 3", 3),
    "another kind": ("update history_events set kind = 'instance.failed' where seq = 4", 4),
    "changed, with a fitting hash": (
        "update history_events set actor = 'li',"
        " hash = history_hash(prev_hash, seq, at, 'li', on_behalf_of, kind, data) where seq = 3",
        4,
    ),
    "the last one changed, with a fitting hash": (
        "update history_events set actor = 'li',"
        " hash = history_hash(prev_hash, seq, at, 'li', on_behalf_of, kind, data) where seq = 5",
        5,
    ),
    "one removed": ("delete from history_events where seq = 3", 4),
    "the first removed": ("delete from history_events where seq = 1", 2),
    "the last removed": ("delete from history_events where seq = 5", 5),
    "all removed": ("delete from history_events", 5),
    "one removed and the others moved up": (
        "delete from history_events where seq = 2;"
        " update history_events set seq = seq - 1 where seq > 2",
        2,
    ),
    "two exchanged": (
        "update history_events set seq = 99 where seq = 2;"
        " update history_events set seq = 2 where seq = 3;"
        " update history_events set seq = 3 where seq = 99",
        2,
    ),
    "one slipped in at the end": (
        "insert into history_events (instance_id, seq, at, actor, kind, data, prev_hash, hash)"
        " select instance_id, 6, at, actor, kind, data, hash,"
        "        history_hash(hash, 6, at, actor, on_behalf_of, kind, data)"
        "   from history_events where seq = 5",
        5,
    ),
    "one slipped in before the first": (
        "insert into history_events (instance_id, seq, at, actor, kind, data, prev_hash, hash)"
        " select instance_id, 0, at, actor, kind, data, prev_hash,"
        "        history_hash(prev_hash, 0, at, actor, on_behalf_of, kind, data)"
        "   from history_events where seq = 1",
        0,
    ),
    "the head forgotten": ("update process_instances set history_seq = 4", 4),
}


@pytest.mark.parametrize("how", sorted(FORGED))
def test_what_somebody_changes_behind_the_guard_is_found(lab: Lab, told: int, how: str) -> None:
    sql, where = FORGED[how]
    other = lab.start("choice")
    with lab.db.transaction() as tx:
        assert record.verify(tx, told) is None
        tx.run("alter table history_events disable trigger history_append_only")
        for statement in sql.split(";"):
            table = "process_instances where id" if "process_instances" in statement else ""
            only = f"{'id' if table else 'instance_id'} = {told}"
            glue = " and " if " where " in statement else " where "
            tx.run(statement + glue + only)
    assert queries.verify(lab.db, lab.office["root"]) == {told: where}
    assert queries.verify(lab.db, lab.office["root"], instance_id=told) == {told: where}
    assert queries.verify(lab.db, lab.office["root"], instance_id=other) == {}


def test_all_instances_are_looked_at_a_few_at_a_time(lab: Lab) -> None:
    made = [lab.start("request") for _ in range(5)]
    assert queries.verify(lab.db, lab.office["root"], size=2) == {}
    with lab.db.transaction() as tx:
        tx.run(
            "update process_instances set history_hash = '' where id = any(%(ids)s)",
            {"ids": made[3:]},
        )
    assert queries.verify(lab.db, lab.office["root"], size=2) == {made[3]: 1, made[4]: 1}


def test_checking_needs_a_right_and_something_to_check(lab: Lab) -> None:
    assert queries.verify(lab.db, lab.office["root"]) == {}
    with pytest.raises(Forbidden):
        queries.verify(lab.db, lab.office["li"])
    with pytest.raises(NotFound):
        queries.verify(lab.db, lab.office["root"], instance_id=4711)


def test_two_rows_cannot_follow_the_same_one(lab: Lab, told: int) -> None:
    with lab.db.transaction() as tx:
        head = tx.run(
            "select id, history_seq - 1 as history_seq, history_hash from process_instances"
            " where id = %(id)s",
            {"id": told},
        ).rows[0]
        with pytest.raises(errors.UniqueViolation), tx.undone_on_error():
            record.append(tx, head, at=NOW, actor="root", kind="task.claimed", lines=[])


@pytest.mark.parametrize("actor", ["mei", "李", "a\x1fb"])
@pytest.mark.parametrize("behalf", [None, "", "-", "wang"])
def test_the_database_computes_the_hash_that_the_writer_computed(
    lab: Lab, actor: str, behalf: str | None
) -> None:
    at = NOW.replace(microsecond=123_457)
    data = {"events": [], "lines": [["x", None, {"n": Decimal("1.50"), "t": "\u20ac\n"}]]}
    head = {"id": 1, "history_seq": 6, "history_hash": b"before"}
    row = record.row(head, at=at, actor=actor, kind="x", data=data, on_behalf_of=behalf)
    with lab.db.transaction() as tx:
        found = tx.run(
            "select history_hash(%(prev)s, %(seq)s::int, %(at)s, %(actor)s, %(behalf)s, %(kind)s,"
            " %(data)s) as hash",
            row,
        )
    assert found.rows[0]["hash"] == row["hash"]


# --- reading --------------------------------------------------------------------------


def test_a_reader_gets_whole_rows_and_goes_on_after_the_last(lab: Lab, told: int) -> None:
    root = lab.office["root"]
    whole = queries.events(lab.db, root, told)
    first = queries.events(lab.db, root, told, size=1)
    assert {line["seq"] for line in first} == {1}
    assert len(first) > 1
    rest = queries.events(lab.db, root, told, after=1)
    assert [*first, *rest] == whole
    assert len({(line["seq"], line["hash"]) for line in whole}) == 5


@pytest.mark.parametrize(("by", "salary"), [("zhao", "••••••"), ("li", "••••••"), ("root", 900)])
def test_sensitive_values_are_masked_in_the_history(lab: Lab, by: str, salary: Any) -> None:
    instance = lab.start("request", salary=900, amount=5)
    (started,) = (
        line
        for line in queries.events(lab.db, lab.office[by], instance)
        if line["kind"] == "instance.started"
    )
    assert started["data"]["variables"] == {"salary": salary, "amount": 5}


def test_a_stranger_reads_no_history(lab: Lab) -> None:
    instance = lab.start("request")
    for who in ("stranger", "li", "mei"):
        seen = who != "stranger"
        if seen:
            assert queries.events(lab.db, lab.office[who], instance)
        else:
            with pytest.raises(NotFound):
                queries.events(lab.db, lab.office[who], instance)


# --- replay ---------------------------------------------------------------------------


# The start form refuses what the scenario "stuck" begins with.
STORED = [
    path
    for path in scenarios()
    if not path.stem.endswith(".stuck")
    and path.stem.startswith(("example_leave", "example_order", "example_purchase_email"))
]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_scenario_is_stored_as_its_history_says(lab: Lab, path: Path) -> None:
    scenario = read_scenario(path)
    source = (EXAMPLES / "definitions" / f"{scenario['definition']}.json").read_text("utf-8")
    definitions.create(lab.db, lab.office["root"], source, known=None, now=NOW)
    for called in json.loads(source)["steps"]:
        config = called.get("config", {})
        name = (config.get("service_name"), config.get("method"))
        if called["type"] == "service_task" and not lab.services.known(*name):
            lab.services.register(*name, lambda given, context: None)
    zhao = replace(lab.office["zhao"], email="zhao@example.com", manager="li")
    instance = runtime.start(
        lab.engine,
        replace(zhao, **scenario["start"].get("by", {})),
        definition_key=scenario["definition"],
        variables=scenario["start"]["variables"],
        now=NOW,
    ).id
    stored.agrees(lab.db, instance)
    for answer in scenario["answers"]:
        lab.at = parse_duration(answer.get("after", "1m")).add_to(lab.at, lab.at.tzinfo)
        give(lab, instance, answer)
        stored.agrees(lab.db, instance)
    expected = scenario["expect"]
    state = stored.state_of(lab.db, instance)
    assert state.status == expected["status"]
    entered = [step for kind, step in stored.lines(lab.db, instance) if kind == "step.entered"]
    assert entered == expected["path"]


def give(lab: Lab, instance: int, answer: Mapping[str, Any]) -> None:
    """Do to the stored instance what an answer of a scenario says."""
    if "values" in answer:
        task_id = lab.task(instance, answer["step"])
        with lab.db.transaction() as tx:
            # The scenario's people are not the office's: whoever acts has the task.
            tx.run(
                "update tasks set state = 'claimed', assignee = 'mei' where id = %(id)s",
                {"id": task_id},
            )
        tasks.complete(
            lab.engine,
            lab.office["mei"],
            task_id,
            answer["values"],
            outcome=answer.get("outcome"),
            now=lab.at,
        )
        return
    job = lab.job()
    assert job.step == answer["step"]
    if "fails" not in answer:
        jobs.succeed(lab.engine, job, answer.get("result"), now=lab.at, spread=0)
        return
    failure = Failure(**{"business": True, **answer["fails"]})
    jobs.fail(lab.engine, job, failure, now=lab.at, spread=0)


WALK = (
    service("check", "route", service_name="Math", method="halve"),
    gateway("route", ("${amount > 10}", "approve"), ("${amount > 1}", "mail")),
    person("approve", "pay", "rework", assignee="finance_team", form={"approved": "boolean"}),
    person("rework", "check", assignee="${initiator.username}", form={"amount": "number"}),
    service("mail", "pay", on_error="rework", retry_policy={"max_attempts": 2}),
    person("pay", assignee="finance_team", due_date="1d"),
)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_history_leads_to_what_is_stored(lab: Lab, seed: int) -> None:
    """A random walk: after each act all agrees; what was refused changed nothing."""
    chance = Random(seed)
    lab.services.register_inline("Math", "halve", lambda given: {"amount": given["amount"] / 2})
    lab.services.register("Mail", "send", lambda given, context: None)
    lab.define(*WALK, key="walk", variables={"amount": "number"})
    instance = lab.start("walk", amount=chance.choice([1, 8, 50]))
    acts = 0
    for _ in range(30):
        before = stored.everything(lab.db)
        lab.later(minutes=chance.randint(0, 90))
        try:
            act(lab, instance, chance)
            acts += 1
        except AppError:
            assert stored.everything(lab.db) == before
        state = stored.agrees(lab.db, instance)
        if state.status in ("completed", "terminated"):
            break
    assert acts > 2


def act(lab: Lab, instance: int, chance: Random) -> None:
    """Do one of the things that people and workers do."""
    operator = lab.office[chance.choice(["root", "root", "root", "zhao"])]
    choice = chance.randint(0, 12)
    if choice <= 3:
        with lab.db.transaction() as tx:
            row = tx.run(
                "select max(id) as id, max(step) as step from tasks where instance_id = %(id)s"
                " and state in ('open', 'claimed')",
                {"id": instance},
            ).fetchone()
        assert row is not None
        verb = chance.choice(["claim", "release", "complete", "complete", "complete"])
        who = lab.office[chance.choice(["mei", "wang", "zhao"])]
        given: list[Any] = []
        if verb == "complete":
            values = {
                "approve": {"approved": chance.choice([True, False])},
                "rework": {"amount": chance.choice([2, 9, 70])},
            }
            given = [values.get(row["step"], {})]
        getattr(tasks, verb)(lab.engine, who, row["id"] or 0, *given, now=lab.at)
    elif choice <= 6:
        for job in jobs.lease(lab.db, "worker", limit=1, now=lab.at):
            if chance.random() < 0.5:
                jobs.succeed(lab.engine, job, {"sent": True}, now=lab.at, spread=0)
            else:
                failure = Failure("away", "No.", business=chance.random() < 0.3)
                jobs.fail(lab.engine, job, failure, now=lab.at, spread=0)
    elif choice == 7:
        runtime.suspend(lab.engine, operator, instance, now=lab.at)
    elif choice <= 9:
        runtime.activate(lab.engine, operator, instance, now=lab.at)
    elif choice == 10:
        values = {"amount": chance.choice([3, 40])}
        runtime.set_variables(lab.engine, operator, instance, values, now=lab.at)
    elif choice == 11:
        (incident,) = stored.rows(
            lab.db, "select coalesce(max(id), 0) as id from incidents where resolved_at is null"
        )
        runtime.retry_incident(lab.engine, operator, incident["id"], now=lab.at)
    elif chance.random() < 0.1:
        runtime.terminate(lab.engine, operator, instance, now=lab.at)


def test_a_replay_is_told_apart_from_a_forged_state(lab: Lab) -> None:
    instance = lab.start("request", amount=5)
    with lab.db.transaction() as tx:
        tx.conn.execute(
            sa.text("update process_instances set variables = '{\"amount\": 6}' where id = :id"),
            {"id": instance},
        )
    with pytest.raises(AssertionError):
        stored.agrees(lab.db, instance)
