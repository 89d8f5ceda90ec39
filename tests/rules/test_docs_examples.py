"""The examples in the documentation do what is said of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from app.cli.demo import load_demo
from app.cli.engine import opened
from app.connector.base import JobContext
from app.connector.registry import Registry
from app.core.duration import DurationError, parse_duration
from app.core.expression import parse
from app.core.nodes.table import NODES
from app.core.parse import check
from app.core.references import ways_out
from app.core.values import kind_of
from app.db.engine import create_engine
from app.db.tx import Database
from app.definition import service as definitions
from app.identity import service as identity
from app.runtime import service as runtime
from app.worker import clock
from tests.browser.serving import Live, serving
from tests.support import servers
from tests.support.markdown import ROOT, Row, code_in, page

FORMAT = page("docs/definition-format.md")
OPERATIONS = page("docs/operations.md")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SCOPE = {"amount": 1200, "customer": {"email": "mei@example.com"}}


# The definition format ----------------------------------------------------------------


def completed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition: the value itself, or one around the step or form that it is."""
    if "steps" in value:
        return dict(value)
    if "id" not in value:
        step = {"id": "step", "type": "user_task", "config": {"assignee": "li", "form": value}}
        return {"name": "Example", "steps": [step]}
    assert value["type"] in NODES
    targets = {way.target for way in ways_out(value, ())}
    rest = [{"id": target, "type": "end"} for target in sorted(targets)]
    return {"name": "Example", "steps": [value, *rest]}


@pytest.mark.parametrize("text", FORMAT.blocks("json"))
def test_definitions_and_steps_pass_the_checker(text: str) -> None:
    checked = check(json.dumps(completed(json.loads(text))))
    found = [each for each in checked.findings if each.severity != "info"]
    assert [each.text() for each in found if each.code != "unknown_variable"] == []
    assert checked.valid
    if "steps" in json.loads(text):
        assert checked.findings == ()


def test_the_witness_that_is_shown() -> None:
    section = FORMAT.section("A witness")
    (finding,) = check(section.blocks("jsonc")[0]).findings
    moves = [": ".join(filter(None, (move["step"], move["choice"]))) for move in finding.witness]
    shown = [f"{finding.code}: {finding.text()}", *moves]
    assert section.blocks("text") == ["\n".join(shown) + "\n"]


def rows_with_examples() -> Iterable[Row]:
    for heading in ("Operators", "Functions"):
        yield from FORMAT.section(heading).tables()[0]


@pytest.mark.parametrize("row", list(rows_with_examples()), ids=lambda row: row["example"])
def test_expressions_give_what_is_said(row: Row) -> None:
    (example,), (gives,) = code_in(row["example"]), code_in(row["gives"])
    found = parse(example).evaluate(SCOPE, now=NOW)
    expected = parse(gives).evaluate({}, now=NOW)
    assert (kind_of(found), found) == (kind_of(expected), expected)


def test_durations() -> None:
    section = FORMAT.section("Durations and dates")
    written = [code for row in section.tables()[0] for code in code_in(row["written"])]
    assert len(written) > 10
    for text in written:
        parse_duration(text)
    (refused,) = re.findall(r"\n(.*) are refused\.", section.text)
    for text in [*code_in(refused), "10"]:
        with pytest.raises(DurationError):
            parse_duration(text)


# Operations and connectors ------------------------------------------------------------


@pytest.mark.parametrize(
    "text", OPERATIONS.blocks("sql"), ids=["locks", "jobs", "space", "timers", "messages"]
)
def test_queries_run(db: Database, text: str) -> None:
    with db.transaction() as tx:
        tx.run(text).fetchall()


def test_first_accounts_and_the_look_at_the_history(
    fresh_url: str,
    fresh_db: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_url)
    monkeypatch.setenv("PASSWORD", "correct horse battery")
    identity.ensure_roles(fresh_db)
    accounts, history = OPERATIONS.blocks("python")
    exec(accounts, {})  # noqa: S102  # the page's own example
    ada = identity.authenticate(fresh_db, "ada", "correct horse battery", now=NOW)
    assert ada.can("user:admin")
    with opened(fresh_url) as engine:
        (definition, _) = definitions.create(
            engine.db, ada, FORMAT.blocks("json")[0], known=None, now=NOW
        )
        given = {"definition_id": definition.id, "variables": {"destination": "Ulm"}}
        for _ in range(2):
            runtime.start(engine, ada, **given, now=NOW)
    with fresh_db.transaction() as tx:
        tx.run("update process_instances set history_hash = 'x' where id = 2")
    exec(history, {})  # noqa: S102  # the page's own example
    assert capsys.readouterr().out == "instance 2: row 1 was changed, removed or slipped in\n"


