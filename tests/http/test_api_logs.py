"""Log lines: one a request, and nothing secret in them."""

from __future__ import annotations

import json

import pytest
import structlog

from app.telemetry import logs
from tests.support.rest import Rest


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]):
    logs.configure(level="info", form="json", output="stdout")

    def read() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return read


def test_one_line_a_request_with_its_id_and_its_user(rest: Rest, lines) -> None:
    rest("mei", "GET", "/auth/me", headers={"X-Request-ID": "r-1"})
    requests = [line for line in lines() if line["event"] == "request"]
    assert len(requests) == 1
    line = requests[0]
    assert line["request_id"] == "r-1"
    assert line["route"] == "/api/v1/auth/me"
    assert line["user_id"] == rest.office["mei"].id
    assert line["status"] == 200


def test_health_is_not_worth_a_line(rest: Rest, lines) -> None:
    rest(None, "GET", "//health")
    assert lines() == []


def test_passwords_tokens_and_variables_never(rest: Rest, lines) -> None:
    body = {"username": "mei", "password": "hunter2-hunter2"}
    rest(None, "POST", "/auth/login", body)
    rest(
        "zhao",
        "POST",
        "/process-instances",
        {"process_definition_key": "request", "variables": {"salary": 424242}},
    )
    log = structlog.get_logger("test")
    log.info("x", password="hunter2", deep={"access_token": "t0ken", "list": [{"secret": "s"}]})
    written = json.dumps(lines())
    for secret in ("hunter2", "t0ken", "424242", rest.token("zhao")):
        assert secret not in written


def test_an_unknown_level_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(ValueError, match="debug, info, warn or error"):
        logs.set_level("loud")


def test_errors_of_libraries_have_the_same_form(lines) -> None:
    import logging

    logging.getLogger("some.library").warning("hello %s", "there")
    line = lines()[-1]
    assert (line["event"], line["level"], line["logger"]) == (
        "hello there",
        "warning",
        "some.library",
    )
