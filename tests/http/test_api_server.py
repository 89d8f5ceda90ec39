"""What only the real server can show: two processes, bytes on the wire, many at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.identity import service as identity
from app.identity.actor import SYSTEM
from tests.support.served import Got, Served, answer_on, served
from tests.support.until import until

START = "/api/v1/process-instances"
PEOPLE = 6
"""How many do the same at once."""
Result = TypeVar("Result")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served"), redis_url) as running:
        yield running


def at_once(work: Callable[[int], Result], people: int = PEOPLE) -> list[Result]:
    """Do the same in several threads that begin together."""
    gate = threading.Barrier(people)
    results: dict[int, Result] = {}

    def one(number: int) -> None:
        gate.wait(30)
        results[number] = work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(people)]


def sample(text: str, name: str, **labels: str) -> float:
    """Return a figure; those without it count as nothing."""
    return sum(
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    )


def figures(server: Served) -> str:
    return server("GET", "/metrics").text


def asked(text: str) -> float:
    return sample(text, "api_request_duration_count", route="/api/v1/auth/me", status="200")


def definition(server: Served, key: str, *steps: Mapping[str, Any]) -> None:
    body = {"name": key, "key": key, "version": "1", "steps": list(steps)}
    assert server("POST", "/api/v1/process-definitions", body).status == 201


def test_the_documented_names_are_there_before_anything_was_counted(server: Served) -> None:
    text = figures(server)
    for name in (
        "workflow_instances_total",
        "workflow_instances_active",
        "task_completion_time",
        "api_request_duration",
        "database_connections",
    ):
        assert f"# TYPE {name} " in text


def test_figures_are_the_sum_of_both_processes_and_outlive_one_of_them(server: Served) -> None:
    before = asked(figures(server))
    while len({path.name.split("_")[-1] for path in server.figures.glob("histogram_*.db")}) < 2:
        server("GET", "/api/v1/auth/me")
        before += 1
    assert {asked(figures(server)) for _ in range(6)} == {before}
    old = server.processes()
    assert len(old) == 2
    os.kill(old[0], signal.SIGKILL)
    until(lambda: len(server.processes()) == 2 and old[0] not in server.processes(), seconds=30)
    until(lambda: server("GET", "/api/v1/auth/me").status == 200)
    assert asked(figures(server)) == before + 1
    until(lambda: sample(figures(server), "database_connections", state="max") <= 16)


def test_one_of_many_claims_at_once_wins(server: Served) -> None:
    db, now = server.engine.db, datetime.now(UTC)
    identity.create_group(db, SYSTEM, name="clerks", now=now)
    clerks = [
        identity.create_user(
            db, SYSTEM, username=f"clerk{n}", name="A", groups=["clerks"], roles=["user"], now=now
        )
        for n in range(PEOPLE)
    ]
    tokens = [server.token_of(clerk.id) for clerk in clerks]
    config = {"assignee": "clerks", "form": {"n": "text"}}
    definition(server, "race", {"id": "do", "type": "user_task", "config": config})
    started = server("POST", START, {"process_definition_key": "race"}).body
    task = started["tasks"][0]["id"]

    claims = at_once(lambda n: server("PUT", f"/api/v1/tasks/{task}/claim", token=tokens[n]))
    assert sorted(each.status for each in claims) == [200] + [409] * (PEOPLE - 1)
    winner = next(n for n, each in enumerate(claims) if each.status == 200)
    assert {each.body["code"] for each in claims if each.status == 409} == {"claimed_by_other"}

    def complete(_: int) -> Got:
        body = {"variables": {"n": "x"}}
        return server("PUT", f"/api/v1/tasks/{task}/complete", body, token=tokens[winner])

    done = at_once(complete)
    assert sorted(each.status for each in done) == [200] + [409] * (PEOPLE - 1)
    assert {each.body["code"] for each in done if each.status == 409} == {"already_completed"}


def test_one_key_sent_many_times_at_once_starts_one_instance(server: Served) -> None:
    body = {
        "process_definition_key": "example_order_processing",
        "business_key": "ONCE",
        "variables": {"order_id": "ONCE", "customer_id": "C", "amount": 1},
    }
    sent = at_once(lambda _: server("POST", START, body, Idempotency_Key="once"))
    assert {each.status for each in sent} <= {201, 409}
    assert {each.body["code"] for each in sent if each.status == 409} <= {"in_progress"}
    made = {each.text for each in sent if each.status == 201}
    assert len(made) == 1
    assert server("GET", f"{START}?business_key=ONCE").body["total"] == 1
    assert server("POST", START, body, Idempotency_Key="once").text == made.pop()


def test_a_body_in_chunks_is_taken_and_one_that_is_too_large_is_not(server: Served) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        yield b'{"process_definition_key": "nowhere"'
        yield from (b" " * 65_536 for _ in range(size // 65_536))
        yield b"}"

    def send(size: int) -> Got:
        return server("POST", START, chunks(size), Transfer_Encoding="chunked")

    assert send(65_536).body["code"] == "definition_not_found"
    # What was read is whole JSON, and still more than is allowed.
    assert send(2 * 1_048_576).body["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 2\r\nContent-Length: 3\r\n", 400),
        (b"Content-Length: -1\r\n", 400),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"X-Bad\r\nContent-Length: 2\r\n", 400),
        (b"Content-Length: 99999999999999999999\r\n", 413),
        (b"X: " + b"y" * 70_000 + b"\r\nContent-Length: 2\r\n", 431),
    ],
)
def test_requests_that_cannot_be_framed_are_refused(
    server: Served, head: bytes, status: int
) -> None:
    start = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with server.raw(start + head + b"\r\n{}") as connection:
        answer = answer_on(connection)
    assert answer.status == status, answer.text[:200]


def test_a_second_request_behind_an_unread_body_is_answered_as_itself(server: Served) -> None:
    body = b'{"x": "GET /evil HTTP/1.1"}'
    first = (
        b"POST /api/v1/nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    with server.raw(first) as connection:
        assert answer_on(connection).status == 404
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_on(connection).body == {"status": "ok"}


def test_headers_cannot_be_smuggled_into_an_answer(server: Served) -> None:
    got = server("GET", "/api/v1/nowhere%0d%0aSet-Cookie:%20a=b", X_Request_ID="a%0d%0aX:1")
    assert got.status == 404
    assert "Set-Cookie" not in got.headers
    assert "%" not in got.headers["X-Request-ID"]


def test_the_leader_of_the_duties_is_seen_from_a_web_process(server: Served) -> None:
    from app.db.leader import DUTIES_LOCK, Leadership

    leader = Leadership(server.engine.db, DUTIES_LOCK)
    assert server("GET", "/api/v1/health/worker").body["leader"] is False
    assert leader.held()
    assert server("GET", "/api/v1/health/worker").body["leader"] is True
    leader.release()
    until(lambda: server("GET", "/api/v1/health/worker").body["leader"] is False)


def test_of_two_changes_of_one_draft_one_is_refused(server: Served) -> None:
    step = {"id": "a", "type": "user_task", "config": {"assignee": "admin"}}
    body = {"name": "d", "key": "drafted", "version": "1", "steps": [step]}
    made = server("POST", "/api/v1/process-definitions?status=draft", body)
    one = f"/api/v1/process-definitions/{made.body['id']}"
    tag = made.headers["ETag"]

    def change(number: int) -> Got:
        return server("PUT", one, body | {"description": str(number)}, If_Match=tag)

    assert sorted(each.status for each in at_once(change)) == [200] + [412] * (PEOPLE - 1)


def test_of_twenty_who_claim_a_task_one_gets_it_and_nineteen_learn_who(server: Served) -> None:
    config = {"assignee": "finance_team"}
    definition(server, "wanted", {"id": "check", "type": "user_task", "config": config})
    crowd = [
        identity.create_user(
            server.engine.db,
            SYSTEM,
            username=f"payer{number}",
            name=f"Payer {number}",
            groups=["finance_team"],
            roles=["user"],
            now=datetime.now(UTC),
        )
        for number in range(20)
    ]
    tokens = [server.token_of(each.id) for each in crowd]
    started = server("POST", START, {"process_definition_key": "wanted"}).body
    (task,) = started["tasks"]
    path = f"/api/v1/tasks/{task['id']}/claim"
    answers = at_once(lambda number: server("PUT", path, {}, token=tokens[number]), len(crowd))
    assert sorted(each.status for each in answers) == [200] + [409] * 19
    (won,) = (each.body["assignee"] for each in answers if each.status == 200)
    lost = [each.body for each in answers if each.status == 409]
    assert {(each["code"], each["by"]) for each in lost} == {("claimed_by_other", won)}
    assert all(each["name"] in each["detail"] and each["since"] for each in lost)


def test_a_client_that_falls_silent_is_let_go(server: Served) -> None:
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with server.raw(head + b'Content-Length: 100\r\n\r\n{"username": "ad') as connection:
        answer = answer_on(connection)
    assert (answer.status, answer.body["code"]) == (400, "bad_request")
