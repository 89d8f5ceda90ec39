"""The document out of a request's envelope."""

import json
from decimal import Decimal

import pytest

from app.core.envelope import envelope
from app.core.jsontext import MAX_BYTES, read
from app.core.parse import check, load
from app.errors import Invalid
from tests.support.pace import within

STEPS = '"steps": [{"id": "e", "type": "end"}]'


def refused(text):
    with pytest.raises(Invalid) as caught:
        envelope(text)
    assert caught.value.code == "bad_envelope"
    return [(error.field, error.code, error.text()) for error in caught.value.errors]


def test_the_envelope_of_the_manual():
    text = f"""{{
      "name": "测试流程",
      "description": "这是一个测试流程",
      "version": "1.0.0",
      "config": {{
        {STEPS}
      }}
    }}"""
    definition = load(envelope(text))
    assert (definition.name, definition.version) == ("测试流程", "1.0.0")
    assert definition.description == "这是一个测试流程"


def test_the_document_stays_as_it_was_written_but_for_its_first_line():
    config = f'{{  "x-note" :\t"ä\\u00e4",\n\n   "x-n": 1.500,\n {STEPS} }}'
    bare = envelope(f'{{"version": "2", "config": {config}, "name": {{"en": "N", "zh": "名"}}}}')
    first, *rest = bare.split("\n")
    assert first == '{"name": {"en":"N","zh":"名"}, "version": "2", "x-note" :\t"ä\\u00e4",'
    assert rest == config.split("\n")[1:]
    assert read(bare).value["x-n"] == Decimal("1.500")


@pytest.mark.parametrize(
    "text",
    [
        f'{{"name": "N", {STEPS}}}',
        f'{{"name": "N", {STEPS}, "config": {{}}}}',
        '{"name": "N"}',
        "[1, 2]",
        '"config"',
        "{",
        "",
        "not JSON at all",
        '{"config": {"a": 1, "a": 2}}',
    ],
)
def test_what_is_no_envelope_is_left_for_the_checker(text):
    assert envelope(text) == text
    assert check(text).findings or STEPS in text


def test_what_both_say_the_same_is_fine():
    config = f'{{"name": "N", "version": "1", {STEPS}}}'
    assert envelope(f'{{"name": "N", "version": "1", "config": {config}}}') == config


def test_an_empty_document_is_filled_too():
    assert envelope('{"name": "N", "config": {}}') == '{"name": "N"}'
    assert envelope('{"config": {  }}') == "{  }"


def test_a_value_of_a_wrong_type_outside_is_found_like_one_inside():
    text = f'{{"name": "N", "version": 1.50, "config": {{{STEPS}}}}}'
    assert '"version": 1.50' in envelope(text)
    assert [found.code for found in check(envelope(text)).findings] == ["wrong_type"]


def test_different_values_are_refused_naming_both():
    text = f'{{"name": "A", "version": "1", "config": {{"name": "B", "version": "2", {STEPS}}}}}'
    assert refused(text) == [
        ("/name", "differs", "/name and /config/name differ. Keep one of them."),
        ("/version", "differs", "/version and /config/version differ. Keep one of them."),
    ]


@pytest.mark.parametrize("config", ["null", "[]", '"{}"', "5"])
def test_config_must_be_an_object(config):
    assert refused(f'{{"name": "N", "config": {config}}}') == [
        ("/config", "wrong_type", "This must be an object.")
    ]


def test_strangers_beside_config_are_named_with_what_is_near():
    [first, second] = refused('{"verson": 1, "a/b": 2, "x-c": 3, "config": {}}')
    assert first[:2] == ("/verson", "unknown_member")
    assert "Did you mean version?" in first[2]
    assert second[:2] == ("/a~1b", "unknown_member")
    assert "Known: name, key, description, version, config" in second[2]


def test_an_envelope_that_is_too_large_is_not_even_read():
    text = '{"config": {"x-a": "' + "x" * (2 * MAX_BYTES) + '"}}'
    with within(0.05):
        assert envelope(text) is text
        assert [found.code for found in check(text).findings] == ["too_large"]


def test_a_crowd_of_strangers_is_refused_in_time():
    text = json.dumps({"config": {}, **{f"nam{i}": i for i in range(50_000)}})
    with within(1):
        assert len(refused(text)) == 50
