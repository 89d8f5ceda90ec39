"""One document for every mistake about waiting, splitting, repeating and sub-processes."""

from __future__ import annotations

from tests.support.mistakes import END, Mistake, service, settings, steps


def wait(beside: str) -> str:
    """Return a document of a user step with this beside its config."""
    return steps(f'{{"id":"p","type":"user_task",{beside}}}', END)


def boundary(given: str) -> str:
    """Return a document with one boundary that leads to ``e``."""
    return wait(f'"boundary":[{given}]')


def timed(given: str) -> str:
    """Return a document with a timer boundary that leads to ``e``."""
    return wait(f'"boundary":[{{"on":"timer",{given},"next":"e"}}]')


def multi(given: str) -> str:
    """Return a document with a service that is repeated like this."""
    return service("").replace(',"config":{', f',"multi":{given},"config":{{').replace(",}", "}")


def typed(kind: str, config: str, beside: str = "") -> str:
    """Return a document of one step of this type, and the end ``e``."""
    return steps(f'{{"id":"s","type":"{kind}",{beside}"config":{{{config}}}}}', END)


def lead(kind: str, config: str) -> str:
    """Return a document of one step of this type that leads to ``e``."""
    return typed(kind, config, '"next":["e"],')


def events(given: str) -> str:
    """Return a document of an event gateway."""
    return typed("event_gateway", f'"events":{given}')


def table(rules: str, inputs: str = '["${1}"]') -> str:
    """Return a document of a decision table."""
    return lead("decision", f'"inputs":{inputs},"rules":{rules}')


def inner(given: str) -> str:
    """Return a document of a sub-process that leads to ``e``."""
    return lead("sub_process", f'"steps":[{given}]')


