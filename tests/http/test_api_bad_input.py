"""Input that nobody should send: a clear refusal each, and nothing changed."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.office import REQUEST, Office
from tests.support.rest import Rest

START = "/process-instances"
DECISION = {"variables": {"approved": True}}


@pytest.fixture(autouse=True)
def _nothing_changes_and_nothing_takes_long(
    rest: Rest, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Every test here sends what is refused: afterwards all tables hold what they held."""
    for made in ("task", "claimed", "suspended", "completed"):
        if made in request.fixturenames:
            request.getfixturevalue(made)
    before, began = contents(rest), time.thread_time()
    yield
    spent = time.thread_time() - began
    assert contents(rest) == before
    assert spent < 1, f"{spent:.2f} s of work"


def contents(rest: Rest) -> dict[str, str]:
    """Return a digest of every table."""
    with rest.office.db.transaction() as tx:
        tables = tx.run("select tablename from pg_tables where schemaname = 'public'").fetchall()
        return {
            each["tablename"]: str(
                tx.run(
                    "select md5(coalesce(string_agg(t::text, chr(10) order by t::text), ''))"
                    f" as digest from {each['tablename']} t"
                ).fetchone()
            )
            for each in tables
        }


@pytest.fixture
def task(office: Office) -> int:
    return office.open_task(amount=5)


@pytest.fixture
def claimed(rest: Rest, task: int) -> int:
    rest("mei", "PUT", f"/tasks/{task}/claim").ok()
    return task


@pytest.fixture
def suspended(rest: Rest, task: int) -> int:
    instance = rest("mei", "GET", f"/tasks/{task}").ok()["process_instance_id"]
    rest("li", "PUT", f"/process-instances/{instance}/suspend").ok()
    return task


@pytest.fixture
def completed(rest: Rest, task: int) -> int:
    rest("mei", "PUT", f"/tasks/{task}/complete", DECISION).ok()
    return task


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ('{"a": tru}', 400, "invalid_json"),
        ('{"a": 1,}', 400, "invalid_json"),
        ('{"a": 1, "a": 2}', 400, "invalid_json"),
        ('{"variables": {"amount": NaN}}', 400, "invalid_json"),
        ('{"variables": {"amount": 1e999999999}}', 400, "invalid_json"),
        ('{"variables": {"amount": ' + "9" * 5000 + "}}", 400, "invalid_json"),
        ('{"variables": {"purpose": "a\\u0000b"}}', 400, "invalid_json"),
        ('{"variables": {"purpose": "\\ud800"}}', 400, "invalid_json"),
        ('{"variables": {"deep": ' + "[" * 31 + "]" * 31 + "}}", 400, "invalid_json"),
        ("null", 422, "invalid_body"),
        ("1", 422, "invalid_body"),
        ('{"variables": ' + "[" * 10_000 + "]" * 10_000 + "}", 400, "invalid_json"),
        ("", 422, "invalid_body"),
        ("[]", 422, "invalid_body"),
        ('"text"', 422, "invalid_body"),
        ('{"colour": "red"}', 422, "invalid_body"),
        ('{"process_definition_id": "1"}', 422, "invalid_body"),
        ('{"process_definition_id": 99999999999999999999999}', 422, "invalid_body"),
        ('{"process_definition_key": "request", "variables": []}', 422, "invalid_body"),
    ],
)
def test_broken_bodies(rest: Rest, text: str, status: int, code: str) -> None:
    rest("li", "POST", START, text=text).refused(status, code)


def test_broken_json_names_its_place(rest: Rest) -> None:
    problem = rest("li", "POST", START, text='{\n  "variables": {"a": tru}\n}').body
    assert (problem["line"], problem["column"]) == (2, 22)
    assert problem["errors"][0]["message"]


def test_unknown_members_name_the_known_ones(rest: Rest) -> None:
    problem = rest("li", "POST", START, {"variable": {}}).refused(422, "invalid_body")
    assert problem["errors"][0]["pointer"] == "/variable"
    assert "variables" in problem["errors"][0]["message"]


