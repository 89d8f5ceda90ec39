"""Every mistake in a document is found, at the very token, in words."""

import re
from pathlib import Path

import pytest

from app.core.compiling import MAX_FINDINGS
from app.core.findings import Known
from app.core.parse import check
from app.core.values import json_text
from tests.support import code_words, mistakes_flow
from tests.support.mistakes import (
    KNOWN,
    REFERENCES,
    SHAPE,
    TEXT,
    checked,
    described,
    of_code,
    one,
    steps,
)
from tests.support.mistakes_form import FORMS
from tests.support.mistakes_people import PEOPLE
from tests.support.mistakes_seats import SEATS
from tests.support.mistakes_sound import SOUND
from tests.support.pace import within

ALL = (
    *(*TEXT, *SHAPE, *FORMS, *PEOPLE, *SEATS, *REFERENCES),
    *(*mistakes_flow.SHAPE, *mistakes_flow.REFERENCES, *SOUND),
)
WARNINGS = {
    "not_evaluated",
    "type_differs",
    "unknown_person",
    "unknown_process",
    "unknown_service",
    "unknown_variable",
    "unused_key",
}
DOCUMENTED = Path(__file__).parents[2] / "docs" / "definition-format.md"


@pytest.mark.parametrize("mistake", ALL, ids=described)
def test_a_mistake_is_found_at_its_token(mistake):
    with within(0.5):
        found, place = checked(mistake.source)
    [finding] = of_code(found, mistake.code)
    assert (finding.line, finding.column) == place
    by_code = "warning" if mistake.code in WARNINGS else "error"
    assert finding.severity == (mistake.severity or by_code)
    assert found.valid is (finding.severity != "error")
    assert tuple(move["step"] for move in finding.witness) == mistake.witness
    hint = finding.hint % (finding.hint_params or {}) if finding.hint else ""
    assert mistake.hint in hint
    assert "%(" not in finding.text() + hint
    assert len(finding.text()) < 500


@pytest.mark.parametrize("mistake", ALL, ids=described)
def test_a_mistake_brings_no_others_along(mistake):
    found, _ = checked(mistake.source)
    others = {finding.code for finding in found.findings} - {mistake.code}
    # What follows from it at the same place, or from how the case is written.
    assert others <= {"unknown_person", "unknown_variable", "no_steps", "missing_key"}


def test_there_is_a_mistake_for_every_code_there_is():
    table = DOCUMENTED.read_text(encoding="utf-8").partition("## What the checker says")[2]
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    places = ("core/*.py", "core/nodes/*.py")
    emitted = {code for _, code in code_words.arguments({"error"}, 0, "core/json*.py")}
    said = {code for _, code in code_words.arguments({"say"}, 1, *places)}
    said |= {
        code
        for pattern in places
        for _, code in code_words.arguments({"error", "Finding"}, 0, pattern)
        if code not in emitted and re.fullmatch("[a-z_]+", code)
    }
    codes = {f"json_{code}" for code in emitted} | said | set(code_words.soundness())
    assert codes == {mistake.code for mistake in ALL} | {"more_findings"}
    assert codes <= documented


def test_all_that_is_undefined_is_listed_at_once():
    source = steps(
        '{"id":"a","type":"user_task","next":["x","y"],"on_error":"z"}',
        '{"id":"b","type":"exclusive_gateway","config":{"default":"w"}}',
        '{"id":"b","type":"end"}',
    )
    found = [(each.code, each.pointer) for each in check(source).findings]
    assert found == [
        ("undefined_target", "/steps/0/next/0"),
        ("undefined_target", "/steps/0/next/1"),
        ("undefined_target", "/steps/0/on_error"),
        ("undefined_target", "/steps/1/config/default"),
        ("duplicate_id", "/steps/2/id"),
    ]


def test_findings_come_in_the_order_of_the_text():
    found = check('{"steps": 1, "name": 1, "x": 1,\n "version": 1, "key": 1}').findings
    assert [each.pointer for each in found] == ["/steps", "/name", "/x", "/version", "/key"]


