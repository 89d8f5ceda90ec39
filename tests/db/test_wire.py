"""Statements straight to PostgreSQL: values both ways, several at once, errors on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.db import wire as wires
from app.db.engine import create_database
from app.db.tx import Database
from app.db.types import Json, Jsonb
from app.db.wire import Wire, wire_of
from app.db.wire_values import Written


@pytest.fixture
def wire(pool: sa.Engine) -> Iterator[Wire]:
    connection = pool.raw_connection()
    yield wire_of(connection)
    connection.invalidate()


def asked(wire: Wire, sql: str, **params: Any) -> list[dict[str, Any]]:
    return wire.send(((sql, params),))[0].rows


VALUES = {
    "text": ("text", 'a "quoted" \\ text, {with} 中文'),
    "empty": ("text", ""),
    "nothing": ("text", None),
    "small": ("int", -(2**31)),
    "large": ("bigint", 2**31),
    "larger": ("bigint", 2**63 - 1),
    "huge": ("numeric", Decimal(2**80)),
    "exact": ("numeric", Decimal("1.10")),
    "float": ("float8", 0.1),
    "yes": ("bool", True),
    "no": ("bool", False),
    "bytes": ("bytea", b"\x00\xff\\x"),
    "day": ("date", date(2026, 3, 2)),
    "moment": ("timestamptz", datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)),
    "lasting": ("interval", timedelta(days=400, microseconds=-3)),
    "texts": ("text[]", ['a"b', "c\\d", "", "e,f", "{g}", "null", "NULL"]),
    "no texts": ("text[]", []),
    "numbers": ("bigint[]", [1, -(2**40)]),
    "object": ("jsonb", {"b": [1, Decimal("1.10"), None], "a": "中"}),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_as_it_was_sent(wire: Wire, name: str) -> None:
    kind, value = VALUES[name]
    found = asked(wire, f"select %(value)s::{kind} as value", value=value)[0]["value"]
    assert found == value
    assert type(found) is type(value)


def test_a_number_says_itself_how_large_it_is(wire: Wire) -> None:
    sql = "select pg_typeof(%(value)s)::text as kind"
    kinds = [asked(wire, sql, value=value)[0]["kind"] for value in (1, 2**31, 2**63, 1)]
    assert kinds == ["integer", "bigint", "numeric", "integer"]


def test_json_is_kept_to_the_letter_or_taken_apart(wire: Wire) -> None:
    sql = "select %(a)s::text as a, %(b)s::text as b, %(c)s::text as c"
    found = asked(wire, sql, a=Json({"b": 1, "a": 2}), b=Written(b'{"x":  1}'), c=Jsonb([1, 2]))
    assert found == [{"a": '{"b":1,"a":2}', "b": '{"x":  1}', "c": "[1, 2]"}]


@pytest.mark.parametrize("value", ["a\0b", ["a\0b"]])
def test_a_nul_character_is_refused_and_not_cut_off(wire: Wire, value: Any) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        asked(wire, "select %(value)s::text", value=value)


@pytest.mark.parametrize("value", [object(), datetime(2026, 3, 2), 1j])  # noqa: DTZ001 - that is the point
def test_what_no_column_holds_is_refused_before_anything_is_sent(wire: Wire, value: Any) -> None:
    with pytest.raises(TypeError):
        wire.send((("select 1", None), ("select %(value)s", {"value": value})), begin=True)
    assert wire.idle


def test_a_percent_sign_and_a_name_used_twice(wire: Wire) -> None:
    found = asked(wire, "select 'a%%' like 'a%%' as b, %(n)s + %(n)s + %(m)s as c", n=1, m=5)
    assert found == [{"b": True, "c": 7}]


def test_answers_are_in_order_and_count_what_was_written(wire: Wire) -> None:
    made = ("create temp table t (n int)", None)
    put = ("insert into t select * from generate_series(1, %(to)s)", {"to": 3})
    gone = ("delete from t where n > %(n)s returning n", {"n": 1})
    answers = wire.send((made, put, gone, ("select n from t", None)), begin=True)
    assert [each.rowcount for each in answers[1:]] == [3, 2, 1]
    assert [each.rows for each in answers] == [[], [], [{"n": 2}, {"n": 3}], [{"n": 1}]]
    assert not wire.idle
    wire.roll_back()
    assert wire.idle


def test_rows_are_fetched_once(wire: Wire) -> None:
    answer = wire.send((("select * from generate_series(1, 3) n", None),))[0]
    assert answer.fetchone() == {"n": 1}
    assert answer.fetchall() == [{"n": 2}, {"n": 3}]
    assert answer.fetchone() is None
    assert list(answer) == []


def test_without_a_transaction_all_are_done_or_none(committed: Database) -> None:
    with committed.engine.begin() as conn:
        conn.execute(sa.text("create table wired (n int)"))
    wire = wire_of(committed.engine.raw_connection())
    put = ("insert into wired values (%(n)s)", {"n": 1})
    with pytest.raises(psycopg.errors.DivisionByZero):
        wire.send((put, ("select 1 / %(n)s", {"n": 0}), put))
    assert wire.idle
    assert asked(wire, "select count(*) as n from wired") == [{"n": 0}]
    wire.send((put, put))
    assert asked(wire, "select count(*) as n from wired") == [{"n": 2}]
    wire.send((("drop table wired", None),))


def test_after_an_error_in_the_midst_the_next_statement_is_answered_rightly(wire: Wire) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.UndefinedTable):
            wire.send(
                (("select 1 as a", None), ("select * from nowhere", None), ("select 2", None))
            )
        assert asked(wire, "select 3 as b") == [{"b": 3}]


def test_an_answer_that_cannot_be_read_leaves_the_connection_whole(wire: Wire) -> None:
    with pytest.raises(psycopg.DataError):
        wire.send(
            (("select timestamptz '0044-03-15 12:00:00+00 BC' as t", None), ("select 2", None))
        )
    assert asked(wire, "select 3 as b") == [{"b": 3}]


def test_what_somebody_deallocated_is_prepared_anew(wire: Wire) -> None:
    assert asked(wire, "select %(n)s::int as n", n=1) == [{"n": 1}]
    wire.script("deallocate all")
    assert asked(wire, "select %(n)s::int as n", n=2) == [{"n": 2}]


def test_a_table_that_was_changed_is_read_as_it_is(wire: Wire) -> None:
    wire.script("create temp table t as select 1 as n")
    assert asked(wire, "select * from t") == [{"n": 1}]
    wire.script("alter table t add m text default 'x'")
    assert asked(wire, "select * from t") == [{"n": 1, "m": "x"}]


def test_prepared_statements_do_not_pile_up(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "_KEPT", 5)
    for number in range(20):
        assert asked(wire, f"select {number} as n") == [{"n": number}]
    left = asked(wire, "select count(*) as n from pg_prepared_statements where name like 'w%%'")
    assert left[0]["n"] <= 7


def test_megabytes_go_both_ways_at_once(wire: Wire) -> None:
    big = "x" * 3_000_000
    sql = "select %(big)s::text as big, octet_length(%(big)s::text) as size"
    answers = wire.send([(sql, {"big": big})] * 4)
    assert [each.rows[0]["size"] for each in answers] == [len(big)] * 4
    assert all(each.rows[0]["big"] == big for each in answers)


def test_who_waits_does_not_keep_other_threads_from_running(pool: sa.Engine, wire: Wire) -> None:
    other = pool.raw_connection()
    second = wire_of(other)
    wire.send((("select pg_advisory_lock(4711)", None),))
    seen: list[list[dict[str, Any]]] = []
    waiting = Thread(
        target=lambda: seen.append(asked(second, "select pg_advisory_lock(4711), 1 as got"))
    )
    waiting.start()
    wire.send((("select pg_advisory_unlock(4711)", None),))
    waiting.join(10)
    assert [rows[0]["got"] for rows in seen] == [1]
    other.invalidate()


def test_a_connection_that_died_says_so(wire: Wire) -> None:
    with pytest.raises(psycopg.OperationalError):
        wire.send((("select pg_terminate_backend(pg_backend_pid())", None), ("select 1", None)))
    with pytest.raises(psycopg.OperationalError):
        wire.send((("select 1", None),))


# --- connections that are passed on -----------------------------------------------------


def test_one_transaction_after_another_has_the_same_connection(database_url: str) -> None:
    db = create_database(database_url, pool_size=2, max_overflow=0)
    pids = set()
    for _ in range(3):
        with db.transaction() as tx:
            pids |= {row["pid"] for row in tx.run("select pg_backend_pid() as pid")}
    assert len(pids) == 1
    assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # of a QueuePool
    db.engine.dispose()
    assert db.spares is not None
    assert len(db.spares) == 0


def test_one_connection_is_left_for_who_asks_the_pool(database_url: str) -> None:
    db = create_database(database_url, pool_size=1, max_overflow=0, wait=0.05)
    with db.transaction() as tx:
        tx.run("select 1")
    with db.engine.connect() as conn:
        assert conn.scalar(sa.text("select 1")) == 1
    db.engine.dispose()


def test_an_old_connection_is_replaced(database_url: str) -> None:
    db = create_database(database_url, pool_size=2, max_overflow=0, max_age=0)
    pids = []
    for _ in range(2):
        with db.transaction() as tx:
            pids += [row["pid"] for row in tx.run("select pg_backend_pid() as pid")]
    assert pids[0] != pids[1]
    db.engine.dispose()
