"""From text to definition: what is made of a document, and what no document can do."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.definition import Edge, Variable
from app.core.form_check import KEYS as FIELD
from app.core.jsontext import MAX_BYTES
from app.core.kinds import RETRY_KEYS
from app.core.nodes.table import NODES
from app.core.parse import DEFAULT_VERSION, Checked, check, load
from app.core.references import ways_out
from app.core.shape import SETTINGS, START, STEP, TOP, VARIABLE
from app.core.values import json_text
from tests.support.examples import examples
from tests.support.mistakes import END, KNOWN, one, steps
from tests.support.pace import within
from tests.support.scenario import EXAMPLES

DEFINITIONS = [path.read_text("utf-8") for path in sorted(EXAMPLES.glob("definitions/*.json"))]


def test_the_least_document_there_is():
    definition = load('{"name": " 请假 ", "steps": [{"id": "a", "type": "end"}]}')
    assert (definition.key, definition.name, definition.version) == (
        "请假",
        " 请假 ",
        DEFAULT_VERSION,
    )
    [step] = definition.steps
    assert (step.id, step.path, step.name, step.next) == ("a", ("steps", 0), "a", ())
    assert definition.max_visits == 1000


def test_the_key_is_the_name_in_the_first_language():
    source = steps(END).replace('"N"', '{"zh": "订单", "en": "Order"}')
    assert load(source).key == "订单"
    assert load('{"key": "k", "steps": [{"id": "e", "type": "end"}]}').name == "k"


def test_variables_are_written_short_or_long():
    source = steps(
        END,
        rest='"variables": {"a": "number", "b": {"type": "money", "required": true, "default":'
        ' 1.50, "enum": [1.50, 2], "sensitive": true, "label": "B"}, "c": {}},',
    )
    assert dict(load(source).variables) == {
        "a": Variable("a", "number"),
        "b": Variable("b", "money", "B", True, Decimal("1.50"), (Decimal("1.50"), 2), True),
        "c": Variable("c", "any"),
    }


def test_ways_out_of_a_step_keep_their_order_and_labels():
    source = steps(
        '{"id": "p", "type": "user_task", "on_error": "e", "skip_when": "${a}", "next":'
        ' [{"step": "p", "when": "${n > 1}", "label": "again"}, "e"]}',
        END,
    )
    step = load(source).by_id["p"]
    again, end = step.next
    assert (again.target, again.when.text, again.label) == ("p", "n > 1", "again")
    assert end == Edge("e")
    assert (step.on_error, step.skip_when.text) == ("e", "a")


def test_the_way_of_a_gateway_goes_by_conditions_then_default():
    source = steps(
        '{"id": "g", "type": "exclusive_gateway", "config": {"default": "e", "conditions":'
        ' [{"expression": "a", "next": "g"}]}, "next": [{"step": "e", "when": "b"}]}',
        END,
    )
    [first, second, third] = load(source).by_id["g"].next
    assert [first.when.text, second.when, third.when.text] == ["a", None, "b"]


def test_load_says_where_a_stored_text_is_wrong():
    with pytest.raises(ValueError, match="line 1, column 2: Names stand in double quotes"):
        load("{name}")


def test_a_document_of_a_mebibyte_is_the_largest():
    fill = MAX_BYTES - len(steps(END, rest='"x-fill": "",').encode())
    assert check(steps(END, rest=f'"x-fill": "{"x" * fill}",')).valid
    too_large = check(steps(END, rest=f'"x-fill": "{"x" * (fill + 1)}",'))
    assert [found.code for found in too_large.findings] == ["too_large"]
    wide = check(steps(END, rest=f'"x-fill": "{"中" * (fill // 3 + 1)}",'))
    assert [found.code for found in wide.findings] == ["too_large"]


def test_500_steps_and_200_fields_are_allowed():
    fields = ",".join(f'"f{i}": "text"' for i in range(200))
    chain = [f'{{"id": "s{i}", "type": "start", "next": ["s{i + 1}"]}}' for i in range(499)]
    last = f'{{"id": "s499", "type": "user_task", "config": {{"form": {{{fields}}}}}}}'
    found = check(steps(*chain, last), KNOWN)
    assert found.findings == ()
    assert len(found.definition.steps) == 500


# Whatever comes in ---------------------------------------------------------------------

HOSTILE = {
    "nested 10,000 deep": "[" * 10_000,
    "nested 10,000 deep and closed": "[" * 10_000 + "]" * 10_000,
    "objects 10,000 deep": '{"a":' * 10_000,
    "2 MiB": '{"name": "' + "x" * 2**21 + '"}',
    "2 MiB of brackets": "[]," * 700_000,
    "2 MiB of quotes": '"' * 2**21,
    "2 MiB of backslashes": '"' + "\\" * 2**21,
    "a number of 10,000 digits": '{"a": ' + "9" * 10_000 + "}",
    "a number of 10,000 places": '{"a": 0.' + "0" * 10_000 + "1}",
    "1e999999": '{"a": 1e999999}',
    "1e-999999": '{"a": 1e-999999}',
    "an exponent of 10,000 digits": '{"a": 1e' + "9" * 10_000 + "}",
    "numbers as names": "{1: 2}",
    "NUL": '{"name": "a\0b"}',
    "NUL outside": '{"name"\0: 1}',
    "lone surrogates": '{"name": "\ud800", "\udc00": 1}',
    "escaped surrogate": '{"name": "\\udc00"}',
    "parentheses 1,000 deep": one('"assignee":"${' + "(" * 1_000 + '"'),
    "brackets 1,000 deep": one('"assignee":"${' + "[" * 1_000 + "]" * 1_000 + '}"'),
    "indexes 1,000 deep": one('"assignee":"${' + "a[" * 990 + '}"'),
    "nots": one('"assignee":"${' + "!" * 1_990 + 'a}"'),
    "minuses": one('"assignee":"${' + "-" * 1_990 + 'a}"'),
    "conditionals": one('"assignee":"${' + "a?" * 900 + '1}"'),
    "an expression of 100,000 characters": one(f'"assignee":"${{{"a+" * 50_000}a}}"'),
    "100,000 openings": one(f'"assignee":"{"${" * 50_000}"'),
    "a bomb of a pattern": one('"form":{"f":{"pattern":"((a*)*)*(a|a)*b{999}{999}"}}'),
    "a pattern that repeats": one('"form":{"f":{"pattern":"((a{1000}){1000}){1000}"}}'),
    "a pattern of optional parts": one('"form":{"f":{"pattern":"(a?){480}(b?){10}("}}'),
    "groups 1,000 deep": one('"form":{"f":{"pattern":"' + "(" * 999 + '"}}'),
    "a pattern in an expression": one('"assignee":"${matches(x, \'((a+)+)+b\') ? 1 : 2}"'),
    "a result of many parts": one(f'"assignee":"{"${a}" * 400}"'),
    "a key of 1 MB": '{"' + "k" * 1_000_000 + '": 1}',
    "a step id of 1 MB": '{"name":"N","steps":[{"id":"a","type":"end","next":["'
    + "k" * 1_000_000
    + '"]}]}',
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_gives_findings_at_once(source):
    check(one('"assignee":"${a}"'))  # nothing is compiled for the first time below
    with within(0.05 + len(source) / 5_000_000):
        found = check(source)
    assert found.findings
    assert all(len(each.text()) < 1_000 for each in found.findings)


WIDE = {
    "wrong keys": '{"name":"N",' + ",".join(f'"nam{i}":1' for i in range(60_000)) + "}",
    "wrong targets": steps(
        '{"id":"p","type":"user_task","next":['
        + ",".join(f'"stepp_{i}"' for i in range(3_000))
        + "]}",
        *(f'{{"id":"step_{i}","type":"end"}}' for i in range(499)),
    ),
    "unknown names": one(
        '"candidate_users":[' + ",".join(f'"${{name{i}}}"' for i in range(10_000)) + "]"
    ),
    "one mistake at the end": '{"x-a":[' + "1," * 300_000 + '1],"name":"N","steps":[],"z":1}',
}


@pytest.mark.parametrize("source", WIDE.values(), ids=WIDE.keys())
def test_the_time_of_a_check_grows_with_the_text_only(source):
    with within(2):
        assert check(source, KNOWN).findings


def never_raises(source: str) -> Checked:
    """Check a text; whatever it is, there are findings with a place, or a definition."""
    found = check(source, KNOWN)
    lines = source.count("\n") + 1
    for each in found.findings:
        assert 1 <= each.line <= lines
        assert 1 <= each.column <= len(source) + 1
        assert "%(" not in each.text()
    assert found.valid is all(each.severity != "error" for each in found.findings)
    if found.definition is not None:
        assert load(source).steps[0].id == found.definition.steps[0].id
    return found


@given(st.text("[]{},:\"\\ \n019-+.eEtruefalsnu'/中\ud800\0$", max_size=40))
@examples(80)
def test_any_text(text):
    never_raises(text)


_leaves = (
    st.none()
    | st.booleans()
    | st.integers(-2, 300)
    | st.sampled_from([Decimal("0.5"), Decimal("1e30"), "", " ", "a", "e", "${a}", "${", "1h"])
)
_names = st.sampled_from(
    sorted(
        {*TOP, *STEP, *VARIABLE, *START, *SETTINGS, *FIELD, *RETRY_KEYS, "x-y", "a"}
        | {key.name for node in NODES.values() for key in node.keys}
    )
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=8,
)


@given(_values)
@examples(80)
def test_any_json_value(value):
    never_raises(json_text(value))


@given(st.data(), st.sampled_from(DEFINITIONS))
@examples(100)
def test_any_change_of_a_shipped_definition(data, source):
    document = json.loads(source, parse_float=Decimal)
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while True:
            key = data.draw(
                st.sampled_from(sorted(place))
                if isinstance(place, dict)
                else st.integers(0, len(place) - 1)
            )
            if not isinstance(place[key], dict | list) or not place[key]:
                break
            if not data.draw(st.integers(0, 3)):
                break
            place = place[key]
        change = data.draw(st.sampled_from(["value", "value", "remove", "twice", "name"]))
        if change == "value":
            place[key] = data.draw(_values)
        elif change == "remove":
            del place[key]
        elif isinstance(place, list):
            place.append(place[key])
        else:
            place[data.draw(_names)] = place[key]
        if not document:
            return
    never_raises(json_text(document))


def test_steps_of_every_kind_say_where_they_lead():
    source = Path(EXAMPLES / "definitions" / "example_order_processing.json").read_text("utf-8")
    document = json.loads(source)
    named = {way.target for i, step in enumerate(document["steps"]) for way in ways_out(step, (i,))}
    assert named == {step["id"] for step in document["steps"]} - {document["steps"][0]["id"]}
