"""The documentation says what the code does: its tables are compared with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, get_args

import click
import pytest
import sqlalchemy as sa
import yaml

from app import errors
from app.api import openapi
from app.api.figures import Collector
from app.cli import main
from app.cli.demo import PEOPLE
from app.config import _NAMED, DEFAULT_FILE
from app.config import _flat as flat
from app.config import _known as known_settings
from app.connector.standard import standard_registry
from app.core import effects, events
from app.core.expression_functions import FUNCTIONS
from app.core.nodes.table import NODES
from app.core.parse import check
from app.core.retry import DEFAULTS
from app.core.state import ScopeKind, Status, WaitKind
from app.db import schema
from app.identity.permissions import PERMISSIONS, ROLES
from app.identity.service import DEMO_PASSWORD
from app.runtime.figures import Figures
from app.telemetry import metrics
from app.worker.duties import DUTIES
from tests.support import code_words, reference
from tests.support.markdown import ROOT, Row, code_in, column, page, pages
from tests.support.mistakes_sound import SOUND

FORMAT = page("docs/definition-format.md")
MACHINE = page("docs/state-machine.md")
REST = page("docs/rest-api.md")
OPERATIONS = page("docs/operations.md")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TOP_FOLDERS = "app|configs|docs|examples|migrations|static|templates|tests|translations"


def same(said: Iterable[str], code: Iterable[str]) -> None:
    """Fail unless the documentation names exactly what the code has, each once."""
    listed = list(said)
    assert sorted(set(code) - set(listed)) == [], "the code has it, the page does not"
    assert sorted(set(listed) - set(code)) == [], "the page has it, the code does not"
    assert len(listed) == len(set(listed)), "named twice"


# Every page ---------------------------------------------------------------------------


@pytest.mark.parametrize("one", pages(), ids=lambda one: str(one.path.relative_to(ROOT)))
def test_links_lead_somewhere(one: Any) -> None:
    lost = []
    for link in one.links():
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (one.path.parent / path).resolve() if path else one.path
        there = target.is_relative_to(ROOT) and target.exists()
        if not there or (anchor and anchor not in page(str(target.relative_to(ROOT))).anchors()):
            lost.append(link)
    assert lost == []


def test_paths_that_pages_name_exist() -> None:
    path = re.compile(rf"(?:{TOP_FOLDERS})/[\w./-]*\w")
    lost = [
        f"{one.path.name}: {code}"
        for one in pages()
        for code in one.code()
        if path.fullmatch(code) and not (ROOT / code).exists()
    ]
    assert lost == []


def test_files_in_the_tree_of_the_architecture_exist() -> None:
    tree = page("docs/architecture.md").section("Where things are").text
    names = re.findall(r"[\w*]+\.py", tree)
    assert len(names) > 30
    assert [name for name in names if not list((ROOT / "app").rglob(name))] == []


def test_commands_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    lost = []
    for one in pages():
        for code in one.code():
            lost += [
                f"{one.path.name}: make {target}"
                for target in re.findall(r"\bmake ([a-z][a-z-]*)", code)
                if target not in targets
            ]
            lost += [
                f"{one.path.name}: {words}"
                for words in re.findall(r"workflow-engine ((?:[a-z]+ ?)+)$", code, re.MULTILINE)
                if not is_command(words.split())
            ]
    assert lost == []


def is_command(words: list[str]) -> bool:
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group) or word not in command.commands:
            return False
        command = command.commands[word]
    return True


def test_targets_of_make_call_what_exists() -> None:
    called = re.findall(r"workflow-engine ((?:[a-z]+ ?)+)$", MAKEFILE, re.MULTILINE)
    assert called
    assert [words for words in called if not is_command(words.split())] == []
    modules = re.findall(r"python -m (tests[\w.]+)", MAKEFILE)
    assert modules
    assert [module for module in modules if find_spec(module) is None] == []
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    listed = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(listed) <= set(phony[1].split())


def test_people_of_the_demo() -> None:
    text = page("README.md").section("Run it").text
    (sentence,) = re.findall(r"Sign in as (.*?)\.", text, re.DOTALL)
    same(code_in(sentence), [*(person.username for person in PEOPLE), DEMO_PASSWORD])


# The definition format ----------------------------------------------------------------


def known(code: str, **places: Any) -> set[str]:
    """Return the words that the checker says it knows, when it is given one that it doesn't.

    Args:
        code: of the finding.
        places: keys of the document beside ``name`` and ``steps``, or ``step``: keys of its
            only step.
    """
    step = {"id": "a", "type": "user_task", **places.pop("step", {})}
    document = {"name": "Example", "steps": [step], **places}
    findings = [each for each in check(json.dumps(document)).findings if each.code == code]
    assert len(findings) == 1, findings
    return set(str((findings[0].params or {})["known"]).split(", "))


NOBODY = {"zqzqzq": 1}
FIELD = {"form": {"f": {**NOBODY}}}


@pytest.mark.parametrize(
    ("heading", "place", "code", "given"),
    [
        ("The document", 0, "unknown_key", NOBODY),
        ("Variables", 0, "unknown_key", {"variables": {"v": NOBODY}}),
        ("Variables", 1, "unknown_type", {"variables": {"v": "zqzqzq"}}),
        ("Start", 0, "unknown_key", {"start": NOBODY}),
        ("Settings", 0, "unknown_key", {"settings": NOBODY}),
        ("Steps", 0, "unknown_key", {"step": NOBODY}),
        ("Where a step leads", 0, "unknown_key", {"step": {"next": [{"step": "a", **NOBODY}]}}),
        (
            "user_task",
            1,
            "unknown_key",
            {"step": {"config": {"outcomes": [{"id": "o", **NOBODY}]}}},
        ),
        ("Forms", 0, "unknown_key", {"step": {"config": FIELD}}),
        ("Forms", 1, "unknown_field_type", {"step": {"config": {"form": {"f": "zqzqzq"}}}}),
    ],
)
def test_keys_and_types_of_the_language(
    heading: str, place: int, code: str, given: dict[str, Any]
) -> None:
    rows = FORMAT.section(heading).tables()[place]
    same(column(rows, next(iter(rows[0]))), known(code, **given))


def test_keys_of_a_retry_policy() -> None:
    rows = FORMAT.section("service_task").tables()[1]
    call = {"service_name": "s", "method": "m", "retry_policy": NOBODY}
    step = {"type": "service_task", "config": call}
    same(column(rows, "key of `retry_policy`"), known("unknown_key", step=step))


def test_functions() -> None:
    same(column(FORMAT.section("Functions").tables()[0], "function"), {*FUNCTIONS, "default"})


def test_tables_of_keys_are_those_of_the_code() -> None:
    assert reference.rewritten(FORMAT.text) == FORMAT.text, "run make docs"
    same(reference.marked(FORMAT.text), reference.TABLES)


@pytest.mark.parametrize("kind", NODES)
def test_each_step_type_has_its_section_and_an_example(kind: str) -> None:
    section = FORMAT.section(kind)
    assert reference.marked(section.text)[:1] == ([kind] if NODES[kind].keys else [])
    assert any(f'"type": "{kind}"' in block for block in FORMAT.blocks("json")) or kind == "start"


def test_step_types_are_all_named() -> None:
    (row,) = (row for row in FORMAT.section("Steps").tables()[0] if code_in(row["key"]) == ["type"])
    same(code_in(row["meaning"]), NODES)


def test_defaults_of_a_retry_policy() -> None:
    words = {"true": True, "all": (), "none": ()}
    for row in FORMAT.section("service_task").tables()[1]:
        said = row["default"].strip("`")
        default = DEFAULTS[code_in(row["key of `retry_policy`"])[0]]
        assert words.get(said, int(said) if said.isdigit() else said) == default


def test_every_finding_has_its_line() -> None:
    language = "core/[!j]*.py", "core/nodes/*.py"
    found = {code for _, code in code_words.arguments({"error", "Finding"}, 0, *language)}
    said = {code for _, code in code_words.arguments({"say"}, 1, *language)}
    scanned = {
        f"json_{code}" for _, code in code_words.arguments({"error", "JsonError"}, 0, "core/json*")
    }
    codes = {each for each in found | said if re.fullmatch(r"[a-z_]+", each)}
    rows, sound = FORMAT.section("What the checker says").tables()
    same(column(rows, "code"), codes | scanned)
    warnings = {code_in(row["code"])[0] for row in rows if row["severity"] == "warning"}
    assert warnings == said
    same(column(sound, "code"), set(code_words.soundness()))
    said_of = {code_in(row["code"])[0]: set(row["severity"].split(" or ")) for row in sound}
    assert {(mistake.code, mistake.severity) for mistake in SOUND} <= {
        (code, severity) for code, severities in said_of.items() for severity in severities
    }


# The state machine --------------------------------------------------------------------


def subclasses(base: type) -> set[str]:
    return {each.__name__ for each in base.__subclasses__()}


def states(table: sa.Table) -> set[str]:
    """Return the words that the table's column ``state`` or ``status`` may hold."""
    words = table.c.state.info.get("words") if "state" in table.c else None
    if words is not None:
        return set(words)
    (text,) = (
        str(each.sqltext)
        for each in table.constraints
        if isinstance(each, sa.CheckConstraint) and " in (" in str(each.sqltext)
    )
    return set(re.findall(r"'(\w+)'", text))


