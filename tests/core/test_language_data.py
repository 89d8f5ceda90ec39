"""Steps that set, decide, send, call and fetch: what goes out, and what comes back."""

from decimal import Decimal

import pytest

from app.core.cells import CellError, parse_cell
from app.core.effects import Correlate, RaiseIncident, StartChild, StartJob, Subscribe
from app.core.events import ChildEnded, MessageReceived
from app.core.parse import check, load
from app.core.values import read_date, read_datetime
from tests.support.scenario import MONDAY, define, service, source, started, step


def one(kind, variables=None, rest=None, **config):
    """Return a run of one step of this type that leads to a service."""
    return started(
        define(step(kind, "s", "on", **config), service("on"), **(rest or {})), variables
    )


def effect(played, kind):
    return next(effect for effect in played.effects if isinstance(effect, kind))


def incident(played):
    return effect(played, RaiseIncident).error_kind


# Script --------------------------------------------------------------------------------


def test_a_script_sets_in_the_order_of_the_document_and_later_ones_see_earlier_ones():
    text = """{"name": "N", "steps": [{"id": "s", "type": "script", "config": {"set":
        {"z": "${a + 1}", "a": "${z * 2}", "t": "a is ${a}", "list": [1, "${z}"]}}}]}"""
    assert started(load(text), {"a": 1}).state.variables == {
        "a": 4,
        "z": 2,
        "t": "a is 4",
        "list": [1, 2],
    }


def test_a_script_that_fails_sets_nothing():
    played = one("script", set={"b": "${1}", "c": "${b + 'x'}"})
    assert (incident(played), played.state.variables) == ("expression", {})


def test_a_script_keeps_to_declared_types():
    assert (
        incident(one("script", rest={"variables": {"n": "number"}}, set={"n": "text"}))
        == "wrong_type"
    )


# Decision tables -----------------------------------------------------------------------

CELLS = [
    ("-", [None, 1, "x", True], []),
    (5, [5, Decimal("5.00")], ["5", True, None, 6]),
    (True, [True], [1, "true", None]),
    (None, [None], [0, "", False]),
    ("ann", ["ann"], ["Ann", " ann", None]),
    ("'> 5'", ["> 5"], [6]),
    ("''", [""], [None, "''"]),
    ("> 5", [6, Decimal("5.01")], [5, Decimal("5"), None]),
    (">= 5", [5, 6], [4]),
    ("<-5", [-6], [-5, 0]),
    ("<= 1.5", [Decimal("1.5"), 1], [2]),
    ("1..5", [1, 5, Decimal("1.000")], [0, Decimal("5.1"), None]),
    ("-5 .. -1", [-5, -1, -3], [0, -6]),
    ([1, "> 10", "5..6"], [1, 11, 5], [2, 10, None]),
    (
        "2026-01-01..2026-01-31",
        ["2026-01-01", "2026-01-31", read_date("2026-01-15")],
        ["2026-02-01", None],
    ),
    (
        "< 2026-01-01T00:00:00Z",
        [read_datetime("2025-12-31T23:59:59Z"), "2026-01-01T00:30:00+01:00"],
        ["2026-01-01T00:00:00Z"],
    ),
]


@pytest.mark.parametrize(("cell", "fits", "others"), CELLS, ids=lambda value: str(value)[:24])
def test_a_cell_matches_what_it_says_and_nothing_else(cell, fits, others):
    read = parse_cell(cell)
    assert [value for value in fits if not read.matches(value)] == []
    assert [value for value in others if read.matches(value)] == []


@pytest.mark.parametrize(
    "cell",
    ["> ", "5..", "5..1", "1..2026-01-01", "2026-02-30..2026-03-01", {}, [[]], [], "<> 5", "1...5"],
)
def test_a_cell_that_says_nothing_is_refused(cell):
    with pytest.raises(CellError):
        parse_cell(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("> 5", "six"), ("1..2", True), ("> 2026-01-01", 5), ("> 2026-01-01", "soon"), ("> 5", [6])],
)
def test_a_value_that_has_no_order_with_the_cell_is_an_incident(cell, value):
    rules = [{"when": [cell], "set": {"o": 1}}]
    assert incident(one("decision", {"n": value}, inputs=["${n}"], rules=rules)) == "bad_input"


