"""Timers, messages, children and work elsewhere, on a real database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.db.tx import Database
from app.definition import service as definitions
from app.identity.sensitive import MASK
from app.runtime import cron_starts, external, messages, migrate, queries, repair, timers
from app.runtime import service as runtime
from app.task import service as tasks
from tests.support.office import NOW, Office, make_office


@pytest.fixture
def office(db: Database) -> Office:
    return make_office(db)


def define(office: Office, key: str, steps: list[dict[str, Any]], **rest: Any) -> int:
    document = {"key": key, "name": key, "version": "1", "steps": steps, **rest}
    row, _ = definitions.create(
        office.db, office["root"], json.dumps(document), known=None, now=NOW
    )
    return row.id


def step(id: str, kind: str, *next_: str, **config: Any) -> dict[str, Any]:
    beside = {k: config.pop(k) for k in ("boundary", "multi", "on_error") if k in config}
    return {"id": id, "type": kind, "config": config, "next": list(next_), **beside}


def status(office: Office, instance_id: int) -> str:
    with office.db.transaction() as tx:
        row = tx.run(
            "select status from process_instances where id = %(id)s", {"id": instance_id}
        ).fetchone()
    assert row is not None
    return str(row["status"])


def count(office: Office, table: str) -> int:
    with office.db.transaction() as tx:
        row = tx.run(f"select count(*) as n from {table}").fetchone()
    assert row is not None
    return int(row["n"])


def test_a_timer_fires_once_when_it_is_due(office: Office) -> None:
    define(office, "t", [step("wait", "timer", after="2h")])
    one = office.start("t")
    assert timers.fire_due(office.engine, now=NOW + timedelta(hours=1)) == 0
    assert timers.fire_due(office.engine, now=NOW + timedelta(hours=2)) == 1
    assert timers.fire_due(office.engine, now=NOW + timedelta(hours=2)) == 0
    assert status(office, one) == "completed"


def test_a_suspended_instance_s_timer_gets_the_rest_of_its_time_back(office: Office) -> None:
    define(office, "t", [step("wait", "timer", after="2h")])
    one = office.start("t")
    at = NOW + timedelta(hours=1)
    runtime.suspend(office.engine, office["root"], one, now=at)
    assert timers.fire_due(office.engine, now=NOW + timedelta(days=1)) == 0
    at += timedelta(days=1)
    runtime.activate(office.engine, office["root"], one, now=at)
    assert timers.fire_due(office.engine, now=at + timedelta(minutes=59)) == 0
    assert timers.fire_due(office.engine, now=at + timedelta(hours=1)) == 1


def test_a_message_finds_who_waits_for_it(office: Office) -> None:
    define(office, "r", [step("get", "receive_message", message="paid", correlate="${k}")])
    one = office.start("r", k="7")
    other = office.start("r", k="8")
    sent = messages.send(office.engine, office["root"], "paid", "7", {"x": 1}, now=NOW)
    assert sent.instance_id == one
    assert (status(office, one), status(office, other)) == ("completed", "running")
    assert count(office, "subscriptions") == 1


def test_a_message_is_kept_for_who_comes_later(office: Office) -> None:
    define(office, "r", [step("get", "receive_message", message="paid", correlate="${k}")])
    sent = messages.send(office.engine, office["root"], "paid", "7", {}, now=NOW)
    assert sent.kept_until == NOW + timedelta(days=1)
    one = office.start("r", k="7")
    messages.deliver_left_over(office.engine, now=NOW)
    assert status(office, one) == "completed"


def test_one_instance_sends_to_another(office: Office) -> None:
    define(office, "r", [step("get", "receive_message", message="m", output={"y": "${result.x}"})])
    define(office, "s", [step("put", "send_message", message="m", payload={"x": "${1 + 1}"})])
    one = office.start("r")
    office.start("s")
    messages.deliver_left_over(office.engine, now=NOW)
    assert status(office, one) == "completed"


def test_a_message_starts_an_instance(office: Office) -> None:
    define(office, "s", [step("w", "user_task", assignee="li")], start={"message": "order"})
    sent = messages.send(office.engine, office["root"], "order", "A-1", {"x": 1}, now=NOW)
    assert sent.started
    assert sent.instance_id is not None
    assert status(office, sent.instance_id) == "running"


def test_a_child_s_end_moves_its_parent(office: Office) -> None:
    define(office, "c", [step("w", "user_task", assignee="li", form={"n": "number"})])
    define(
        office, "p", [step("call", "call_activity", process_key="c", output={"m": "${result.n}"})]
    )
    one = office.start("p")
    with office.db.transaction() as tx:
        child = tx.run("select max(id) as id from process_instances").fetchone()
    assert child is not None
    task = office.task_of(child["id"], "w")
    tasks.complete(office.engine, office["li"], task, {"n": 5}, now=NOW)
    assert status(office, one) == "completed"


def test_ending_a_parent_ends_its_children(office: Office) -> None:
    define(office, "c", [step("w", "user_task", assignee="li")])
    define(office, "p", [step("call", "call_activity", process_key="c")])
    one = office.start("p")
    runtime.terminate(office.engine, office["root"], one, now=NOW)
    with office.db.transaction() as tx:
        rows = tx.run("select status from process_instances").fetchall()
    assert {row["status"] for row in rows} == {"terminated"}


def test_a_child_that_cannot_be_started_is_an_incident(office: Office) -> None:
    define(office, "p", [step("call", "call_activity", process_key="nothing")])
    one = office.start("p")
    assert status(office, one) == "running"
    assert count(office, "incidents") == 1


def test_work_elsewhere_is_locked_and_completed(office: Office) -> None:
    define(office, "e", [step("x", "external_task", topic="pdf", output={"y": "${result.z}"})])
    one = office.start("e")
    root = office["root"]
    got = external.fetch_and_lock(office.engine, root, "w1", ["pdf"], now=NOW)
    assert len(got) == 1
    assert external.fetch_and_lock(office.engine, root, "w2", ["pdf"], now=NOW) == []
    external.complete(office.engine, root, got[0]["id"], "w1", {"z": 3}, now=NOW)
    assert status(office, one) == "completed"


def test_jump_moves_a_suspended_instance(office: Office) -> None:
    define(
        office,
        "j",
        [step("a", "user_task", "b", assignee="li"), step("b", "user_task", assignee="li")],
    )
    one = office.start("j")
    root = office["root"]
    runtime.suspend(office.engine, root, one, now=NOW)
    repair.jump(office.engine, root, one, 1, "b", now=NOW)
    runtime.activate(office.engine, root, one, now=NOW)
    assert office.task_of(one, "b")
    again = runtime.terminate(office.engine, root, one, now=NOW)
    assert again.status == "terminated"
    assert repair.restart(office.engine, root, one, now=NOW).id != one


def test_migrating_keeps_the_open_task(office: Office) -> None:
    steps = [step("a", "user_task", "b", assignee="li"), step("b", "user_task", assignee="li")]
    define(office, "m", steps)
    one = office.start("m")
    steps[0]["id"] = "first"
    target, _ = definitions.create(
        office.db,
        office["root"],
        json.dumps({"key": "m", "name": "m", "version": "2", "steps": steps}),
        known=None,
        now=NOW,
    )
    root = office["root"]
    seen = migrate.migrate(office.engine, root, one, target.id, only_preview=True, now=NOW)
    assert not seen.possible
    done = migrate.migrate(office.engine, root, one, target.id, steps={"a": "first"}, now=NOW)
    assert done.possible
    task = office.task_of(one, "first")
    tasks.complete(office.engine, office["li"], task, {}, now=NOW)
    assert office.task_of(one, "b")


def test_the_clock_starts_an_instance(office: Office) -> None:
    define(office, "c", [step("w", "user_task", assignee="li")], start={"cron": "0 12 * * *"})
    assert cron_starts.start_due(office.engine, now=NOW) == 0
    assert cron_starts.start_due(office.engine, now=NOW + timedelta(hours=3)) == 1
    assert cron_starts.start_due(office.engine, now=NOW + timedelta(hours=4)) == 0


def test_a_sensitive_field_of_a_form_is_masked(office: Office) -> None:
    form = [{"name": "iban", "type": "string", "sensitive": True}]
    define(
        office,
        "f",
        [
            step("ask", "user_task", "then", assignee="li", form=form),
            step("then", "user_task", assignee="li"),
        ],
    )
    one = office.start("f")
    tasks.complete(
        office.engine, office["li"], office.task_of(one, "ask"), {"iban": "DE1"}, now=NOW
    )
    seen = queries.get(office.db, office["li"], one, now=NOW)
    assert seen["variables"]["iban"] == MASK


def test_children_stand_still_with_their_parent(office: Office) -> None:
    define(office, "c", [step("w", "timer", after="2h")])
    define(office, "p", [step("call", "call_activity", process_key="c")])
    one, root = office.start("p"), office["root"]
    child = one + 1
    runtime.suspend(office.engine, root, one, now=NOW)
    assert status(office, child) == "suspended"
    assert timers.fire_due(office.engine, now=NOW + timedelta(hours=3)) == 0
    at = NOW + timedelta(days=1)
    runtime.activate(office.engine, root, one, now=at)
    assert status(office, child) == "running"
    assert timers.fire_due(office.engine, now=at + timedelta(hours=2)) == 1
    assert status(office, one) == "completed"


def test_a_child_that_was_suspended_by_itself_stays_so(office: Office) -> None:
    define(office, "c", [step("w", "user_task", assignee="li")])
    define(office, "p", [step("call", "call_activity", process_key="c")])
    one, root = office.start("p"), office["root"]
    runtime.suspend(office.engine, root, one + 1, now=NOW)
    runtime.suspend(office.engine, root, one, now=NOW + timedelta(hours=1))
    runtime.activate(office.engine, root, one, now=NOW + timedelta(hours=2))
    assert (status(office, one), status(office, one + 1)) == ("running", "suspended")


def test_a_child_s_end_while_its_parent_is_suspended_is_told_later(office: Office) -> None:
    define(office, "c", [step("w", "user_task", assignee="li")])
    define(
        office,
        "p",
        [step("call", "call_activity", "end", on_error="end", process_key="c"), step("end", "end")],
    )
    one, root = office.start("p"), office["root"]
    runtime.suspend(office.engine, root, one, now=NOW)
    runtime.terminate(office.engine, root, one + 1, now=NOW)
    assert status(office, one) == "suspended"
    runtime.activate(office.engine, root, one, now=NOW)
    assert status(office, one) == "completed"
