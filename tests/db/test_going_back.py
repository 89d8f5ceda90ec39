"""Return, recall and withdrawal: what becomes of tasks and values, who is told, what is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.definition import service as definitions
from app.errors import AppError, Forbidden, Invalid
from app.history import queries as history
from app.identity.sensitive import MASK
from app.runtime import service as runtime
from app.task import queries, service
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW

SOON = NOW + timedelta(minutes=10)
LATE = SOON + timedelta(minutes=31)
TRIP: dict[str, Any] = {
    "name": "Trip",
    "key": "trip",
    "version": "1",
    "variables": {
        "days": {"type": "number", "label": "Days"},
        "salary": {"type": "number", "sensitive": True},
    },
    "start": {"form": {"days": "number"}},
    "steps": [
        {
            "id": "plan",
            "name": "Plan",
            "type": "user_task",
            "config": {
                "assignee": "${initiator.username}",
                "form": {"days": "number", "place": "string", "salary": "number"},
            },
            "next": ["check"],
        },
        {
            "id": "check",
            "name": {"en": "Check", "zh": "核对"},
            "type": "user_task",
            "config": {"assignee": "finance_team", "form": {"fine": "boolean"}},
            "next": ["sign"],
        },
        {
            "id": "sign",
            "name": "Sign",
            "type": "user_task",
            "config": {"assignee": "li", "form": {"note": "text"}},
            "next": ["book"],
        },
        {
            "id": "book",
            "name": "Book",
            "type": "external_task",
            "config": {"topic": "travel"},
            "point_of_no_return": True,
        },
    ],
}


def publish(lab: Lab, **settings: Any) -> None:
    text = json.dumps({**TRIP, "settings": settings})
    definitions.create(lab.db, lab.office["root"], text, known=None, now=NOW)


def begun(lab: Lab, **settings: Any) -> int:
    publish(lab, **settings)
    return lab.office.start("trip", days=3)


def done(lab: Lab, instance: int, step: str, by: str, **values: Any) -> int:
    task = lab.office.task_of(instance, step)
    service.complete(lab.engine, lab.office[by], task, values, now=NOW)
    return task


def at_sign(lab: Lab, **settings: Any) -> int:
    instance = begun(lab, **settings)
    done(lab, instance, "plan", "zhao", days=5, place="Ulm", salary=9)
    done(lab, instance, "check", "mei", fine=True)
    return instance


def back(lab: Lab, instance: int, step: str, by: str, to: str, **more: Any) -> dict[str, Any]:
    task = lab.office.task_of(instance, step)
    given = {"comment": "Too long.", "now": SOON} | more
    returned: dict[str, Any] = service.give_back(lab.engine, lab.office[by], task, to, **given)
    return returned


def get(lab: Lab, by: str, instance: int, step: str, now: Any = SOON) -> dict[str, Any]:
    return queries.get(lab.db, lab.office[by], lab.office.task_of(instance, step), now=now)


def notes(lab: Lab) -> list[tuple[str, str, str | None]]:
    found = stored.rows(lab.db, "select username, event, text from notifications order by id")
    return [(each["username"], each["event"], each["text"]) for each in found]


def kinds(lab: Lab, instance: int) -> list[str]:
    return [line["kind"] for line in history.events(lab.db, lab.office["root"], instance)]


def refused(code: str, call: Any, *args: Any, **more: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        call(*args, **more)
    assert caught.value.code == code
    return caught.value


def test_a_returned_task_opens_again_for_who_did_it_and_tells_what_is_to_be_known(lab: Lab) -> None:
    instance = at_sign(lab)
    ways = get(lab, "li", instance, "sign")["return_to"]
    assert [(way["step"]["id"], way["by"]) for way in ways] == [
        ("check", "mei"),
        ("plan", "zhao"),
        ("@start", "zhao"),
    ]
    assert [way["initiator"] for way in ways] == [False, True, False]
    cancelled = back(lab, instance, "sign", "li", "initiator")
    assert (cancelled["state"], cancelled["reason"], cancelled["allowed"]) == (
        "cancelled",
        "Too long.",
        ["comment", "attach"],
    )
    again = get(lab, "zhao", instance, "plan")
    assert (again["state"], again["assignee"], again["round"]) == ("claimed", "zhao", 2)
    assert again["values"]["place"] == "Ulm"
    told = again["returned"]
    assert (told["by"], told["reason"], told["from"]["id"]) == ("li", "Too long.", "sign")
    assert [(each["step"]["id"], each["by"]) for each in told["again"]] == [
        ("check", "mei"),
        ("sign", "li"),
    ]
    assert [(each["step"]["id"], each["by"]) for each in told["opinions"]] == [
        ("check", "mei"),
        ("plan", "zhao"),
    ]
    assert notes(lab)[-1] == ("zhao", "returned", "Too long.")
    assert "task.returned" in kinds(lab, instance)
    stored.agrees(lab.db, instance)


def test_who_decides_again_sees_what_has_changed_since(lab: Lab) -> None:
    instance = at_sign(lab)
    back(lab, instance, "sign", "li", "plan")
    done(lab, instance, "plan", "zhao", days=4, place="Bonn", salary=8)
    told = get(lab, "mei", instance, "check")["returned"]
    assert [(each["name"], each["before"], each["after"]) for each in told["changes"]] == [
        ("days", 5, 4),
        ("place", "Ulm", "Bonn"),
        ("salary", MASK, MASK),
    ]
    assert told["changes"][0]["label"] == "Days"
    done(lab, instance, "check", "mei", fine=True)
    told = get(lab, "root", instance, "sign")["returned"]
    assert [each["before"] for each in told["changes"]][2] == Decimal(9)
    assert told["again"] == []
    stored.agrees(lab.db, instance)


def test_it_comes_straight_back_to_who_returned_it(lab: Lab) -> None:
    instance = at_sign(lab)
    back(lab, instance, "sign", "li", "plan", resume="straight_back")
    told = get(lab, "zhao", instance, "plan")["returned"]
    assert [(each["step"]["id"], each["by"]) for each in told["again"]] == [("sign", "li")]
    done(lab, instance, "plan", "zhao", days=4)
    again = get(lab, "li", instance, "sign")
    assert (again["assignee"], again["round"], again["mine"]) == ("li", 2, True)
    stored.agrees(lab.db, instance)


def test_what_cannot_be_returned_is_refused_and_changes_nothing(lab: Lab) -> None:
    instance = at_sign(lab, max_rounds=2)
    check = stored.rows(lab.db, "select state from process_instances order by id")
    refused("task_not_found", back, lab, instance, "sign", "stranger", "plan")
    refused("not_a_candidate", back, lab, instance, "sign", "mei", "plan")
    refused("comment_needed", back, lab, instance, "sign", "li", "plan", comment=" ")
    refused("cannot_return", back, lab, instance, "sign", "li", "book")
    refused("cannot_return", back, lab, instance, "sign", "li", "plan", resume="perhaps")
    assert stored.rows(lab.db, "select state from process_instances order by id") == check
    back(lab, instance, "sign", "li", "previous")
    assert get(lab, "mei", instance, "check")["return_to"] == []
    assert "return" not in get(lab, "mei", instance, "check")["allowed"]
    refused("too_many_rounds", back, lab, instance, "check", "mei", "plan")


def test_only_who_has_claimed_a_task_returns_it(lab: Lab) -> None:
    instance = begun(lab)
    done(lab, instance, "plan", "zhao", days=5)
    refused("not_yours_yet", back, lab, instance, "check", "mei", "plan")
    assert get(lab, "zhao", instance, "check")["return_to"] == []


def recall(lab: Lab, by: str, task: int, now: Any = SOON) -> dict[str, Any]:
    back: dict[str, Any] = service.recall(
        lab.engine, lab.office[by], task, comment="Oops.", now=now
    )
    return back


def test_a_recalled_decision_is_open_again_and_its_values_are_as_before(lab: Lab) -> None:
    instance = begun(lab)
    task, typed = lab.office.task_of(instance, "plan"), {"days": 5, "place": "Ulm"}
    service.complete(lab.engine, lab.office["zhao"], task, typed, comment="Soon", now=NOW)
    again = recall(lab, "zhao", task)
    assert (again["step"]["id"], again["state"], again["assignee"]) == ("plan", "claimed", "zhao")
    assert again["id"] == lab.office.task_of(instance, "plan") != task
    (row,) = stored.rows(lab.db, "select variables from process_instances")
    assert row["variables"] == {"days": 3}
    kept = get(lab, "zhao", instance, "plan")["draft"]
    assert (kept["by"], kept["values"], kept["comment"]) == ("zhao", typed, "Soon")
    (old,) = stored.rows(lab.db, "select state, completed_by from tasks order by id limit 1")
    assert (old["state"], old["completed_by"]) == ("cancelled", None)
    assert "task.recalled" in kinds(lab, instance)
    refused("task_cancelled", recall, lab, "zhao", task)
    stored.agrees(lab.db, instance)


def claim(lab: Lab, instance: int) -> None:
    service.claim(lab.engine, lab.office["mei"], lab.office.task_of(instance, "check"), now=NOW)


def typed(lab: Lab, instance: int) -> None:
    task = lab.office.task_of(instance, "check")
    service.save_draft(lab.engine, lab.office["wang"], task, {"fine": "true"}, now=NOW)


def released(lab: Lab, instance: int) -> None:
    claim(lab, instance)
    service.release(lab.engine, lab.office["mei"], lab.office.task_of(instance, "check"), now=NOW)


def corrected(lab: Lab, instance: int) -> None:
    runtime.set_variables(lab.engine, lab.office["root"], instance, {"days": 9}, now=NOW)


@pytest.mark.parametrize(
    ("touch", "kind", "by"),
    [
        (claim, "task", "mei"),
        (released, "task", "mei"),
        (typed, "draft", "wang"),
        (corrected, "variables", None),
    ],
)
def test_what_others_have_gone_on_with_is_not_recalled(
    lab: Lab, touch: Any, kind: str, by: str | None
) -> None:
    instance = begun(lab)
    task = done(lab, instance, "plan", "zhao", days=5)
    touch(lab, instance)
    error = refused("gone_on", recall, lab, "zhao", task)
    (way,) = error.extra["in_the_way"][:1]
    assert (way["kind"], way["by"]) == (kind, by)
    assert error.extra["ask"] == (["mei"] if touch is claim else [])
    assert "check" not in str(error), "the step is told by its name"
    assert ("Check" in str(error)) == (kind != "variables")


def test_a_reminder_and_a_comment_do_not_stand_in_the_way(lab: Lab) -> None:
    instance = begun(lab)
    task = done(lab, instance, "plan", "zhao", days=5)
    check = lab.office.task_of(instance, "check")
    service.remind(lab.engine, lab.office["zhao"], check, now=SOON)
    service.comment(lab.engine, lab.office["mei"], check, "Well", now=SOON)
    assert recall(lab, "zhao", task)["state"] == "claimed"


def test_a_decision_is_recalled_for_half_an_hour_by_who_made_it(lab: Lab) -> None:
    instance = at_sign(lab)
    task = lab.office.task_of(instance, "check")
    assert "recall" in get(lab, "mei", instance, "check")["allowed"]
    assert "recall" not in get(lab, "mei", instance, "check", LATE)["allowed"]
    assert refused("too_late", recall, lab, "mei", task, LATE).extra["ask"] == ["li"]
    refused("not_yours", recall, lab, "root", task)
    refused("gone_on", recall, lab, "zhao", lab.office.task_of(instance, "plan"))


def test_a_job_that_has_begun_stands_in_the_way_and_one_that_waits_does_not(lab: Lab) -> None:
    instance = at_sign(lab)
    task = done(lab, instance, "sign", "li", note="Go")
    with lab.db.transaction() as tx:
        tx.run("update jobs set state = 'leased', attempt = 1")
    error = refused("gone_on", recall, lab, "li", task)
    assert error.extra["in_the_way"][0]["kind"] == "job"
    with lab.db.transaction() as tx:
        tx.run("update jobs set state = 'due', attempt = 0")
    assert recall(lab, "li", task)["step"]["id"] == "sign"
    assert stored.rows(lab.db, "select state from jobs")[0]["state"] == "cancelled"


def withdraw(lab: Lab, instance: int, by: str = "zhao", **more: Any) -> Any:
    return runtime.withdraw(lab.engine, lab.office[by], instance, now=SOON, **more)


def test_a_withdrawn_instance_ends_as_withdrawn_and_tells_whom_it_concerns(lab: Lab) -> None:
    instance = at_sign(lab)
    with pytest.raises(Forbidden):
        withdraw(lab, instance, "li")
    with pytest.raises(Invalid, match="Say why"):
        withdraw(lab, instance)
    row = withdraw(lab, instance, comment="Not needed.")
    assert (row.status, row.result) == ("terminated", "withdrawn")
    assert notes(lab)[-1] == ("li", "withdrawn", "Not needed.")
    assert kinds(lab, instance)[-1] == "instance.withdrawn"
    assert withdraw(lab, instance, comment="Not needed.").status == "terminated"
    stored.agrees(lab.db, instance)


def test_it_goes_back_to_the_start_form_if_the_definition_says_so(lab: Lab) -> None:
    instance = begun(lab, withdraw="start_form")
    assert withdraw(lab, instance, comment="Six days").status == "running"
    said = "select data -> 'lines' -> 0 -> 2 as said from history_events order by seq"
    told = stored.rows(lab.db, said)[-1]
    assert told["said"] == {"to": "@start", "reason": "Six days"}
    again = get(lab, "zhao", instance, "@start")
    assert (again["step"]["name"]["en"], again["values"]) == ("Start form", {"days": 3})
    done(lab, instance, "@start", "zhao", days=7)
    assert get(lab, "zhao", instance, "plan")["round"] == 2
    stored.agrees(lab.db, instance)
    withdraw(lab, instance)
    assert withdraw(lab, instance).result == "withdrawn"


def test_a_start_form_made_of_the_variables_is_opened_again_too(lab: Lab) -> None:
    """What is written as JSON stays as it is; a return gets there as a withdrawal does."""
    document = {name: part for name, part in TRIP.items() if name != "start"}
    document["variables"] = TRIP["variables"] | {"stops": "array"}
    text = json.dumps(document | {"settings": {"withdraw": "start_form"}})
    definitions.create(lab.db, lab.office["root"], text, known=None, now=NOW)
    instance = lab.office.start("trip", days=3, stops=["Ulm"])
    withdraw(lab, instance)
    again = get(lab, "zhao", instance, "@start")
    assert [field["name"] for field in again["form"]] == ["days", "salary"]
    assert again["values"] == {"days": 3, "salary": None}
    done(lab, instance, "@start", "zhao", days=7)
    done(lab, instance, "plan", "zhao", days=7)
    task = lab.office.task_of(instance, "check")
    service.claim(lab.engine, lab.office["mei"], task, now=NOW)
    assert back(lab, instance, "check", "mei", "@start")["step"]["id"] == "check"
    done(lab, instance, "@start", "zhao", days=8)
    assert stored.agrees(lab.db, instance).variables == {"days": 8, "stops": ["Ulm"]}


def test_it_is_not_withdrawn_where_the_definition_does_not_let_it(lab: Lab) -> None:
    instance = at_sign(lab)
    done(lab, instance, "sign", "li", note="Go")
    error = refused("point_of_no_return", withdraw, lab, instance, comment="x")
    assert error.extra["steps"] == ["book"]
    runtime.suspend(lab.engine, lab.office["root"], instance, now=SOON)
    refused("instance_suspended", withdraw, lab, instance, comment="x")


def test_a_definition_may_keep_it_from_being_withdrawn(lab: Lab) -> None:
    with pytest.raises(Forbidden, match="does not allow"):
        withdraw(lab, begun(lab, withdraw="never"))
