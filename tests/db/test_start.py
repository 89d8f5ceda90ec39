"""Starting an instance: who may, which version, with which values; what it is called."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.definition import service as definitions
from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from app.runtime import queries
from app.runtime import service as runtime
from app.runtime.row import InstanceRow
from app.runtime.start_form import start_by_form, start_form
from tests.db.conftest import Lab
from tests.support import stored
from tests.support.office import NOW
from tests.support.scenario import end, person

WORK = person("work", assignee="li")
DECLARED = {
    "amount": {"type": "number", "required": True},
    "kind": {"type": "string", "enum": ["small", "large"], "default": "small"},
    "day": "date",
    "flag": "boolean",
    "note": "string",
}


def start(lab: Lab, by: str = "zhao", key: str = "own", **more: Any) -> InstanceRow:
    given = {"variables": {}, "definition_key": key, "now": NOW} | more
    return runtime.start(lab.engine, lab.office[by], **given)


def refused(lab: Lab, kind: type[AppError], by: str = "zhao", **more: Any) -> AppError:
    return lab.refused(kind, lambda: start(lab, by, **more))


# --- who ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "starters"),
    [
        (None, "li mei root stranger wang zhao"),
        (["group:sales"], "li root zhao"),
        (["sales"], "li root zhao"),
        (["user:mei", "role:admin"], "li mei root"),
        (["role:user"], "li mei root stranger wang zhao"),
        (["nobody_yet"], "li root"),
    ],
)
def test_who_may_start_is_who_the_definition_names_and_those_with_the_permission(
    lab: Lab, who: list[str] | None, starters: str
) -> None:
    lab.define(end(), start={"who": who} if who else {})
    let_in = []
    for by in sorted(lab.office.people):
        with suppress(NotFound):
            start(lab, by)
            let_in.append(by)
    assert " ".join(let_in) == starters


def test_who_sees_a_definition_but_may_not_start_it_is_told_so(lab: Lab) -> None:
    made = lab.define(end(), start={"who": ["group:sales"]})
    reader = replace(lab.office["stranger"], permissions=frozenset({"process:read"}))
    for call in (
        lambda: runtime.start(lab.engine, reader, definition_id=made, variables={}, now=NOW),
        lambda: start_form(lab.engine, reader, made, now=NOW),
    ):
        assert lab.refused(Forbidden, call).code == "not_a_starter"


@pytest.mark.parametrize("which", [{"definition_key": "none"}, {"definition_id": 4711}])
def test_what_is_not_there_cannot_be_started(lab: Lab, which: dict[str, Any]) -> None:
    error = refused(lab, NotFound, by="root", **({"definition_key": None} | which))
    assert error.code == "definition_not_found"


def test_a_key_means_its_newest_active_version(lab: Lab) -> None:
    made = {}
    for version in ("1.9.0", "1.10.0", "2.0.0"):
        made[version] = lab.define(WORK, version=version)
    definitions.retire(lab.db, lab.office["root"], made["2.0.0"], now=NOW)
    assert start(lab).definition_id == made["1.10.0"]
    assert start(lab, definition_id=made["1.9.0"]).definition_id == made["1.9.0"]


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_only_an_active_version_starts(lab: Lab, status: str) -> None:
    made = lab.define(WORK)
    with lab.db.transaction() as tx:
        tx.run("update process_definitions set status = %(it)s", {"it": status})
    for call in (
        lambda: start(lab, definition_id=made),
        lambda: start_form(lab.engine, lab.office["root"], made, now=NOW),
    ):
        error = lab.refused(Conflict, call)
        assert (error.code, error.extra) == (
            "definition_not_active",
            {"definition_status": status},
        )
    assert refused(lab, NotFound).code == "definition_not_found"


# --- values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, {"amount": "required"}),
        ({"amount": None}, {"amount": "required"}),
        ({"amount": "12"}, {"amount": "wrong_type"}),
        ({"amount": True}, {"amount": "wrong_type"}),
        ({"amount": 1, "kind": "medium"}, {"kind": "not_in_enum"}),
        (
            {"amount": [], "kind": 1, "day": "tomorrow", "flag": "yes", "note": 5},
            {
                "amount": "wrong_type",
                "kind": "wrong_type",
                "day": "wrong_type",
                "flag": "wrong_type",
                "note": "wrong_type",
            },
        ),
        ({"amount": 1, "initiator": {}}, {"initiator": "reserved_name"}),
        ({"amount": 1, "note": "a\0b"}, {"note": "bad_text"}),
        ({"amount": 1, "x/y~z": "\ud800"}, {"x/y~z": "bad_text"}),
    ],
)
def test_each_wrong_value_is_named(lab: Lab, values: dict[str, Any], wrong: dict[str, str]) -> None:
    lab.define(WORK, variables=DECLARED)
    error = refused(lab, Invalid, variables=values)
    assert {each.field: each.code for each in error.errors} == wrong


def test_what_is_not_declared_is_taken_unless_the_definition_is_strict(lab: Lab) -> None:
    lab.define(WORK, variables={"amount": "number"})
    assert start(lab, variables={"extra": [1, {"a": None}]}).variables == {
        "extra": [1, {"a": None}]
    }
    lab.define(
        WORK, variables={"amount": "number"}, settings={"strict_variables": True}, key="strict"
    )
    error = refused(lab, Invalid, key="strict", variables={"amount": 1, "extra": 1, "more": 2})
    assert {each.field: each.code for each in error.errors} == {
        "extra": "unknown_variable",
        "more": "unknown_variable",
    }


def test_numbers_stay_exact_and_defaults_fill_what_is_missing(lab: Lab) -> None:
    lab.define(WORK, variables=DECLARED)
    amount = Decimal("12345678901234567890.10")
    instance = start(lab, variables={"amount": amount}).id
    kept = stored.state_of(lab.db, instance).variables
    assert kept == {"amount": amount, "kind": "small"}
    assert str(kept["amount"]) == "12345678901234567890.10"
    stored.agrees(lab.db, instance)


@pytest.mark.parametrize(("by", "shown"), [("zhao", "••••••"), ("li", "••••••"), ("root", 900)])
def test_sensitive_variables_are_masked_for_who_may_not_read_them(
    lab: Lab, by: str, shown: Any
) -> None:
    instance = lab.start("request", salary=900, amount=1)
    body = queries.get(lab.db, lab.office[by], instance, now=NOW)
    assert body["variables"] == {"salary": shown, "amount": 1}


# --- names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "given", "title"),
    [
        (None, None, "own"),
        ("Order ${order} of ${initiator.name}", None, "Order 7 of Zhao Min"),
        ("Order ${order} for ${instance.business_key}", None, "Order 7 for K-1"),
        ("Order ${order}${'\n'}now", None, "Order 7 now"),
        ("${1 / 0}", None, "own"),
        ("${missing}", None, "own"),
        ("Order ${order}", "My own", "My own"),
        ("${note}", None, "x" * 255),
    ],
)
def test_an_instance_has_a_title(
    lab: Lab, template: str | None, given: str | None, title: str
) -> None:
    lab.define(WORK, start={"title": template} if template else {})
    row = start(lab, variables={"order": 7, "note": "x" * 300}, title=given, business_key="K-1")
    assert row.title == title
    assert stored.state_of(lab.db, row.id).facts["instance"] == {
        "id": row.id,
        "business_key": "K-1",
        "title": title,
        "started_at": "2026-03-02T09:00:00Z",
    }


@pytest.mark.parametrize("name", ["business_key", "title"])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * 256, "too_long"),
        ("a\0b", "bad_text"),
        ("a\nb", "bad_text"),
        ("a\x1b[2J", "bad_text"),
        ("a\u2028b", "bad_text"),
        ("a\x85", "bad_text"),
    ],
)
def test_names_that_cannot_be_kept_are_refused(lab: Lab, name: str, text: str, code: str) -> None:
    lab.define(WORK)
    error = refused(lab, Invalid, **{name: text})
    assert [(each.field, each.code) for each in error.errors] == [(name, code)]


# --- the form -------------------------------------------------------------------------


def test_without_a_form_the_declared_variables_are_one(lab: Lab) -> None:
    made = lab.define(WORK, variables={**DECLARED, "where": "object", "what": "any"})
    form = start_form(lab.engine, lab.office["zhao"], made, now=NOW)
    assert form.generated
    assert [(field["name"], field["type"]) for field in form.fields] == [
        ("amount", "number"),
        ("kind", "select"),
        ("day", "date"),
        ("flag", "boolean"),
        ("note", "string"),
        ("where", "text"),
        ("what", "text"),
    ]
    assert form.values == {"kind": "small"}
    row = start_by_form(
        lab.engine,
        lab.office["zhao"],
        made,
        {
            "amount": "1,250.50",
            "kind": "large",
            "where": '{"city": "Ulm"}',
            "what": "plain",
            "note": "",
        },
        now=NOW,
    )
    assert row.variables == {
        "amount": Decimal("1250.50"),
        "kind": "large",
        "where": {"city": "Ulm"},
        "what": "plain",
    }


def test_an_emptied_field_takes_a_default_away(lab: Lab) -> None:
    made = lab.define(WORK, variables={"note": {"type": "string", "default": "usual"}})
    zhao = lab.office["zhao"]
    row = start_by_form(lab.engine, zhao, made, {"note": ""}, now=NOW)
    assert row.variables == {"note": None}


def test_the_form_of_the_definition_knows_who_starts(lab: Lab) -> None:
    made = lab.define(
        WORK,
        variables={"amount": {"type": "number", "label": "Sum", "default": 5}},
        start={
            "form": [
                {"name": "who", "type": "string", "default": "${initiator.name}"},
                {"name": "amount", "type": "number", "min": 1},
                {"name": "odd", "type": "string", "default": "${1 / 0}"},
                {"name": "pick", "type": "select", "options": "${['a', 'b']}"},
            ]
        },
    )
    form = start_form(lab.engine, lab.office["zhao"], made, now=NOW)
    assert not form.generated
    assert form.values == {"who": "Zhao Min", "amount": 5}
    assert {field["name"]: field["label"] for field in form.fields}["amount"] == "Sum"
    with pytest.raises(Invalid) as wrong:
        form.read({"who": "x", "amount": "0", "pick": "c"})
    assert {error.field for error in wrong.value.errors} == {"amount", "pick"}


def test_text_that_should_be_json_is_refused_with_its_place(lab: Lab) -> None:
    made = lab.define(WORK, variables={"where": "object"})
    error = lab.refused(
        Invalid,
        lambda: start_by_form(
            lab.engine, lab.office["zhao"], made, {"where": '{"city": Ulm}'}, now=NOW
        ),
    )
    assert [(each.field, each.code) for each in error.errors] == [("where", "bad_json")]
    assert "line 1, column 10" in error.errors[0].text()