def test_a_body_of_two_mebibytes(rest: Rest) -> None:
    text = json.dumps({"variables": {"a": "x" * 2 * 1024 * 1024}})
    rest("li", "POST", START, text=text).refused(413, "body_too_large")
    rest("li", "POST", "/process-definitions", text=text).refused(413, "body_too_large")


def test_bytes_that_are_not_utf8(rest: Rest) -> None:
    rest("li", "POST", START, text=b'{"a": "\xff"}').refused(400, "not_utf8")


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/jsonp",
        "",
    ],
)
def test_a_wrong_content_type(rest: Rest, kind: str) -> None:
    answer = rest("li", "POST", START, text='{"a": 1}', headers={"Content-Type": kind})
    answer.refused(415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=UTF-8", "application/merge-patch+json"]
)
def test_a_good_content_type_with_a_byte_order_mark(rest: Rest, kind: str) -> None:
    text = b'\xef\xbb\xbf{"process_definition_key": "nowhere"}'
    answer = rest("li", "POST", START, text=text, headers={"Content-Type": kind})
    answer.refused(404, "definition_not_found")


def test_a_compressed_body(rest: Rest) -> None:
    text = gzip.compress(b"{}")
    answer = rest("li", "POST", START, text=text, headers={"Content-Encoding": "gzip"})
    answer.refused(415, "unsupported_encoding")


def test_more_variables_than_an_instance_holds(rest: Rest) -> None:
    body = {"process_definition_key": "request", "variables": {f"v{n}": n for n in range(60_000)}}
    problem = rest("li", "POST", START, body).refused(422, "invalid_variables")
    assert len(problem["errors"]) == 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_members_where_none_are_known(rest: Rest, method: str) -> None:
    one = rest("li", "GET", "/process-definitions").ok()["items"][0]["id"]
    path = f"/process-definitions/{one}/retire"
    rest("li", method, path, {"force": True}).refused(422, "invalid_body")
    rest("li", method, path, text="{").refused(400, "invalid_json")
    rest("li", "DELETE", f"/process-definitions/{one}", {"x": 1}).refused(422, "invalid_body")