def test_statuses_and_waits() -> None:
    same(column(MACHINE.section("Instance").tables()[0], "status"), get_args(Status))
    waits, scopes, _ = MACHINE.section("Tokens and waits").tables()
    same(column(waits, "wait"), get_args(WaitKind))
    same(column(scopes, "scope"), get_args(ScopeKind))


@pytest.mark.parametrize(
    ("heading", "table"),
    [("Task", schema.tasks), ("Job", schema.jobs), ("Message", schema.messages)],
)
def test_lives_of_tasks_jobs_and_messages(heading: str, table: sa.Table) -> None:
    rows = MACHINE.section(heading).tables()[0]
    assert {*column(rows, "state"), *column(rows, "becomes")} == states(table)


def test_life_of_a_definition() -> None:
    said = set(code_in(MACHINE.section("Definition").text))
    assert said == states(schema.process_definitions)


def test_events_and_effects() -> None:
    tables = MACHINE.section("Events and what they lead to").tables()
    by_event, by_step, by_effect = tables
    same(column(by_event, "event"), subclasses(events.Event))
    same(column(by_effect, "effect"), subclasses(effects.Effect))
    named = {*column(by_event, "direct effects"), *column(by_step, "effects")}
    assert {each for each in named if each[0].isupper()} == subclasses(effects.Effect)