def test_the_connector_of_the_recipe() -> None:
    (text,) = page("app/connector/README.md").blocks("python")
    made: dict[str, Any] = {}
    exec(text, made)  # noqa: S102  # the page's own example
    registry = Registry()
    made["install"](registry)
    service = registry.service("StockService", "reserve")
    assert service is not None
    assert service.one is not None
    context = JobContext("17", 1, "reserve", 1, 60.0)
    assert service.one({"article": "A-1"}, context) == {"reservation": "R-17"}


# Shell --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """An answer that the server gave."""

    request: str
    status: int
    body: str

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Recorder:
    """Answers when no automatic step is left to be done, and keeps what was answered."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._inner = live.app.wsgi_app
        self.replies: list[Reply] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self._live.settle()
        status: list[str] = []

        def started(line: str, headers: Any, *rest: Any) -> Any:
            status.append(line)
            return start(line, headers, *rest)

        body = b"".join(self._inner(environ, started))
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.replies.append(Reply(request, int(status[0][:3]), body.decode()))
        return [body]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Name of a database with the demo as it is after a first start."""
    name = f"docs_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with opened(servers.create_database(name)) as engine:
        load_demo(engine, now=clock.now())
    yield name
    servers.drop_database(name)


@pytest.fixture
def run(demo: str, redis_url: str) -> Iterator[Callable[[str, list[str]], list[Reply]]]:
    """Run shell blocks of a page against a demo that nobody has used; return the answers."""
    copy = f"{demo}_copy"
    pool = create_engine(servers.create_database(copy, template=demo))
    with serving(Database(pool), redis_url, clock.now) as live:
        recorder = Recorder(live)
        live.app.wsgi_app = recorder  # type: ignore[method-assign]  # Flask's documented way

        def run_(name: str, blocks: list[str]) -> list[Reply]:
            script = "\n".join(["set -euo pipefail", *blocks])
            assert "http://localhost:8080" in script, name
            subprocess.run(
                ["bash", "-c", script.replace("http://localhost:8080", live.url)],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "no_proxy": "*"},
                capture_output=True,
                check=True,
                timeout=60,
            )
            return recorder.replies

        yield run_
    pool.dispose()
    servers.drop_database(copy)


def test_the_tour_of_the_readme(run: Callable[[str, list[str]], list[Reply]]) -> None:
    blocks = page("README.md").section("A tour with curl").blocks("bash")
    replies = run("README.md", blocks)
    assert [each for each in replies if not 200 <= each.status < 300] == []
    assert len(replies) == "\n".join(blocks).count("curl -s") + 1, "one is done twice"
    tasks = {
        task["process_instance_id"]: task["step"]["id"]
        for each in replies
        if each.request == "GET /api/v1/tasks"
        for task in each.json["items"]
    }
    assert tasks == {1: "payment_check", 2: "payment_check", 3: "manager_approval"}
    (history,) = (each for each in replies if each.request.endswith("/1/history"))
    kinds = [line["kind"] for line in history.json["items"]]
    assert (kinds[0], kinds[-1]) == ("instance.started", "instance.completed")
    assert replies[-1].json["status"] == "terminated"


def test_the_examples_of_the_rest_page(run: Callable[[str, list[str]], list[Reply]]) -> None:
    blocks = page("docs/rest-api.md").blocks("bash")
    expected = []
    for line in "\n".join(blocks).splitlines():
        if refusal := re.fullmatch(r"# (\d{3}) (\w+)", line):
            expected.append((int(refusal[1]), refusal[2]))
    replies = run("docs/rest-api.md", blocks)
    assert len(replies) == "\n".join(blocks).count("curl -s")
    refused = [(each.status, each.json["code"]) for each in replies if each.status >= 300]
    assert refused == expected
    check_answer = next(each for each in replies if each.request.endswith("/check"))
    assert check_answer.json["findings"][0]["code"] == "json_unclosed"
    first, again = (
        each for each in replies if each.request.endswith("/complete") and each.status == 200
    )
    assert first.body == again.body
    assert first.json["instance"]["status"] == "completed"