@pytest.mark.parametrize(
    "path",
    [
        "/tasks/999999999",
        "/tasks/99999999999999999999999999",
        "/tasks/" + "9" * 6000,
        "/tasks/0",
        "/tasks/-1",
        "/tasks/abc",
        "/process-instances/9223372036854775808",
        "/nowhere",
    ],
)
def test_what_is_not_there(rest: Rest, path: str) -> None:
    answer = rest("li", "GET", path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "page=0",
        "page=x",
        "size=201",
        "size=99999999999999999999999",
        "status=sleeping",
        "started_after=yesterday",
        "started_after=2026-01-01T00:00:00",
        "page=1&page=2",
        "q=%00",
        "after=nonsense",
        "after=W251bGxd",  # [null]
        "after=W3RydWVd",  # [true]
        "after=WzFlMzA4XQ",  # [1e308]
        "after=%E4%B8%AD",
        "page=-1",
        "size=0",
        "size=",
        "process_definition_id=9223372036854775808",
        "started_before=0.5",
        "started_before=2026-13-01T00:00:00Z",
        "has_incident=perhaps",
        "q=" + "x" * 300,
    ],
)
def test_wrong_query_strings(rest: Rest, query: str) -> None:
    problem = rest("li", "GET", f"{START}?{query}").body
    assert problem["status"] == 400
    if problem["code"] != "bad_cursor":
        assert problem["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("cursor", ["W251bGwsMV0", "W251bGwsbnVsbF0", "WzEsMl0", "W10"])
@pytest.mark.parametrize("sort", ["-due_at", "created_at", "priority"])
def test_cursors_that_another_list_made(rest: Rest, sort: str, cursor: str) -> None:
    """``[null,1]``, ``[null,null]``, ``[1,2]``, ``[]``: some of them fit some lists."""
    answer = rest("li", "GET", f"/tasks?sort={sort}&after={cursor}")
    if answer.status != 200:
        answer.refused(400, "bad_cursor")


def test_unknown_query_names_are_listed_with_the_known_ones(rest: Rest) -> None:
    problem = rest("li", "GET", "/tasks?colour=red").refused(400, "invalid_query")
    assert problem["errors"][0]["field"] == "colour"
    assert "candidate_user" in problem["errors"][0]["message"]


def test_endpoints_without_parameters_take_none(rest: Rest) -> None:
    rest("li", "GET", "/auth/me?verbose=1").refused(400, "invalid_query")


def test_an_expression_bomb_is_refused_at_upload(rest: Rest) -> None:
    bomb = json.loads(json.dumps(REQUEST)) | {"version": "bomb"}
    bomb["steps"][0]["config"]["assignee"] = "${" + "(" * 5_000 + "1" + ")" * 5_000 + "}"
    answer = rest("li", "POST", "/process-definitions", bomb)
    answer.refused(422, "definition_invalid")


def test_huge_numbers_within_json_are_refused_where_they_are_used(rest: Rest) -> None:
    body = {"process_definition_key": "request", "variables": {"amount": Decimal("1e101")}}
    rest("li", "POST", START, body).refused(400, "invalid_json")


def test_slashes_twice_are_another_address(rest: Rest) -> None:
    rest("li", "GET", "//api/v1//tasks").refused(404, "no_such_address")
    rest("li", "POST", "//api/v1//process-instances", {}).refused(404, "no_such_address")


def test_completing_twice(rest: Rest, completed: int) -> None:
    for who in ("mei", "wang"):
        answer = rest(who, "PUT", f"/tasks/{completed}/complete", DECISION)
        assert answer.refused(409, "already_completed")["by"] == "mei"


def test_completing_what_somebody_else_has(rest: Rest, claimed: int) -> None:
    for verb, body in (("claim", None), ("complete", DECISION)):
        answer = rest("wang", "PUT", f"/tasks/{claimed}/{verb}", body)
        assert answer.refused(409, "claimed_by_other")["by"] == "mei"
    assert rest("wang", "PUT", f"/tasks/{claimed}/release").status in (403, 409)


@pytest.mark.parametrize(("verb", "body"), [("claim", None), ("complete", {"variables": {}})])
def test_working_while_suspended(rest: Rest, suspended: int, verb: str, body: object) -> None:
    rest("mei", "PUT", f"/tasks/{suspended}/{verb}", body).refused(409, "instance_suspended")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/tasks/{}"), ("PUT", "/tasks/{}/claim"), ("PUT", "/tasks/{}/complete")],
)
def test_a_task_of_others_is_as_if_it_were_not_there(
    rest: Rest, task: int, method: str, path: str
) -> None:
    theirs = rest("stranger", method, path.format(task))
    nobodys = rest("stranger", method, path.format(task + 1_000_000))
    theirs.refused(404, "task_not_found")
    assert {**theirs.body, "instance": 0, "request_id": 0} == {
        **nobodys.body,
        "instance": 0,
        "request_id": 0,
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_unknown_addresses_never_answer_html(rest: Rest, method: str) -> None:
    answer = rest(None, method, "/no/such/thing")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(rest: Rest) -> None:
    answer = rest("li", "DELETE", "/tasks")
    answer.refused(405, "wrong_method")
    assert "GET" in answer.headers["Allow"]


def test_a_momentthat_not_every_zone_has_is_none(rest: Rest) -> None:
    for field, moment in (
        ("from", "0001-01-01T00:00:00+14:00"),
        ("until", "9999-12-31T23:59:59-12:00"),
    ):
        wish = {"substitute": "wang", "until": "2027-01-01T00:00:00Z", field: moment}
        rest("mei", "POST", "/delegations", wish).refused(422, "invalid_body")