def test_kinds_of_incidents() -> None:
    found = {kind for _, kind in code_words.arguments({"Fail"}, 0, "core/*.py", "core/nodes/*.py")}
    same(column(MACHINE.section("Incident").tables()[0], "kind"), found)


def test_codes_of_failed_attempts() -> None:
    found = {
        code
        for _, code in code_words.arguments({"Failure"}, 0, "runtime/*.py", "worker/*.py")
        if code.islower()
    }
    found |= {"unknown_service"}
    (line,) = re.findall(r"have fixed codes:(.*?)\n\n", MACHINE.text, re.DOTALL)
    same(code_in(line), found)


def test_kinds_of_history_lines() -> None:
    heads = "instance|step|task|job|incident|variables|decision|timer|message|child|token"
    kind = re.compile(rf"(?:{heads})\.[a-z_]+")
    places = "core/codec.py", "runtime/*.py", "task/*.py", "history/*.py"
    found = {each for each in code_words.constants(*places) if kind.fullmatch(each)}
    found |= {f"instance.{status}" for status in ("completed", "terminated", "failed")}
    same(column(MACHINE.section("History").tables()[0], "kind"), found)


# REST ---------------------------------------------------------------------------------


def refusals() -> dict[str, int]:
    """Return code → status of every refusal in the code."""
    classes = {each.__name__: each.status for each in errors.AppError.__subclasses__()}
    found = {
        code: classes[name]
        for name, code in code_words.arguments(classes, 0, "**/*.py")
        if name in classes
    }
    # What Flask refuses by itself; see ``app.api.errors._as_app_error``.
    found |= {"wrong_method": 405, "bad_request": 400, "internal_error": 500}
    return found


