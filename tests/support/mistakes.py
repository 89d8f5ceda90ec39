"""One document for every mistake that the checker knows, the place of each marked by ``«``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from app.core.findings import Finding, Known
from app.core.parse import Checked, check

KNOWN = Known(
    users=frozenset({"li", "mei"}),
    groups=frozenset({"finance_team"}),
    roles=frozenset({"manager"}),
    services=frozenset({"Mail.send"}),
    types=frozenset({"letter"}),
    processes=frozenset({"onboard"}),
)
END = '{"id":"e","type":"end"}'


class Mistake(NamedTuple):
    """A document with one mistake.

    Args:
        source: with ``«`` before the very token that the finding should point at.
        hint: a part of the hint.
        severity: of the finding, where one code has several.
        witness: the steps of the run that leads there.
    """

    code: str
    source: str
    hint: str = ""
    severity: str = ""
    witness: tuple[str, ...] = ()


def checked(marked: str, known: Known | None = KNOWN) -> tuple[Checked, tuple[int, int]]:
    """Check a marked document; also return line and column of the mark."""
    before, mark, after = marked.partition("«")
    assert mark, marked
    line = before.count("\n") + 1
    return check(before + after, known), (line, len(before) - before.rfind("\n"))


def steps(*given: str, rest: str = "") -> str:
    """Return a document of these steps (JSON texts)."""
    return '{"name": "N",\n ' + rest + '"steps": [\n  ' + ",\n  ".join(given) + "]}"


def one(config: str, beside: str = "") -> str:
    """Return a document of one user step with this in its config, and this beside it."""
    return steps(f'{{"id":"p","type":"user_task",{beside}"config":{{{config}}}}}')


def service(config: str) -> str:
    """Return a document of one service step with this in its config."""
    return steps(
        '{"id":"s","type":"service_task",'
        f'"config":{{"service_name":"Mail","method":"send",{config}}}}}'
    )


def gateway(config: str, beside: str = "") -> str:
    """Return a document of a gateway that may lead to ``e``."""
    return steps(f'{{"id":"g","type":"exclusive_gateway",{beside}"config":{{{config}}}}}', END)


def field(given: str) -> str:
    """Return a document with one form field ``f``."""
    return one(f'"form":{{"f":{given}}}')


def outcome(given: str) -> str:
    """Return a document with one outcome."""
    return one(f'"form":{{"f":"text"}},"outcomes":[{given}]')


def variable(given: str) -> str:
    """Return a document with one variable ``v``."""
    return steps(END, rest=f'"variables":{{"v":{given}}},\n ')


def settings(given: str) -> str:
    """Return a document with these settings."""
    return steps(END, rest=f'"settings":{{{given}}},\n ')


SHAPE = (
    Mistake("wrong_type", "«[]"),
    Mistake("wrong_type", "«null"),
    Mistake("unknown_key", steps(END, rest='«"verson":"1",'), "Did you mean version?"),
    Mistake("unknown_key", steps(END, rest='«"cron":"1",'), "Known keys: description, key,"),
    Mistake("missing_key", f'«{{"steps":[{END}]}}'),
    Mistake("wrong_type", '{"name":«"","steps":[' + END + "]}"),
    Mistake("wrong_type", '{"name":«{"en":1},"steps":[' + END + "]}"),
    Mistake("wrong_type", '{"name":«{},"steps":[' + END + "]}"),
    Mistake("too_long", '{"name":«"' + "n" * 201 + '","steps":[' + END + "]}"),
    Mistake("wrong_type", steps(END, rest='"key":«"",')),
    Mistake("wrong_type", steps(END, rest=f'"key":«"{"k" * 65}",')),
    Mistake("wrong_type", steps(END, rest='"version":«1.0,')),
    Mistake("wrong_type", steps(END, rest='"description":«5,')),
    Mistake("no_steps", '«{"name":"N"}'),
    Mistake("no_steps", '{"name":"N","steps":«[]}'),
    Mistake("no_steps", '{"name":"N","steps":«{}}'),
    Mistake("too_many", '{"name":"N","steps":«[' + ",".join([END] * 501) + "]}"),
    # Variables
    Mistake("wrong_type", steps(END, rest='"variables":«[],')),
    Mistake("reserved_name", steps(END, rest='"variables":{«"initiator":"any"},'), "another name"),
    Mistake("reserved_name", steps(END, rest='"variables":{«" ":"any"},')),
    Mistake("unknown_type", variable('«"float"'), "number, integer"),
    Mistake("unknown_type", variable('{"type":«["text"]}')),
    Mistake("wrong_type", variable("«5")),
    Mistake("unknown_key", variable('{«"typ":"text"}'), "Did you mean type?"),
    Mistake("wrong_type", variable('{"label":«""}')),
    Mistake("wrong_type", variable('{"required":«1}')),
    Mistake("wrong_type", variable('{"enum":«[]}')),
    Mistake("wrong_type", variable('{"type":"number","enum":[1,«"2"]}')),
    Mistake("wrong_type", variable('{"type":"boolean","default":«1}')),
    Mistake("wrong_type", variable('{"enum":[1],"default":«true}')),
    Mistake("too_large", variable('{"default":«"' + "x" * 270_000 + '"}')),
    # Start and settings
    Mistake("wrong_type", steps(END, rest='"start":«[],')),
    Mistake("unknown_key", steps(END, rest='"start":{«"forms":{}},'), "Did you mean form?"),
    Mistake("wrong_type", steps(END, rest='"start":{"who":«"li"},')),
    Mistake("wrong_type", steps(END, rest='"start":{"who":«[""]},')),
    Mistake("wrong_type", steps(END, rest='"start":{"title":«1},')),
    Mistake("bad_expression", steps(END, rest='"start":{"title":«"${"},')),
    Mistake("wrong_type", steps(END, rest='"start":{"form":«1},')),
    Mistake("wrong_type", steps(END, rest='"settings":«[],')),
    Mistake("unknown_key", settings('«"max_visit":1'), "Did you mean max_visits?"),
    Mistake("wrong_type", settings('"max_visits":«0')),
    Mistake("wrong_type", settings('"max_visits":«true')),
    Mistake("wrong_type", settings('"strict_variables":«"yes"')),
    Mistake("wrong_type", settings('"owners":«"li"')),
    Mistake("wrong_type", settings('"max_rounds":«0')),
    Mistake("wrong_type", settings('"withdraw":«"maybe"')),
    Mistake("no_start_form", settings('"withdraw":«"start_form"'), "start.form"),
    Mistake("unknown_timezone", settings('"timezone":«"Mars/Base"'), "Europe/Berlin"),
    Mistake("unknown_timezone", settings('"timezone":«"../../etc/passwd"')),
    Mistake("unknown_timezone", settings('"timezone":«["UTC"]')),
    # Steps
    Mistake("wrong_type", steps("«1")),
    Mistake("unknown_key", steps('{"id":"e","type":"end",«"nxt":[]}'), "Did you mean next?"),
    Mistake("missing_key", steps('«{"type":"end"}')),
    Mistake("missing_key", steps('«{"id":"e"}'), "user_task"),
    Mistake("wrong_type", steps('{"id":«" ","type":"end"}')),
    Mistake("bad_id", steps('{"id":«"@start","type":"end"}')),
    Mistake("wrong_type", steps('{"id":"e","type":"end","point_of_no_return":«1}')),
    Mistake("wrong_type", steps(f'{{"id":«"{"i" * 129}","type":"end"}}')),
    Mistake("wrong_type", one("", '"name":«1,')),
    Mistake("wrong_type", one("", '"description":«1,')),
    Mistake("unsupported_type", steps('{"id":"e","type":«"user"}'), "user_task"),
    Mistake("unsupported_type", steps('{"id":"e","type":«{}}')),
    Mistake("wrong_type", steps('{"id":"e","type":"end","config":«[]}')),
    Mistake("wrong_type", one("", '"next":«"e",')),
    Mistake("wrong_type", one("", '"next":[«1],')),
    Mistake("missing_key", one("", '"next":[«{"when":"true"}],')),
    Mistake("wrong_type", one("", '"next":[{"step":«1}],')),
    Mistake("wrong_type", one("", '"next":[{"step":"p","when":«true}],')),
    Mistake("bad_expression", one("", '"next":[{"step":"p","when":«"a b"}],')),
    Mistake("unknown_key", one("", '"next":[{"step":"p",«"if":"true"}],')),
    Mistake("wrong_type", one("", '"on_error":«1,')),
    Mistake("wrong_type", one("", '"skip_when":«true,')),
    Mistake("bad_expression", one("", '"skip_when":«"",')),
    Mistake("unknown_key", one('«"asignee":"li"'), "Did you mean assignee?"),
    # What stands in the config
    Mistake("missing_key", steps('{"id":"s","type":"service_task","config":«{"method":"m"}}')),
    Mistake("wrong_type", service('"input":«[]')),
    Mistake("bad_expression", service('"input":{"a":["x",«"${1 +}"]}')),
    Mistake("reserved_name", service('"output":{«"instance":"${result}"}')),
    Mistake("bad_duration", service('"timeout":«"30"'), "30s"),
    Mistake("bad_duration", service('"timeout":«30')),
    Mistake("bad_duration", service('"timeout":«"P1M"')),
    Mistake("bad_duration", service('"timeout":«"1wd"')),
    Mistake("bad_duration", service('"timeout":«"0s"')),
    Mistake("wrong_type", service('"retry_policy":«3')),
    Mistake("unknown_key", service('"retry_policy":{«"attempts":3}')),
    Mistake("wrong_type", service('"retry_policy":{"max_attempts":«0}')),
    Mistake("wrong_type", service('"retry_policy":{"max_attempts":«true}')),
    Mistake("wrong_type", service('"retry_policy":{"backoff":«"double"}')),
    Mistake("wrong_type", service('"retry_policy":{"factor":«0.5}')),
    Mistake("wrong_type", service('"retry_policy":{"jitter":«"no"}')),
    Mistake("wrong_type", service('"retry_policy":{"retry_on":«"timeout"}')),
    Mistake("bad_duration", service('"retry_policy":{"initial":«"1 month"}'), "P1M"),
    Mistake("wrong_type", one('"assignee":«["li"]')),
    Mistake("bad_expression", one('"assignee":«"${a b}"')),
    Mistake("wrong_type", one('"candidate_users":«"li"')),
    Mistake("bad_expression", one('"candidate_users":«"${a b}"')),
    Mistake("bad_expression", one('"candidate_users":["li",«"${a b}"]')),
    Mistake("wrong_type", one('"due_date":«3')),
    Mistake("bad_duration", one('"due_date":«"soon"')),
    Mistake("wrong_type", one('"priority":«101')),
    Mistake("wrong_type", one('"priority":«"high"')),
    Mistake("wrong_type", one('"instructions":«1')),
    Mistake("wrong_type", one('"allow":«"transfer"')),
    Mistake("wrong_type", one('"allow":["transfer",«"give"]')),
    Mistake("wrong_type", one('"cc":«3')),
    Mistake("bad_expression", one('"cc":[«"${a b}"]')),
    Mistake("wrong_type", steps('{"id":"e","type":"end","config":{"result":«"ok"}}')),
    Mistake("wrong_type", steps('{"id":"e","type":"end","config":{"terminate":«"yes"}}')),
    Mistake("wrong_type", steps('{"id":"e","type":"end","config":{"code":«""}}')),
    Mistake("not_evaluated", steps('{"id":"e","type":"end","config":{"code":«"${a}"}}')),
    Mistake("wrong_type", gateway('"conditions":«{}')),
    Mistake("wrong_type", gateway('"conditions":[«"a"]')),
    Mistake("missing_key", gateway('"conditions":[«{"next":"e"}]')),
    Mistake("wrong_type", gateway('"conditions":[{"expression":«true,"next":"e"}]')),
    Mistake("bad_expression", gateway('"conditions":[{"expression":«"a = 1","next":"e"}]')),
    Mistake("wrong_type", gateway('"conditions":[{"expression":"true","next":"e","label":«1}]')),
    Mistake(
        "unknown_key", gateway('"conditions":[{«"expresion":"a","next":"e","expression":"a"}]')
    ),
    Mistake("wrong_type", gateway('"default":«1')),
    # Forms
    Mistake("wrong_type", one('"form":«"text"')),
    Mistake("wrong_type", one('"form":{"f":«1}')),
    Mistake("missing_key", one('"form":[«{"type":"text"}]')),
    Mistake("missing_key", one('"form":[«"text"]')),
    Mistake("too_many", one('"form":«{' + ",".join(f'"f{i}":"text"' for i in range(201)) + "}")),
    Mistake("duplicate_id", one('"form":[{"name":"f"},{"name":«"f"}]'), "its own"),
    Mistake("differs", field('{"name":«"g"}')),
    Mistake("reserved_name", one('"form":{«"instance":"text"}')),
    Mistake("reserved_name", one('"form":[{"name":«"true"}]')),
    Mistake("unknown_field_type", field('«"float"'), "number, integer"),
    Mistake("unknown_field_type", field('{"type":«["number"],"min":1}')),
    Mistake("unknown_key", field('{"type":"text",«"requird":true}'), "required?"),
    Mistake("wrong_type", field('{"label":«1}')),
    Mistake("wrong_type", field('{"help":«[]}')),
    Mistake("wrong_type", field('{"pattern_message":«{}}')),
    Mistake("wrong_type", field('{"required":«"yes"}')),
    Mistake("wrong_type", field('{"max_length":«-1}')),
    Mistake("wrong_type", field('{"type":"number","min":«"1"}')),
    Mistake("wrong_type", field('{"type":"integer","max":«[]}')),
    Mistake("wrong_type", field('{"type":"date","min":«"2026-02-30"}')),
    Mistake("wrong_type", field('{"type":"datetime","max":«1}')),
    Mistake("wrong_type", field('{"type":"number","step":«0}')),
    Mistake("empty_range", field('{"type":"number","min":2,"max":«1}')),
    Mistake("empty_range", field('{"type":"date","min":"2026-02-02","max":«"2026-02-01"}')),
    Mistake("empty_range", field('{"min_length":2,"max_length":«1}')),
    Mistake("unused_key", field('{"type":"boolean",«"min":1}')),
    Mistake("bad_pattern", field('{"pattern":«"(a"}')),
    Mistake("bad_pattern", field('{"pattern":«"(a)\\\\1"}')),
    Mistake("wrong_type", field('{"pattern":«1}')),
    Mistake("missing_key", field('«"select"')),
    Mistake("missing_key", field('«{"type":"select"}')),
    Mistake("wrong_type", field('{"type":"select","options":«[]}')),
    Mistake("wrong_type", field('{"type":"select","options":[1,«[2]]}')),
    Mistake("missing_key", field('{"type":"select","options":[«{"label":"A"}]}')),
    Mistake("unknown_key", field('{"type":"select","options":[{"value":1,«"name":"A"}]}')),
    Mistake("wrong_type", field('{"type":"select","options":[{"value":1,"label":«2}]}')),
    Mistake("bad_expression", field('{"type":"select","options":«"${"}')),
    Mistake("bad_expression", field('{"type":"select","options":["a",«"${"]}')),
    Mistake("bad_expression", field('{"default":«"${1 +}"}')),
    Mistake("bad_default", field('{"type":"integer","default":«1.5}')),
    Mistake("bad_default", field('{"type":"select","options":["a"],"default":«"b"}')),
    # Outcomes
    Mistake("wrong_type", one('"outcomes":«[]')),
    Mistake("wrong_type", one('"summary":«"amount"')),
    Mistake("wrong_type", one('"summary":«[1]')),
    Mistake("wrong_type", one('"summary":«["a","b","c","d","e","f","g"]')),
    Mistake("reserved_name", one('"summary":[«"in"]')),
    Mistake("wrong_type", one('"bulk":«"yes"')),
    Mistake("wrong_type", outcome("«1")),
    Mistake("missing_key", outcome("«{}")),
    Mistake("wrong_type", outcome('{"id":«5}')),
    Mistake("duplicate_id", outcome('{"id":"a"},{"id":«"a"}'), "its own"),
    Mistake("unknown_key", outcome('{"id":"a",«"nxt":"p"}'), "Did you mean next?"),
    Mistake("wrong_type", outcome('{"id":"a","next":«5}')),
    Mistake("wrong_type", outcome('{"id":"a","label":«5}')),
    Mistake("wrong_type", outcome('{"id":"a","style":«"red"}')),
    Mistake("wrong_type", outcome('{"id":"a","requires":«"f"}')),
    Mistake("wrong_type", outcome('{"id":"a","requires":«[["f"]]}')),
    Mistake("wrong_type", outcome('{"id":"a","set":«[]}')),
    Mistake("reserved_name", outcome('{"id":"a","set":{«"in":1}}')),
    Mistake("bad_expression", outcome('{"id":"a","set":{"x":«"${"}}')),
)
"""Mistakes of the shape (layer 1), beside those of the JSON itself."""

REFERENCES = (
    Mistake("duplicate_id", steps(END, '{"id":«"e","type":"end"}'), "its own"),
    Mistake("undefined_target", one("", '"next":[«"q"],'), "name one of: p"),
    Mistake("undefined_target", one("", '"next":[{"step":«"q"}],')),
    Mistake("undefined_target", one("", '"on_error":«"pp",'), "Did you mean p?"),
    Mistake("undefined_target", outcome('{"id":"a","next":«"q"}')),
    Mistake("undefined_target", gateway('"default":«"f"')),
    Mistake("undefined_target", gateway('"conditions":[{"expression":"true","next":«"f"}]')),
    Mistake("no_way_out", steps('«{"id":"g","type":"exclusive_gateway"}')),
    Mistake(
        "no_way_out",
        steps('«{"id":"g","type":"exclusive_gateway","config":{},"on_error":"e"}', END),
    ),
    Mistake("two_defaults", gateway('"default":"e"', '"next":[«"e"],')),
    Mistake("end_has_next", steps('{"id":"a","type":"end","next":«["a"]}')),
    Mistake("plain_target_not_last", one("", '"next":«["p",{"step":"p","when":"true"}],')),
    Mistake("plain_target_not_last", one("", '"next":«[{"step":"p","when":"true"},"p","p"],')),
    Mistake(
        "too_many_targets",
        steps('{"id":"s","type":"start","next":«["e","f"]}', END, '{"id":"f","type":"end"}'),
        "parallel_gateway",
    ),
    Mistake(
        "too_many_targets",
        steps(
            '{"id":"g","type":"exclusive_gateway","next":«["e","f"]}',
            END,
            '{"id":"f","type":"end"}',
        ),
        "Give each a condition",
    ),
    Mistake("duplicate_target", one("", '"next":["p",«"p"],')),
    Mistake("unknown_field", outcome('{"id":"a","requires":[«"ff"]}'), "Did you mean f?"),
    Mistake("unknown_field", outcome('{"id":"a","requires":["f",«"comments"]}'), "fields: f"),
    Mistake(
        "outcome_without_target",
        steps(
            '{"id":"p","type":"user_task","config":{"outcomes":[«{"id":"a"}]},"next":["p","e"]}',
            END,
        ),
    ),
    Mistake("unreachable_step", steps(END, '{"id":«"f","type":"end"}')),
    Mistake(
        "undeclared_variable",
        steps(
            '{"id":"p","type":"user_task","config":{"form":{«"amont":"number"}}}',
            rest='"settings":{"strict_variables":true},"variables":{"amount":"number"},',
        ),
        "Did you mean amount?",
    ),
    Mistake(
        "undeclared_variable",
        steps(
            '{"id":"p","type":"user_task","config":{"outcomes":[{"id":"a","set":{«"x":1}}]}}',
            rest='"settings":{"strict_variables":true},',
        ),
        "Declare it",
    ),
    Mistake("unknown_variable", one('"assignee":«"${boss}"'), "Declare it"),
    Mistake("unknown_variable", one('"summary":[«"amuont"]'), "Declare it"),
    Mistake(
        "unknown_variable",
        steps(END, rest='"variables":{"amount":"number"},"start":{"title":«"${amont}"},'),
        "Did you mean amount?",
    ),
    Mistake("unknown_person", one('"assignee":«"nobody"'), "owners"),
    Mistake("unknown_person", one('"candidate_users":["li",«"group:li"]')),
    Mistake("unknown_person", one('"candidate_groups":[«"role:finance_team"]')),
    Mistake("unknown_person", steps(END, rest='"start":{"who":["manager",«"x"]},')),
    Mistake("unknown_person", settings('"owners":["group:finance_team",«"x"]')),
    Mistake(
        "unknown_service",
        steps('{"id":"s","type":"service_task","config":{"method":"sent","service_name":«"Mail"}}'),
        "Did you mean Mail.send?",
    ),
    Mistake(
        "unknown_service",
        steps('{"id":"s","type":"service_task","config":{"method":"m","service_name":«"Z"}}'),
        "Deploy it",
    ),
    Mistake(
        "type_differs",
        steps(
            '{"id":"p","type":"user_task","config":{"form":[{"name":"a"},«{"name":"n"}]}}',
            rest='"variables":{"n":"number"},',
        ),
        "same type",
    ),
    Mistake(
        "type_differs",
        steps(END, rest='"variables":{"n":"number"},"start":{"form":{"n":«"text"}},'),
    ),
)
"""Mistakes of what a document refers to (layer 2)."""

TEXT = (
    Mistake("too_large", '«"' + "x" * 1_100_000 + '"'),
    Mistake("json_empty", "« "),
    Mistake("json_unexpected", '{"name":\n  «True}'),
    Mistake("json_unquoted", '{"name": «N}'),
    Mistake("json_single_quotes", "{«'name': 1}"),
    Mistake("json_wide_character", '{"name"«：1}'),
    Mistake("json_comment", '{"name": "N", «// the name\n}'),
    Mistake("json_missing_comma", '{"name": "N"\n «"steps": []}'),
    Mistake("json_trailing_comma", '{"name": "N"«,\n}'),
    Mistake("json_missing_colon", '{"name" «"N"}'),
    Mistake("json_unclosed", '{"name": "N", "steps": «[1, 2'),
    Mistake("json_mismatched", '{"steps": [1«}'),
    Mistake("json_unclosed_string", '{"name": «"N\n}'),
    Mistake("json_bad_escape", '{"name": "a«\\x"}'),
    Mistake("json_control_character", '{"name": "a«\x01"}'),
    Mistake("json_bad_text", '{"name": «"\\u0000"}'),
    Mistake("json_bad_text", '{"name": «"\\ud800"}'),
    Mistake("json_bad_text", '{"name": «"\ud800"}'),
    Mistake("json_bad_number", '{"a": «01}'),
    Mistake("json_not_a_number", '{"a": «NaN}'),
    Mistake("json_number_out_of_range", '{"a": «1e999999}'),
    Mistake("json_number_out_of_range", '{"a": «1e-999999}'),
    Mistake("json_number_out_of_range", '{"a": «' + "9" * 10_000 + "}"),
    Mistake("json_unquoted", "{«1: 2}"),
    Mistake("json_duplicate_key", '{"a": 1,\n «"a": 2}'),
    Mistake("json_too_deep", "[" * 32 + "«" + "[" * 9_968),
    Mistake("json_extra_data", '{"a": 1} «{"b": 2}'),
)
"""Mistakes of the text itself, which stop everything else."""


def described(mistake: Mistake) -> str:
    """Return a short name for a test."""
    at = mistake.source.find("«")
    return f"{mistake.code}-{mistake.source[at + 1 : at + 25]!r}"


def of_code(found: Checked, code: str) -> Iterator[Finding]:
    """Yield the findings of this code."""
    return (finding for finding in found.findings if finding.code == code)