TIERS = [
    {"when": ["< 100", "-"], "set": {"o": "auto", "n": "${amount}"}},
    {"when": ["100..999", ["hr", "it"]], "set": {"o": "lead"}},
    {"when": ["> 500", "-"], "set": {"o": "head", "n": "${amount * 2}"}},
]


def decided(amount, by="hr", **config):
    return one(
        "decision",
        {"amount": amount, "by": by},
        inputs=["${amount}", "${by}"],
        rules=TIERS,
        **config,
    )


@pytest.mark.parametrize(
    ("hit", "amount", "by", "sets"),
    [
        (None, 50, "x", {"o": "auto", "n": 50}),
        ("first", 600, "hr", {"o": "lead"}),
        ("first", 600, "ops", {"o": "head", "n": 1200}),
        ("unique", 600, "ops", {"o": "head", "n": 1200}),
        ("collect", 600, "it", {"o": ["lead", "head"], "n": [1200]}),
        ("collect", 200, "ops", {"o": [], "n": []}),
    ],
)
def test_what_a_table_sets(hit, amount, by, sets):
    played = decided(amount, by, **({"hit": hit} if hit else {}))
    assert played.state.variables == {"amount": amount, "by": by, **sets}


@pytest.mark.parametrize(
    ("hit", "amount", "by", "kind"),
    [("first", 200, "ops", "no_rule"), ("unique", 600, "hr", "many_rules")],
)
def test_a_table_without_the_one_rule_is_an_incident(hit, amount, by, kind):
    assert incident(decided(amount, by, hit=hit)) == kind


# Messages ------------------------------------------------------------------------------


def test_what_is_sent():
    played = one(
        "send_message",
        {"id": 7},
        message="paid",
        correlate="${id}",
        payload={"n": "${id + 1}"},
        ttl="2h",
    )
    sent = effect(played, Correlate)
    assert (sent.name, sent.key, sent.payload, sent.ttl) == ("paid", "7", {"n": 8}, 7200)
    assert played.path == ["s", "on"]


def test_what_is_sent_by_default():
    sent = effect(one("send_message", message="m"), Correlate)
    assert (sent.key, sent.payload, sent.ttl) == ("", {}, 86_400)


def test_a_message_is_sent_once_even_if_the_way_on_is_missing():
    send = step("send_message", "s", {"step": "on", "when": "ready"}, message="m")
    played = started(define(send, service("on")), {"ready": False}).answer("s", retry=True)
    assert [e.kind for e in played.effects].count("correlate") == 1


@pytest.mark.parametrize(
    ("config", "declared", "payload", "sets"),
    [
        ({"output": {"x": "${result.a.b + k}"}}, {}, {"a": {"b": 2}}, {"x": 3}),
        ({}, {"a": "number"}, {"a": 5, "b": 6}, {"a": 5}),
        ({}, {}, {"a": 5}, {"s": {"a": 5}}),
        ({}, {}, {}, {}),
        ({"output": {}}, {"a": "any"}, {"a": 5}, {}),
    ],
)
def test_what_a_received_message_sets(config, declared, payload, sets):
    rest = {"variables": {**declared, "k": "any"}}
    played = one("receive_message", {"k": 1}, rest, message="m", correlate="${k}/x", **config)
    asked = effect(played, Subscribe)
    assert (asked.name, asked.key) == ("m", "1/x")
    played.give(MessageReceived(at=MONDAY, wait=played.wait("s"), name="m", payload=payload))
    assert played.state.variables == {"k": 1, **sets}


# Children ------------------------------------------------------------------------------


def test_what_a_child_is_given():
    played = one(
        "call_activity",
        {"k": "x", "n": 1},
        process_key="sub_${k}",
        version="2",
        input={"m": "${n}"},
        business_key="${n}-b",
    )
    child = effect(played, StartChild)
    assert (child.process_key, child.version, child.variables) == ("sub_x", "2", {"m": 1})
    assert (child.business_key, child.awaited) == ("1-b", True)
    assert effect(one("call_activity", {"n": 1}, process_key="k"), StartChild).variables == {"n": 1}