def test_what_is_missing_is_told_where_it_should_stand():
    [finding] = check('{\n "name": "N",\n "steps": [ {"id": "e"} ] }').findings
    assert (finding.pointer, finding.line, finding.column) == ("/steps/0", 3, 13)


def test_a_layer_is_not_checked_before_the_one_below_is_right():
    source = one('"assignee":"${boss}"', '"next":["q"],"typo":1,')
    assert [each.code for each in check(source, KNOWN).findings] == ["unknown_key"]
    source = one('"assignee":"${boss}"', '"next":["q"],')
    assert [each.code for each in check(source, KNOWN).findings] == ["undefined_target"]
    source = one('"assignee":"${boss}"')
    assert [each.code for each in check(source, KNOWN).findings] == ["unknown_variable"]


def test_keys_that_begin_with_x_are_kept_wherever_they_stand():
    source = """
    {"name": "N", "x-a": [1], "variables": {"x-a": 5, "v": {"x-a": 1}},
     "start": {"x-a": 1, "form": {"x-a": 5, "f": {"x-a": {}}}}, "settings": {"x-a": 1},
     "steps": [
      {"id": "s", "type": "service_task", "x-a": 1, "next": [{"step": "g", "x-a": 1}],
       "config": {"service_name": "Mail", "method": "send", "x-a": "${",
       "retry_policy": {"x-a": 1}}},
      {"id": "g", "type": "exclusive_gateway",
       "config": {"conditions": [{"expression": "true", "next": "p", "x-a": 1}]}},
      {"id": "p", "type": "user_task", "config": {"outcomes": [{"id": "o", "x-a": 1}],
       "form": [{"name": "s", "type": "select", "options": [{"value": 1, "x-a": 1}]}]}}]}"""
    found = check(source, KNOWN)
    assert [(each.code, each.pointer) for each in found.findings] == []
    assert set(found.definition.variables) == {"v"}
    assert [field["name"] for field in found.definition.start["form"]] == ["f"]


def test_names_that_expressions_may_always_read():
    texts = ["${initiator.manager}", "${instance.id}", "${p.completed_by}", "${error.code}"]
    source = one(f'"candidate_users": {json_text(texts)}')
    assert check(source, KNOWN).findings == ()


@pytest.mark.parametrize("name", ["li", "LI", " li ", "user:mei", "group:finance_team", "manager"])
def test_people_that_are_known(name):
    assert check(one(f'"assignee": "{name}"'), KNOWN).findings == ()


def test_without_knowing_who_is_there_nobody_is_missing():
    source = one('"assignee": "nobody"')
    assert check(source).findings == ()
    assert [each.code for each in check(source, Known()).findings] == ["unknown_person"]


def test_so_many_findings_are_enough():
    keys = ",".join(f'"k{i}": 1' for i in range(5 * MAX_FINDINGS))
    found = check(f'{{"name": "N", {keys}, "steps": []}}')
    codes = [each.code for each in found.findings]
    assert codes.count("unknown_key") == MAX_FINDINGS
    [rest] = of_code(found, "more_findings")
    assert rest.params == {"count": 4 * MAX_FINDINGS + 1}
    assert not found.valid


def test_so_many_warnings_hide_no_error():
    reads = ",".join(f'"k{i}": "${{v{i}}}"' for i in range(2 * MAX_FINDINGS))
    source = steps(
        '{"id":"s","type":"service_task","config":{"service_name":"Mail","method":"send",'
        f'"input":{{{reads}}},"output":{{"o":1}}}}}}',
        rest='"settings":{"strict_variables":true},',
    )
    found = check(source, KNOWN)
    assert [each.pointer for each in of_code(found, "undeclared_variable")] == [
        "/steps/0/config/output/o"
    ]
    assert len(list(of_code(found, "unknown_variable"))) == MAX_FINDINGS
    assert found.definition is None
