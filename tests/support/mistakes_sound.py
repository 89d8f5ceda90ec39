"""What can go wrong in a definition whose references are right; as those of ``mistakes``."""

from __future__ import annotations

from tests.support.mistakes import END, Mistake, steps

F = '{"id":"f","type":"end"}'


def table(*rules: str, mark: str = "«", rest: str = "") -> str:
    """Return a document of a decision table ``d`` over ``n``, a number."""
    return steps(
        f'{{"id":{mark}"d","type":"decision",'
        f'"config":{{"inputs":["${{n}}"],"rules":[{",".join(rules)}]{rest}}}}}',
        rest='"variables":{"n":"number","x":"any"},',
    )


def rule(cell: str) -> str:
    """Return a rule of that table."""
    return f'{{"when":[{cell}],"set":{{"x":1}}}}'


def choice(*conditions: str, to: str = "efgh", mark: str = "«", rest: str = "") -> str:
    """Return a gateway ``g`` with a way for each condition, to the steps called by a letter."""
    rows = ",".join(
        f'{{"expression":"{text}","next":"{target}"}}'
        for text, target in zip(conditions, to, strict=False)
    )
    config = f'"config":{{"conditions":[{rows}]{rest}}}'
    return f'{{"id":{mark}"g","type":"exclusive_gateway",{config}}}'


def inclusive(name: str, *targets: str) -> str:
    """Return a gateway to any of these, by conditions that nobody can tell apart."""
    rows = ",".join(f'{{"expression":"len(v{each}) > 0","next":"{each}"}}' for each in targets)
    return f'{{"id":"{name}","type":"inclusive_gateway","config":{{"conditions":[{rows}]}}}}'


def job(name: str, target: str, more: str = "") -> str:
    """Return a service step that leads to another."""
    return (
        f'{{"id":{name},"type":"service_task","next":["{target}"],'
        f'"config":{{"service_name":"Mail","method":"send"{more}}}}}'
    )


NUMBER = '"variables":{"n":"number"},'
FORK = '{"id":"p","type":"parallel_gateway","next":["a","b"]}'

SOUND = (
    Mistake(
        "conditions_gap",
        steps(choice("n > 1", "n < 1"), END, F, rest=NUMBER),
        "Add a default",
        "warning",
    ),
    Mistake(
        "conditions_overlap",
        steps(choice("n > 1", "n < 5"), END, F, rest=NUMBER),
        severity="warning",
    ),
    Mistake(
        "condition_never_taken",
        steps(choice("n > 1", "n > 5", "n <= 1", to="eef"), END, F, rest=NUMBER),
        "an earlier condition",
        "warning",
    ),
    Mistake("rules_gap", table(rule('"> 1"')), "Add a rule", "warning"),
    Mistake(
        "rules_overlap",
        table(rule('"> 5"'), rule('"-"'), rest=',"hit":"unique"'),
        "Only one may match",
        "warning",
    ),
    Mistake("rule_never_taken", table(rule('"-"'), rule("1")), "an earlier rule", "warning"),
    Mistake(
        "join_starves",
        steps(
            choice("n", to="a", mark="", rest=',"default":"b"'),
            job('"a"', "j"),
            job('"b"', "j"),
            '{"id":«"j","type":"parallel_gateway","next":["e"]}',
            END,
        ),
        "inclusive_gateway",
        "error",
        ("g", "a"),
    ),
    Mistake(
        "may_grow",
        steps(
            '{"id":"u","type":"user_task","next":["p"]}',
            '{"id":"p","type":"parallel_gateway","next":["u","b"]}',
            '{"id":«"b","type":"user_task","next":["e"]}',
            END,
        ),
        "join the branches first",
        "error",
        ("u", "p", "u", "p"),
    ),
    Mistake(
        "no_way_to_end",
        steps(
            '{"id":"u","type":"user_task","next":["b","e"]}',
            '{"id":«"b","type":"user_task","next":["c"]}',
            job('"c"', "b"),
            END,
        ),
        "a way out of the circle",
        "error",
        ("u",),
    ),
    Mistake(
        "never_reached",
        steps(
            '{"id":"u","type":"user_task","next":["e"],"on_error":"b"}',
            job('«"b"', "e"),
            END,
        ),
        severity="warning",
    ),
    Mistake(
        "never_reached",
        steps(
            '{"id":"s","type":"sub_process","next":["d"],"on_error":"e","config":{"steps":['
            '{"id":"i","type":"end","config":{"result":"error"}}]}}',
            job('«"d"', "e"),
            END,
        ),
        severity="error",
    ),
    Mistake(
        "fires_twice",
        steps(FORK, job('"a"', "m"), job('"b"', "m"), job('«"m"', "e"), END),
        "to join them",
        "warning",
        ("p", "a", "b"),
    ),
    Mistake(
        "written_at_once",
        steps(
            FORK,
            job('«"a"', "j", ',"output":{"v":"${result}"}'),
            job('"b"', "j", ',"output":{"v":"${result}"}'),
            '{"id":"j","type":"parallel_gateway","next":["e"]}',
            END,
        ),
        "of its own",
        "warning",
        ("p",),
    ),
    Mistake(
        "not_fully_checked",
        steps(
            inclusive("g", *"abc"),
            *(inclusive(name, *(f"{name}{i}" for i in range(6))) for name in "abc"),
            *(f'{{"id":"{name}{i}","type":"user_task"}}' for name in "abc" for i in range(6)),
        ).replace('"steps": ', '"steps": «'),
        severity="info",
    ),
)
"""What exploring its states finds (layer 3)."""