@pytest.mark.parametrize(
    ("output", "sets"), [({"r": "${result.a * 2}"}, {"r": 4}), (None, {}), ({}, {})]
)
def test_what_a_child_leaves(output, sets):
    config = {} if output is None else {"output": output}
    played = one("call_activity", process_key="k", rest={"variables": {"a": "any"}}, **config)
    played.answer("s", child={"variables": {"a": 2}})
    assert (played.state.variables, played.path[-1]) == (sets, "on")


@pytest.mark.parametrize(
    ("status", "result", "code"),
    [("failed", "late", "late"), ("terminated", None, "terminated"), ("failed", "error", "error")],
)
def test_a_child_that_did_not_complete_is_an_error_with_its_code(status, result, code):
    definition = define(step("call_activity", "s", process_key="k", on_error="h"), service("h"))
    played = started(definition)
    wait = played.wait("s")
    played.give(ChildEnded(at=MONDAY, wait=wait, child=3, status=status, result=result))
    assert played.at("h").wait.kind == "job"
    assert (played.state.variables["error"]["code"], played.state.variables["error"]["child"]) == (
        code,
        3,
    )


def test_a_child_that_nobody_waits_for():
    played = one("call_activity", process_key="k", wait=False)
    assert (effect(played, StartChild).awaited, played.path) == (False, ["s", "on"])


# Jobs of other kinds -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "config", "call", "given", "topic"),
    [
        (
            "webhook",
            {"url": "https://a.example/${n}", "body": {"n": "${n}"}, "expect": [200, 404]},
            "webhook.call",
            {"url": "https://a.example/1", "body": {"n": 1}, "expect": [200, 404]},
            None,
        ),
        (
            "message_queue",
            {"queue_name": "q${n}", "message": ["${n}"], "headers": {"h": "${n}"}},
            "message_queue.publish",
            {"queue_name": "q1", "message": [1], "headers": {"h": 1}},
            None,
        ),
        (
            "email",
            {"to": ["a@b.example", "${n}@c.example"], "subject": "No. ${n}", "body": "x"},
            "email.send",
            {"to": ["a@b.example", "1@c.example"], "subject": "No. 1", "body": "x"},
            None,
        ),
        (
            "external_task",
            {"topic": "t${n}", "input": {"a": "${n}"}, "lock": "10m"},
            "external.work",
            {"a": 1},
            "t1",
        ),
        (
            "letter",
            {
                "paper": "A${n + 3}",
                "form": {"n": "${n}"},
                "events": [1],
                "outcomes": "x",
                "retry": 5,
            },
            "letter.execute",
            {"paper": "A4", "form": {"n": 1}, "events": [1], "outcomes": "x", "retry": 5},
            None,
        ),
    ],
)
def test_what_a_job_is_given(kind, config, call, given, topic):
    limit = {} if "lock" in config else {"timeout": "10m"}
    played = one(kind, {"n": 1}, **config, **limit)
    job = effect(played, StartJob)
    assert (f"{job.service}.{job.method}", job.input, job.topic, job.timeout) == (
        call,
        given,
        topic,
        600,
    )
    assert played.answer("s", result={"x": 1}).state.variables == {"n": 1, "s": {"x": 1}}


def test_a_registered_type_has_boundaries_retries_and_output_like_any_job():
    definition = define(
        step(
            "letter",
            "s",
            "on",
            output={"r": "${result}"},
            retry_policy={"max_attempts": 7},
            boundary=[{"on": "error", "code": "x", "next": "on"}],
        ),
        service("on"),
    )
    played = started(definition)
    assert effect(played, StartJob).retry["max_attempts"] == 7
    assert started(definition).answer("s", result=5).state.variables == {"r": 5}
    assert played.answer("s", fails={"code": "x"}).at("on").edge == "s#0"


def test_a_type_that_nobody_registered_is_refused_but_what_is_stored_still_loads():
    text = source(step("letter", "s", paper="A4"))
    assert [found.code for found in check(text).findings] == ["unsupported_type"]
    assert load(text).by_id["s"].config["own"] == {"paper": "A4"}