REMINDER = '"on":"timer","after":"1h","next":"e"'
OVER = '"over":"${[1]}","as":"it"'
SHAPE = (
    # Boundaries and events
    Mistake("wrong_type", wait('"boundary":«{}')),
    Mistake("wrong_type", boundary("«1")),
    Mistake("missing_key", boundary('«{"on":"error"}')),
    Mistake("missing_key", boundary('«{"next":"e"}')),
    Mistake("missing_key", boundary('«{"on":"message","next":"e"}')),
    Mistake("wrong_type", boundary('{"on":«"signal","next":"e"}')),
    Mistake("wrong_type", boundary('{"on":"error","next":«5}')),
    Mistake("wrong_type", boundary('{"on":"error","code":«5,"next":"e"}')),
    Mistake("wrong_type", boundary(f'{{{REMINDER},"interrupt":«"no"}}')),
    Mistake("unknown_key", boundary(f'{{{REMINDER},«"repeats":2}}'), "Did you mean repeat?"),
    Mistake("when_is_unclear", boundary('«{"on":"timer","next":"e"}')),
    Mistake("when_is_unclear", wait('"boundary":[«{' + REMINDER + ',"cron":"* * * * *"}]')),
    Mistake("bad_duration", timed('"after":«"soon"')),
    Mistake("bad_expression", timed('"until":«"${a b}"')),
    Mistake("bad_cron", timed('"cron":«"* * * *"')),
    Mistake("bad_cron", timed('"cron":«"61 * * * *"')),
    Mistake("bad_cron", timed('"cron":«"0 0 30 feb *"')),
    Mistake("bad_cron", timed('"cron":«5')),
    Mistake("wrong_type", timed('"after":"1h","interrupt":false,"repeat":«0')),
    Mistake("wrong_type", timed('"after":"1h","interrupt":false,"repeat":«1001')),
    Mistake("cannot_repeat", timed('"after":"1h","repeat":«2'), '"interrupt": false'),
    Mistake("cannot_repeat", timed('"until":"2026-04-01","interrupt":false,"repeat":«2'), "cron"),
    Mistake("cannot_go_on", boundary('{"on":"error","interrupt":«false,"next":"e"}')),
    Mistake("other_kind", boundary('{"on":"error",«"after":"1h","next":"e"}'), "change on"),
    Mistake("other_kind", boundary(f'{{{REMINDER},«"code":"x"}}')),
    Mistake("other_kind", boundary('{"on":"message","message":"m",«"repeat":2,"next":"e"}')),
    Mistake("cannot_wait", lead("script", '"set":{}},«"boundary":[],"x-":{')),
    Mistake("cannot_wait", lead("send_message", '"message":"m"},«"boundary":[],"x-":{')),
    Mistake("wrong_type", events("«{}")),
    Mistake("wrong_type", events("«[]")),
    Mistake("wrong_type", events("[«1]")),
    Mistake("unknown_key", events(f'[{{{REMINDER},«"interrupt":true}}]')),
    Mistake("wrong_type", events('[{"on":«"error","next":"e"}]')),
    # Repeating
    Mistake("wrong_type", multi("«[]")),
    Mistake("missing_key", multi('«{"over":"${[1]}"}')),
    Mistake("wrong_type", multi('{"over":«"items","as":"it"}')),
    Mistake("wrong_type", multi('{"over":"${[1]}","as":«1}')),
    Mistake("reserved_name", multi('{"over":"${[1]}","as":«"instance"}')),
    Mistake("reserved_name", multi(f'{{{OVER},"collect":{{«"in":"${{it}}"}}}}')),
    Mistake("wrong_type", multi(f'{{{OVER},"mode":«"all"}}')),
    Mistake("bad_expression", multi(f'{{{OVER},"complete_when":«"done ="}}')),
    Mistake("unknown_key", multi(f'{{{OVER},«"index":"i"}}'), "Did you mean index_as?"),
    Mistake("cannot_repeat", wait(f'«"multi":{{{OVER}}}'), "several people"),
    Mistake("cannot_repeat", lead("script", f'"set":{{}}}},«"multi":{{{OVER}}},"x-":{{'), "that"),
    # Times, messages, calls
    Mistake("when_is_unclear", lead("timer", "").replace('"config":{', '"config":«{')),
    Mistake("bad_cron", lead("timer", '"cron":«"0 9 * * xyz"')),
    Mistake("bad_duration", lead("timer", '"after":«"5"')),
    Mistake("missing_key", lead("receive_message", "").replace('"config":{', '"config":«{')),
    Mistake("wrong_type", lead("receive_message", '"message":«1')),
    Mistake("bad_duration", lead("receive_message", '"message":"m","timeout":«"x"')),
    Mistake("bad_expression", lead("send_message", '"message":"m","payload":{"a":«"${"}')),
    Mistake("bad_duration", lead("send_message", '"message":"m","ttl":«"1wd"')),
    Mistake("not_evaluated", lead("send_message", '"message":«"${instance.id}"')),
    Mistake("missing_key", lead("call_activity", "").replace('"config":{', '"config":«{')),
    Mistake("wrong_type", lead("call_activity", '"process_key":"k","wait":«"no"')),
    Mistake("wrong_type", lead("call_activity", '"process_key":"k","version":«1')),
    # Data
    Mistake("wrong_type", lead("script", '"set":«[]')),
    Mistake("reserved_name", lead("script", '"set":{«"true":1}')),
    Mistake("wrong_type", table("«{}")),
    Mistake("wrong_type", table("[«1]")),
    Mistake("missing_key", table('[«{"when":["-"]}]')),
    Mistake("wrong_type", table('[{"when":«"-","set":{}}]')),
    Mistake("wrong_type", table('[{"when":["-"],"set":{}}]', "«[]")),
    Mistake("wrong_type", table('[{"when":["-"],"set":{}}]', '[«"amount"]'), ""),
    Mistake("cell_count", table('[{"when":«["-","-"],"set":{}}]'), "one cell for each"),
    Mistake("bad_cell", table('[{"when":[«"5..1"],"set":{}}]')),
    Mistake("bad_cell", table('[{"when":[«"> x"],"set":{}}]')),
    Mistake("bad_cell", table('[{"when":[«{}],"set":{}}]')),
    Mistake("bad_cell", table('[{"when":[«[]],"set":{}}]')),
    Mistake("bad_cell", table('[{"when":[«"2026-02-30..2026-03-01"],"set":{}}]')),
    Mistake(
        "wrong_type",
        lead("decision", '"inputs":["${1}"],"rules":[{"when":["-"],"set":{}}],"hit":«"any"'),
    ),
    # Connectors and workers elsewhere
    Mistake("wrong_type", lead("webhook", '"url":"https://a.example","method":«"FETCH"')),
    Mistake("wrong_type", lead("webhook", '"url":"https://a.example","expect":«99')),
    Mistake("bad_expression", lead("webhook", '"url":"https://a.example","body":[«"${"]')),
    Mistake("wrong_type", lead("email", '"subject":"s","to":«5')),
    Mistake("wrong_type", lead("email", '"subject":"s","to":«[]')),
    Mistake(
        "missing_key", lead("message_queue", '"message":1').replace('"config":{', '"config":«{')
    ),
    Mistake("bad_duration", lead("external_task", '"topic":"t","lock":«"x"')),
    # Types that were registered: the keys that all jobs have are checked
    Mistake("bad_duration", lead("letter", '"paper":"A4","timeout":«30')),
    Mistake("wrong_type", lead("letter", '"output":«"x"')),
    Mistake("bad_expression", lead("letter", '"form":{"outcomes":[«"${"]}')),
    Mistake("unsupported_type", lead("leter", "").replace('"leter"', '«"leter"')),
    # Inside
    Mistake("no_steps", lead("sub_process", '"steps":«[]')),
    Mistake("missing_key", lead("sub_process", "").replace('"config":{', '"config":«{')),
    Mistake("missing_key", inner('«{"id":"i"}')),
    Mistake("unknown_key", inner('{"id":"i","type":"end",«"nxt":1}')),
    Mistake("wrong_type", inner('{"id":"i","type":"end","config":{"result":«"ok"}}')),
    # Settings and start
    Mistake("wrong_type", settings('"calendar":«[]')),
    Mistake("unknown_key", settings('"calendar":{«"holiday":[]}'), "Did you mean holidays?"),
    Mistake("wrong_type", settings('"calendar":{"hours":«[]}')),
    Mistake("unknown_key", settings('"calendar":{"hours":{«"monday":"09:00-17:00"}}')),
    Mistake("wrong_type", settings('"calendar":{"hours":{"mon":«"9-17"}}')),
    Mistake("wrong_type", settings('"calendar":{"hours":{"mon":«"09:00+01:00-17:00"}}')),
    Mistake("wrong_type", settings('"calendar":{"hours":{"mon":«"09:00-12:00, 11:00-17:00"}}')),
    Mistake("wrong_type", settings('"calendar":{"hours":{"mon":«"17:00-09:00"}}')),
    Mistake("wrong_type", settings('"calendar":{"holidays":«["1 May"]}')),
    Mistake("wrong_type", settings('"calendar":{"workdays":«"2026-05-01"}')),
    Mistake("wrong_type", settings('"on_duplicate_business_key":«"replace"')),
    Mistake("bad_cron", steps(END, rest='"start":{"cron":«"daily"},')),
    Mistake("wrong_type", steps(END, rest='"start":{"message":«5},')),
)
"""Mistakes of the shape (layer 1)."""