def test_every_refusal_has_its_line() -> None:
    rest, pages_only, _ = REST.section("Refusals").tables()
    said = {code_in(row["code"])[0]: int(row["status"]) for row in [*rest, *pages_only]}
    assert len(said) == len(rest) + len(pages_only), "named twice"
    assert said == refusals()


def test_every_code_of_an_entry_has_its_line() -> None:
    found = {code for _, code in code_words.arguments({"FieldError"}, 1, "**/*.py")}
    found |= {code for _, code in code_words.arguments({"ValueProblem"}, 0, "core/*.py")}
    found |= {code for _, code in code_words.arguments({"problem"}, 0, "core/value_check.py")}
    found |= set(code_words.heads_of_tuples(3, "core/form_values.py"))
    found |= set(code_words.heads_of_tuples(3, "runtime/files.py"))
    found |= set(code_words.heads_of_tuples(2, "api/reading.py")) | {"invalid"}
    same(column(REST.section("Refusals").tables()[2], "code"), found)


def test_every_endpoint_has_its_line() -> None:
    rows = {row["path"].strip("`") + " " + row["methods"]: row for row in endpoint_rows()}
    said = set()
    for operation in openapi._documented or documented():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.rule)
        name = f"{path} {', '.join(operation.methods)}"
        assert name in rows, name
        said.add(name)
        needs = operation.permission or ("nothing" if operation.open else "a token")
        assert rows[name]["needs"].replace("`", "") == needs
        asked = operation.query.model_fields if operation.query else {}
        for parameter in set(asked) - {"page", "size", "after"}:
            assert re.search(rf"`\??{parameter}[=`]|`{parameter}`", rows[name]["what"]), parameter
    assert set(rows) == said


def documented() -> list[Any]:
    from app import api

    return [operation for module in api._MODULES for operation in module.all]


def endpoint_rows() -> list[Row]:
    return REST.section("Endpoints").tables()[0]


def test_permissions_of_roles() -> None:
    rows = REST.section("Endpoints").tables()[1]
    same(column(rows, "permission"), PERMISSIONS)
    for role, permissions in ROLES.items():
        assert {code_in(row["permission"])[0] for row in rows if row[role]} == permissions


# Operations ---------------------------------------------------------------------------


def test_settings() -> None:
    shipped = dict(flat(yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8"))))
    names = {key: name for name, key in _NAMED.items()}
    table = OPERATIONS.section("Settings").tables()[0]
    same(column(table, "key"), known_settings())
    rows = {code_in(row["key"])[0]: row for row in table}
    for key, row in rows.items():
        by_rule = "APP_" + key.upper().replace(".", "__")
        assert code_in(row["environment"]) == [names.get(key, by_rule)]
        assert yaml.safe_load(code_in(row["default"])[0]) == shipped[key], key


def test_metrics() -> None:
    figures = Figures({("any", "running"): 1}, 0, 0, 0, 0, 0.0, 0, 0, 0.0)
    together = [*metrics.registry.collect(), *Collector(figures, redis=True, version="").collect()]
    exposed = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in together
    }
    rows = OPERATIONS.section("Metrics").tables()[0]
    same(column(rows, "name"), exposed)
    assert {code_in(row["name"])[0]: row["type"] for row in rows} == exposed


def test_duties() -> None:
    units = {"s": "seconds", "min": "minutes", "h": "hours"}
    said = {}
    for row in page("docs/architecture.md").section("Duties").tables()[0]:
        number, unit = row["every"].split()
        said[code_in(row["duty"])[0]] = timedelta(**{units[unit]: float(number)})
    assert said == {duty.name: duty.every for duty in DUTIES}


def test_connectors() -> None:
    rows = page("app/connector/README.md").tables()[0]
    same(column(rows, "service"), standard_registry().names())
