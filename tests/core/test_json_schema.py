"""The JSON Schema of the format says what the checker's tables say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.cli.schema import text
from app.core.json_schema import KINDS, _object, schema
from app.core.kinds import CHECKERS
from app.core.nodes.table import NODES
from app.core.parse import check

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples" / "definitions").glob("*.json"))
JUDGE = Draft202012Validator(schema())
Document = dict[str, Any]


def fits(document: Any) -> bool:
    return bool(JUDGE.is_valid(document))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_what_is_shipped_is_what_the_code_makes() -> None:
    shipped = (ROOT / "docs" / "definition.schema.json").read_text(encoding="utf-8")
    assert shipped == text(), "run: workflow-engine schema > docs/definition.schema.json"


def test_every_kind_of_key_has_a_schema() -> None:
    assert set(KINDS) == set(CHECKERS)


def test_a_key_without_a_schema_is_noticed() -> None:
    with pytest.raises(ValueError, match="new_key"):
        _object(["new_key"], {})


@pytest.mark.parametrize("kind", NODES)
def test_every_step_type_has_its_keys(kind: str) -> None:
    (rule,) = (
        each["then"]
        for each in schema()["$defs"]["step"]["allOf"]
        if each["if"]["properties"]["type"]["const"] == kind
    )
    assert set(rule["properties"]["config"]["properties"]) == {k.name for k in NODES[kind].keys}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_shipped_example_fits(path: Path) -> None:
    errors = JUDGE.iter_errors(json.loads(path.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_a_registered_type_is_known_when_it_is_named() -> None:
    step = {"id": "a", "type": "own", "config": {"anything": 1}}
    document = {"name": "n", "steps": [step]}
    assert not fits(document)
    assert Draft202012Validator(schema(["own"])).is_valid(document)


GOOD: Document = {
    "name": {"en": "Example", "zh": "例"},
    "key": "example",
    "version": "1",
    "description": "",
    "x-note": [1],
    "variables": {"a": "number", "b": {"type": "string", "enum": ["x"], "sensitive": True}},
    "start": {"form": {"a": "number"}, "who": ["li"], "cron": "0 8 * * *", "title": "T ${a}"},
    "settings": {"timezone": "Europe/Berlin", "calendar": {"hours": {"mon": "09:00-17:00"}}},
    "steps": [
        {
            "id": "ask",
            "type": "user_task",
            "config": {
                "assignee": "li",
                "form": [{"name": "f", "type": "select", "options": [1, {"value": "x"}]}],
                "outcomes": [{"id": "o", "next": "split", "style": "primary"}],
                "priority": "${a}",
            },
            "boundary": [{"on": "timer", "after": "1d", "interrupt": False, "next": "end"}],
        },
        {"id": "split", "type": "parallel_gateway", "next": ["call", "hook"]},
        {
            "id": "call",
            "type": "call_activity",
            "config": {"process_key": "other"},
            "multi": {"over": "${list}", "as": "one", "collect": {"all": "${result}"}},
            "next": [{"step": "table", "when": "${a > 1}"}, "end"],
        },
        {
            "id": "table",
            "type": "decision",
            "config": {"inputs": ["${a}"], "rules": [{"when": ["> 1"], "set": {"b": "x"}}]},
            "next": ["end"],
        },
        {
            "id": "hook",
            "type": "webhook",
            "config": {"url": "https://example.com", "expect": [200, 201], "body": None},
            "next": ["inner"],
        },
        {
            "id": "inner",
            "type": "sub_process",
            "config": {"steps": [{"id": "deep", "type": "timer", "config": {"after": "2h"}}]},
            "next": ["end"],
        },
        {"id": "end", "type": "end", "config": {"result": "cancelled"}},
    ],
}


def test_the_whole_language_fits_and_the_checker_agrees() -> None:
    assert [error.message for error in JUDGE.iter_errors(GOOD)] == []
    shape = {"unknown_key", "missing_key", "wrong_type", "unsupported_type", "unknown_type"}
    assert not shape & {each.code for each in check(json.dumps(GOOD)).findings}


def step(index: int) -> Callable[[Document], Document]:
    def find(document: Document) -> Document:
        found: Document = document["steps"][index]
        return found

    return find


def config(index: int) -> Callable[[Document], Document]:
    def find(document: Document) -> Document:
        found: Document = document["steps"][index]["config"]
        return found

    return find


def top(document: Document) -> Document:
    return document


BROKEN: list[tuple[str, Callable[[Document], Document], str, Any]] = [
    ("no steps", top, "steps", []),
    ("unknown key", top, "stepps", []),
    ("empty name", top, "name", " "),
    ("empty languages", top, "name", {}),
    ("variable of no type", top, "variables", {"a": "numbr"}),
    ("variable with a strange key", top, "variables", {"a": {"typ": "number"}}),
    ("start with a strange key", top, "start", {"whom": ["li"]}),
    ("settings out of range", top, "settings", {"max_visits": 0}),
    ("unknown rule for keys", top, "settings", {"on_duplicate_business_key": "maybe"}),
    ("calendar of a strange day", top, "settings", {"calendar": {"hours": {"monday": "9-5"}}}),
    ("step of no type", step(0), "type", "user_tsk"),
    ("step with a strange key", step(0), "assignee", "li"),
    ("step without a text as id", step(0), "id", 7),
    ("next is a text", step(1), "next", "end"),
    ("boundary of no kind", step(0), "boundary", [{"on": "clock", "next": "end"}]),
    ("boundary where nothing waits", step(1), "boundary", []),
    ("multi for people", step(0), "multi", {"over": "${l}", "as": "x"}),
    ("multi without as", step(2), "multi", {"over": "${l}"}),
    ("key of another type", config(0), "process_key", "x"),
    ("priority out of range", config(0), "priority", 101),
    ("field of no type", config(0), "form", {"f": "txt"}),
    ("field in a list without a name", config(0), "form", [{"type": "text"}]),
    ("select option that is a list", config(0), "form", [{"name": "f", "options": [[1]]}]),
    ("outcome without an id", config(0), "outcomes", [{"label": "x"}]),
    ("outcome of no style", config(0), "outcomes", [{"id": "o", "style": "pink"}]),
    ("flag that is a text", config(2), "wait", "false"),
    ("rule without set", config(3), "rules", [{"when": ["-"]}]),
    ("hit that is none", config(3), "hit", "last"),
    ("status out of range", config(4), "expect", 99),
    ("method that is none", config(4), "method", "FETCH"),
    ("policy with a strange key", config(4), "retry_policy", {"attempts": 3}),
    ("broken step inside", config(5), "steps", [{"id": "x", "type": "timr"}]),
    ("result that is none", config(6), "result", "done"),
]


@pytest.mark.parametrize(("what", "place", "key", "value"), BROKEN, ids=[row[0] for row in BROKEN])
def test_what_is_broken_fits_neither_the_schema_nor_the_checker(
    what: str, place: Callable[[Document], Document], key: str, value: Any
) -> None:
    document = copy.deepcopy(GOOD)
    place(document)[key] = value
    assert not fits(document), what
    assert not check(json.dumps(document)).valid, what


def test_a_step_that_needs_a_config_needs_it() -> None:
    document = copy.deepcopy(GOOD)
    del document["steps"][2]["config"]
    assert not fits(document)
    assert not check(json.dumps(document)).valid
