"""Input that nobody should send: a clear refusal each, and nothing changed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.support.office import REQUEST
from tests.support.rest import Rest

START = "/process-instances"


def counts(rest: Rest) -> dict[str, int]:
    with rest.office.db.transaction() as tx:
        row = tx.run(
            "select (select count(*) from process_instances) as instances,"
            " (select count(*) from process_definitions) as definitions,"
            " (select count(*) from history_events) as events"
        ).fetchone()
    assert row is not None
    return row


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
    before = counts(rest)
    rest("li", "POST", START, text=text).refused(status, code)
    assert counts(rest) == before


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


def test_a_wrong_content_type(rest: Rest) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = rest("li", "POST", START, text="a=b", headers=headers)
    answer.refused(415, "unsupported_media_type")


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
    ],
)
def test_wrong_query_strings(rest: Rest, query: str) -> None:
    answer = rest("li", "GET", f"{START}?{query}")
    assert answer.status == 400, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


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
    before = counts(rest)
    assert rest("li", "POST", START, body).status in (400, 422)
    assert counts(rest) == before


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_unknown_addresses_never_answer_html(rest: Rest, method: str) -> None:
    answer = rest(None, method, "/no/such/thing")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(rest: Rest) -> None:
    answer = rest("li", "DELETE", "/tasks")
    answer.refused(405, "wrong_method")
    assert "GET" in answer.headers["Allow"]
