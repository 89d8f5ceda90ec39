"""Several people at the same moment: one wins, the others are told; nothing is done by half."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from app.definition import service as definitions
from app.errors import AppError, Conflict, NotFound, Unavailable
from app.identity import service as identity
from app.identity.actor import SYSTEM, Actor
from app.runtime import jobs
from app.runtime import service as runtime
from app.task import service
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW
from tests.support.scenario import end, gateway, person, step
from tests.support.scenario import service as service_step
from tests.support.threads import at_once, in_line, outcome, until_waiting

PEOPLE = 20


@pytest.fixture
def lab(real_lab: Lab) -> Lab:
    """Really committed: each thread has a connection of its own."""
    return real_lab


@pytest.fixture
def crowd(lab: Lab) -> list[Actor]:
    return [
        identity.create_user(
            lab.db,
            SYSTEM,
            username=f"clerk{number}",
            name=f"Clerk {number}",
            groups=["finance_team"],
            roles=["user"],
            now=NOW,
        )
        for number in range(PEOPLE)
    ]


def split(results: list[Any]) -> tuple[list[Any], list[AppError]]:
    won = [each for each in results if not isinstance(each, AppError)]
    return won, [each for each in results if isinstance(each, AppError)]


def count(lab: Lab, instance: int, kind: str) -> int:
    return sum(line[0] == kind for line in stored.lines(lab.db, instance))


# --- a crowd --------------------------------------------------------------------------


def test_one_of_twenty_gets_the_task_and_the_others_learn_who(lab: Lab, crowd: list[Actor]) -> None:
    instance = lab.start("request")
    task_id = lab.task(instance, "approve")
    won, lost = split(
        at_once(
            [
                lambda actor=actor: service.claim(lab.engine, actor, task_id, now=NOW)
                for actor in crowd
            ]
        )
    )
    assert len(won) == 1
    assert [type(each) for each in lost] == [Conflict] * (PEOPLE - 1)
    winner = won[0]["assignee"]
    assert {(each.code, each.extra["by"]) for each in lost} == {("claimed_by_other", winner)}
    assert count(lab, instance, "task.claimed") == 1
    stored.agrees(lab.db, instance)


def test_one_of_twenty_completes_an_open_task(lab: Lab, crowd: list[Actor]) -> None:
    instance = lab.start("request")
    task_id = lab.task(instance, "approve")
    won, lost = split(
        at_once(
            [
                lambda actor=actor: service.complete(
                    lab.engine, actor, task_id, {"approved": True}, now=NOW
                )
                for actor in crowd
            ]
        )
    )
    assert len(won) == 1
    assert {each.code for each in lost} == {"already_completed"}
    assert {each.extra["by"] for each in lost} == {won[0].task["completed_by"]}
    assert count(lab, instance, "task.completed") == 1
    assert count(lab, instance, "task.opened") == 2
    stored.agrees(lab.db, instance)


def test_the_same_person_clicking_twenty_times_claims_once(lab: Lab) -> None:
    instance = lab.start("request")
    task_id = lab.task(instance, "approve")
    results = at_once(
        [lambda: service.claim(lab.engine, lab.office["mei"], task_id, now=NOW)] * PEOPLE
    )
    assert {each["assignee"] for each in results} == {"mei"}
    assert count(lab, instance, "task.claimed") == 1


def test_two_hundred_starts_at_once_are_two_hundred_instances(lab: Lab) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: lab.start("request"), range(200)))
    assert len(made) == 200


# --- one behind the other -------------------------------------------------------------

# What each does to the instance, whose only task is its last step. Whoever is second has
# looked at the task before the first one's commit, and must not believe what it saw.
ACTS: dict[str, Callable[[Lab, int], Any]] = {
    "complete": lambda lab, instance: lab.complete(instance, "only", "mei"),
    "complete by another": lambda lab, instance: lab.complete(instance, "only", "wang"),
    "claim": lambda lab, instance: service.claim(
        lab.engine, lab.office["mei"], lab.task(instance, "only"), now=NOW
    ),
    "claim by another": lambda lab, instance: service.claim(
        lab.engine, lab.office["wang"], lab.task(instance, "only"), now=NOW
    ),
    "release": lambda lab, instance: service.release(
        lab.engine, lab.office["mei"], lab.task(instance, "only"), now=NOW
    ),
    "draft": lambda lab, instance: service.save_draft(
        lab.engine, lab.office["mei"], lab.task(instance, "only"), {"note": "x"}, now=NOW
    ),
    "suspend": lambda lab, instance: lab.operate("suspend", instance),
    "terminate": lambda lab, instance: lab.operate("terminate", instance),
}
PAIRS = [
    # first, second, is it claimed before, what the second is refused with
    ("complete", "complete", True, "already_completed"),
    ("complete", "complete", False, "already_completed"),
    ("complete", "complete by another", False, "already_completed"),
    ("complete", "claim by another", False, "already_completed"),
    ("complete", "release", True, "already_completed"),
    ("complete", "draft", True, "already_completed"),
    ("complete", "suspend", True, "instance_ended"),
    ("complete", "terminate", True, "instance_ended"),
    ("claim", "claim by another", False, "claimed_by_other"),
    ("claim", "complete by another", False, "claimed_by_other"),
    ("claim", "terminate", False, None),
    ("release", "complete", True, None),
    ("release", "claim by another", True, None),
    ("draft", "complete", True, None),
    ("suspend", "complete", True, "instance_suspended"),
    ("suspend", "claim", False, "instance_suspended"),
    ("suspend", "draft", True, "instance_suspended"),
    ("suspend", "terminate", True, None),
    ("terminate", "complete", True, "task_cancelled"),
    ("terminate", "complete", False, "task_cancelled"),
    ("terminate", "claim", False, "task_cancelled"),
    ("terminate", "release", True, "task_cancelled"),
    ("terminate", "draft", True, "task_cancelled"),
    ("terminate", "suspend", True, "instance_ended"),
]


@pytest.mark.parametrize(
    ("first", "second", "claimed", "code"), PAIRS, ids=lambda value: str(value).replace(" ", "_")
)
def test_the_second_is_told_what_the_first_did(
    lab: Lab, first: str, second: str, claimed: bool, code: str | None
) -> None:
    lab.define(person("only", assignee="finance_team", form={"note": "string"}))
    instance = lab.start()
    if claimed:
        ACTS["claim"](lab, instance)
    won, second_result = in_line(
        lab.db,
        f"select 1 from process_instances where id = {instance} for update",
        [lambda: ACTS[first](lab, instance), lambda: ACTS[second](lab, instance)],
    )
    assert not isinstance(won, AppError), won
    assert getattr(second_result, "code", None) == code, second_result
    state = stored.agrees(lab.db, instance)
    if not state.tokens:
        assert stored.rows(lab.db, "select * from drafts") == []


def test_a_second_click_is_told_that_it_is_done_while_the_instance_runs_on(lab: Lab) -> None:
    instance = lab.start("request")
    task_id = lab.task(instance, "approve")
    service.claim(lab.engine, lab.office["mei"], task_id, now=NOW)
    first, second = in_line(
        lab.db,
        f"select 1 from process_instances where id = {instance} for update",
        [lambda: lab.complete(instance, "approve", approved=True)] * 2,
    )
    assert not isinstance(first, AppError)
    assert (second.code, second.extra["by"]) == ("already_completed", "mei")
    assert [token.step for token in stored.agrees(lab.db, instance).tokens] == ["pay"]


def test_an_incident_that_two_retry_at_once_is_retried_once(lab: Lab) -> None:
    lab.define(
        gateway("route", ("${amount > 100}", "big")),
        person("big", assignee="li"),
        variables={"amount": "number"},
    )
    instance = lab.start(amount=5)
    incident = lab.incident(instance)
    results = in_line(
        lab.db,
        f"select 1 from process_instances where id = {instance} for update",
        [lambda: runtime.retry_incident(lab.engine, lab.office["root"], incident, now=NOW)] * 2,
    )
    assert [getattr(each, "code", None) for each in results] == [None, "incident_over"]
    stored.agrees(lab.db, instance)


@pytest.mark.parametrize("first", ["result", "terminate"])
def test_a_result_and_the_end_of_its_instance_at_once(lab: Lab, first: str) -> None:
    lab.services.register("Mail", "send", lambda given, context: None)
    lab.define(service_step("mail", "read"), person("read", assignee="li"))
    instance = lab.start()
    job = lab.job()
    calls: list[Callable[[], Any]] = [
        lambda: jobs.succeed(lab.engine, job, None, now=NOW, spread=0),
        lambda: lab.operate("terminate", instance),
    ]
    results = in_line(
        lab.db,
        f"select 1 from process_instances where id = {instance} for update",
        calls if first == "result" else calls[::-1],
    )
    assert (True in results) is (first == "result")  # else it came too late, and is recorded
    assert stored.agrees(lab.db, instance).status == "terminated"


def test_a_definition_that_is_deleted_while_it_is_started_is_not_found(lab: Lab) -> None:
    made = lab.define(person("work", assignee="li"))
    with ThreadPoolExecutor(1) as pool:
        with lab.db.transaction():
            definitions.delete(lab.db, lab.office["root"], made)
            running = pool.submit(outcome, lab.start)
            until_waiting(lab.db, 1)
        result = running.result()
    assert isinstance(result, NotFound)
    assert result.code == "definition_not_found"
    assert stored.rows(lab.db, "select * from process_instances") == []


def test_a_definition_that_is_started_while_it_is_deleted_is_kept(lab: Lab) -> None:
    made = lab.define(person("work", assignee="li"))
    results = at_once([lab.start, lambda: definitions.delete(lab.db, lab.office["root"], made)])
    left = stored.rows(lab.db, "select 1 as one from process_instances")
    codes = {getattr(each, "code", None) for each in results}
    assert codes == ({None, "in_use"} if left else {None, "definition_not_found"})


# --- everybody at once ----------------------------------------------------------------


def test_two_hundred_rounds_of_everything_at_once_never_deadlock(lab: Lab) -> None:
    """Eight threads on three instances; each result is a success or a refusal with a reason."""
    lab.define(
        person("first", "second", assignee="finance_team"),
        person("second", {"step": "out", "when": "stop == true"}, "first", assignee="finance_team"),
        end("out"),
    )
    made = [lab.start() for _ in range(3)]

    def one(seed: int) -> Any:
        chance = Random(seed)
        instance = chance.choice(made)
        who = lab.office[chance.choice(["mei", "wang"])]
        step = chance.choice(["first", "second"])
        verb = chance.choice(["claim", "release", "complete", "complete", "draft", "stop", "go"])
        if verb in ("stop", "go"):
            word = "suspend" if verb == "stop" else "activate"
            return outcome(lambda: lab.operate(word, instance))
        try:
            task_id = lab.task(instance, step)
        except AssertionError:
            return None  # the first completion of "first" has not been yet
        more = {"complete": ({},), "draft": ({"note": "x"},)}.get(verb, ())
        call = service.save_draft if verb == "draft" else getattr(service, verb)
        return outcome(lambda: call(lab.engine, who, task_id, *more, now=NOW))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(200)))
    assert not [each for each in results if isinstance(each, Unavailable)]
    assert sum(not isinstance(each, AppError) for each in results) > 20
    for instance in made:
        stored.agrees(lab.db, instance)


def test_branches_completed_at_once_by_twenty_people_are_joined_once(
    lab: Lab, crowd: list[Actor]
) -> None:
    """Each round is a new instance; ``ROUNDS=500`` asks for more of them."""
    branches = [f"b{number}" for number in range(PEOPLE)]
    lab.define(
        step("parallel_gateway", "split", *branches),
        *(person(name, "join", assignee="finance_team") for name in branches),
        step("parallel_gateway", "join", "after"),
        person("after", assignee="finance_team"),
    )
    for _ in range(int(os.environ.get("ROUNDS", "5"))):
        instance = lab.start()
        tasks = [lab.task(instance, name) for name in branches]
        results = at_once(
            [
                lambda actor=actor, task=task: service.complete(
                    lab.engine, actor, task, {}, now=NOW
                )
                for actor, task in zip(crowd, tasks, strict=True)
            ]
        )
        assert split(results)[1] == []
        assert count(lab, instance, "task.completed") == PEOPLE
        assert sum(each.next != [] for each in results) == 1
        stored.agrees(lab.db, instance)