SPLIT = '"type":"parallel_gateway"'
REFERENCES = (
    Mistake("undefined_target", boundary('{"on":"error","next":«"f"}')),
    Mistake("undefined_target", events('[{"on":"timer","after":"1h","next":«"f"}]')),
    Mistake("undefined_target", inner('{"id":"i","type":"start","next":[«"j"]}'), "name one of: i"),
    Mistake("other_scope", inner('{"id":"i","type":"start","next":[«"e"]}'), "beside this one"),
    Mistake(
        "other_scope",
        steps(
            '{"id":"a","type":"start","next":[«"i"]}',
            '{"id":"s","type":"sub_process","config":{"steps":[{"id":"i","type":"end"}]}}',
        ),
    ),
    Mistake("duplicate_id", inner('{"id":«"s","type":"end"}')),
    Mistake("unreachable_step", inner('{"id":"i","type":"end"},{"id":«"j","type":"end"}')),
    Mistake(
        "events_lead",
        lead("event_gateway", f'"events":[{{{REMINDER}}}]').replace(
            '"next":["e"],', '"next":«["e"],'
        ),
    ),
    Mistake("no_way_out", steps(f'«{{"id":"g",{SPLIT}}}')),
    Mistake("no_way_out", steps('«{"id":"g","type":"inclusive_gateway"}')),
    Mistake("duplicate_target", steps(f'{{"id":"g",{SPLIT},"next":["e",«"e"]}}', END)),
    Mistake(
        "parallel_with_condition",
        steps(f'{{"id":"g",{SPLIT},"next":«["e",{{"step":"e","when":"true"}}]}}', END),
        "inclusive_gateway",
    ),
    Mistake(
        "too_many_targets",
        steps(
            '{"id":"g","type":"inclusive_gateway","next":«["e","f"]}',
            END,
            '{"id":"f","type":"end"}',
        ),
    ),
    Mistake(
        "undeclared_variable",
        steps(
            '{"id":"s","type":"service_task","multi":{"over":"${[1]}","as":"it","collect":{«"x":1}},'
            '"config":{"service_name":"Mail","method":"send"}}',
            rest='"settings":{"strict_variables":true},',
        ),
    ),
    Mistake(
        "undeclared_variable",
        wait('"boundary":[{"on":"message","message":"m","output":{«"x":1},"next":"e"}]').replace(
            '"steps"', '"settings":{"strict_variables":true},"steps"'
        ),
    ),
    Mistake(
        "undeclared_variable",
        table('[{"when":["-"],"set":{«"x":1}}]').replace(
            '"steps"', '"settings":{"strict_variables":true},"steps"'
        ),
    ),
    Mistake("unknown_variable", timed('"after":«"${days}d"'), "Declare it"),
    Mistake("unknown_variable", multi('{"over":«"${items}","as":"it"}')),
    Mistake("unknown_variable", table('[{"when":["-"],"set":{}}]', '[«"${amount}"]')),
    Mistake("unknown_process", lead("call_activity", '"process_key":«"onbord"'), "mean onboard?"),
    Mistake("unknown_process", lead("call_activity", '"process_key":«"zzz"'), "Publish it"),
)
"""Mistakes of what a document refers to (layer 2)."""
