"""Mistakes of forms, as ``mistakes`` has those of everything else."""

from __future__ import annotations

from tests.support.mistakes import Mistake, field, one


def columns(given: str) -> str:
    """Return a document with a table ``f`` of these columns."""
    return field(f'{{"type":"rows","columns":{given}}}')


FORMS = (
    Mistake("missing_key", field('«"multiselect"')),
    Mistake("missing_key", field('«"rows"')),
    Mistake("missing_key", field('«{"type":"rows"}')),
    Mistake("missing_key", field('{"type":"rows","columns":«[]}')),
    Mistake("wrong_type", field('{"type":"rows","columns":«5}')),
    Mistake("missing_key", columns('[«{"type":"string"}]')),
    Mistake("duplicate_id", columns('[{"name":"a"},{"name":«"a"}]')),
    Mistake("bad_column", columns('{"a.b":«"string"}')),
    Mistake("wrong_type", columns('{"a":«5}')),
    Mistake("unknown_key", columns('{"a":{«"show_if":"true"}}'), "Known keys"),
    Mistake("unknown_field_type", columns('{"a":«"rows"}'), "string, number"),
    Mistake("unknown_field_type", columns('{"a":{"type":«"file"}}')),
    Mistake("missing_key", columns('{"a":«{"type":"select"}}')),
    Mistake("unused_key", columns('{"a":{"type":"string",«"sum":true}}'), severity="warning"),
    Mistake("wrong_type", columns('{"a":{"type":"number","sum":«1}}')),
    Mistake(
        "too_many", field('{"type":"rows","columns":«[' + '{"name":"a"},' * 20 + '{"name":"b"}]}')
    ),
    Mistake("wrong_type", field('{"type":"rows","columns":{"a":"string"},"min":«-1}')),
    Mistake("wrong_type", field('{"type":"rows","columns":{"a":"string"},"max":«201}')),
    Mistake("wrong_type", field('{"type":"money","currency":«"euro"}')),
    Mistake("wrong_type", field('{"type":"money","currency":«[]}')),
    Mistake("wrong_type", field('{"type":"money","currency":«["EUR",5]}')),
    Mistake("unused_key", field('{"type":"number",«"currency":"EUR"}'), severity="warning"),
    Mistake("bad_default", field('{"type":"money","currency":"EUR","default":«"x"}')),
    Mistake("wrong_type", field('{"type":"file","accept":«".exe"}')),
    Mistake("wrong_type", field('{"type":"file","accept":«[]}')),
    Mistake("wrong_type", field('{"type":"file","accept":«["video/*"]}')),
    Mistake("wrong_type", field('{"type":"file","max_size":«10485761}')),
    Mistake("wrong_type", field('{"type":"file","max_size":«"5MB"}')),
    Mistake("wrong_type", field('{"type":"file","max_files":«0}')),
    Mistake("wrong_type", field('{"span":«2}')),
    Mistake("wrong_type", field('{"show_if":«5}')),
    Mistake("bad_expression", field('{"show_if":«"a ="}')),
    Mistake("later_field", field('{"show_if":«"f == 1"}'), "Move the field"),
    Mistake("later_field", one('"form":{"f":{"show_if":«"g > 1"},"g":"number"}'), "Move the field"),
)
"""Mistakes of the shape (layer 1) that only forms can have."""
