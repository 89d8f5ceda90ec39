"""The transaction: who commits, what runs after it, and what an error leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import psycopg
import pytest
import sqlalchemy as sa

from app.db.engine import create_database, create_engine
from app.db.tx import Database, Tx
from app.errors import Unavailable
from tests.support import stored
from tests.support.until import until


@pytest.fixture
def db(committed: Database) -> Iterator[Database]:
    """A database with a table to write to."""
    with committed.engine.begin() as conn:
        conn.execute(sa.text("create table notes (text text)"))
    yield committed
    with committed.engine.begin() as conn:
        conn.execute(sa.text("drop table notes"))


def note(tx: Tx, text: str) -> None:
    tx.run("insert into notes values (%(text)s)", {"text": text})


def notes(db: Database) -> list[str]:
    """What another connection sees."""
    with db.engine.connect() as conn:
        return list(conn.scalars(sa.text("select text from notes order by text")))


class Mine(Exception):
    """An error of the caller's own."""


def test_it_commits_at_its_end_and_not_before(db: Database) -> None:
    with db.transaction() as tx:
        note(tx, "a")
        assert notes(db) == []
    assert notes(db) == ["a"]


def test_an_error_rolls_everything_back(db: Database) -> None:
    def work() -> None:
        with db.transaction() as tx:
            note(tx, "a")
            raise Mine

    with pytest.raises(Mine):
        work()
    assert notes(db) == []


def test_an_inner_one_joins_and_the_outermost_commits(db: Database) -> None:
    with db.transaction() as outer:
        with db.transaction() as inner:
            assert inner is outer
            note(inner, "a")
        assert notes(db) == []
    assert notes(db) == ["a"]


def test_one_after_another_are_two(db: Database) -> None:
    with db.transaction() as first:
        pass
    with db.transaction() as second:
        assert second is not first


def test_another_database_is_not_joined(db: Database, database_url: str) -> None:
    other = create_database(database_url)

    def work() -> None:
        with db.transaction() as mine:
            note(mine, "mine")
            with other.transaction() as tx:
                note(tx, "other")
            raise Mine

    with pytest.raises(Mine):
        work()
    other.engine.dispose()
    assert notes(db) == ["other"]


def test_another_thread_has_its_own(db: Database) -> None:
    seen: list[Tx] = []

    def look() -> None:
        with db.transaction() as tx:
            seen.append(tx)

    with db.transaction() as mine:
        thread = Thread(target=look)
        thread.start()
        thread.join()
    assert seen[0] is not mine


def test_half_a_use_case_is_never_committed_even_if_its_error_is_swallowed(db: Database) -> None:
    def half() -> None:
        with db.transaction() as inner:
            note(inner, "half")
            raise Mine

    def work() -> None:
        with db.transaction(), suppress(Mine):
            half()

    with pytest.raises(RuntimeError, match="swallowed"):
        work()
    assert notes(db) == []


def test_what_is_undone_on_error_leaves_the_rest_whole(db: Database) -> None:
    ran: list[str] = []

    def fail(tx: Tx) -> None:
        with tx.undone_on_error(), db.transaction() as inner:
            note(inner, "undone")
            inner.after_commit(lambda: ran.append("undone"))
            raise Mine

    with db.transaction() as tx:
        note(tx, "kept")
        tx.after_commit(lambda: ran.append("kept"))
        with pytest.raises(Mine):
            fail(tx)
        with tx.undone_on_error():
            note(tx, "also kept")
    assert notes(db) == ["also kept", "kept"]
    assert ran == ["kept"]


# --- the last statements ---------------------------------------------------------------


def last(tx: Tx, text: str) -> None:
    tx.together([("insert into notes values (%(text)s)", {"text": text})], last=True)


def test_the_last_statements_commit(db: Database) -> None:
    with db.transaction() as tx:
        note(tx, "a")
        last(tx, "b")
        assert notes(db) == ["a", "b"]


def test_what_can_wait_is_done_before_what_comes_next(db: Database) -> None:
    def undone(tx: Tx) -> None:
        with tx.undone_on_error():
            tx.later([("insert into notes values ('c')", None)])
            raise Mine

    with db.transaction() as tx:
        tx.later([("insert into notes values ('a')", None)])
        assert tx.run("select text from notes").rows == [{"text": "a"}]
        tx.later([("insert into notes values ('b')", None)])
        with pytest.raises(Mine):
            undone(tx)
        assert list(tx.conn.scalars(sa.text("select text from notes order by text"))) == ["a", "b"]
        tx.later([("insert into notes values ('d')", None)])
    assert notes(db) == ["a", "b", "d"]


def test_if_what_waited_cannot_be_done_nothing_is(db: Database) -> None:
    def work() -> None:
        with db.transaction() as tx:
            note(tx, "a")
            tx.later([("select 1 / 0", None)])

    with pytest.raises(psycopg.errors.DivisionByZero):
        work()
    assert notes(db) == []


def test_what_is_asked_soon_comes_with_the_next_trip(db: Database) -> None:
    with db.transaction() as tx:
        note(tx, "a")
        before = tx.soon("select count(*) as n from notes")
        tx.later([("insert into notes values ('b')", None)])
        between = tx.soon("select count(*) as n from notes where text <> %(not)s", {"not": "x"})
        assert tx.run("select 7 as seven").rows == [{"seven": 7}]
        assert (before().rows, between().rows) == ([{"n": 1}], [{"n": 2}])
        alone = tx.soon("select 8 as eight")
        assert alone().rows == [{"eight": 8}]
        last = tx.soon("select count(*) as n from notes")
    assert last().rows == [{"n": 2}], "the commit has sent it"
    assert notes(db) == ["a", "b"]


def test_an_error_of_what_is_asked_soon_is_raised_by_the_trip(db: Database) -> None:
    def work() -> None:
        with db.transaction() as tx:
            note(tx, "a")
            tx.soon("select 1 / 0")
            tx.run("select 1")

    with pytest.raises(psycopg.errors.DivisionByZero):
        work()
    assert notes(db) == []


def test_what_was_asked_soon_is_forgotten_with_what_is_undone(db: Database) -> None:
    def undone(tx: Tx) -> None:
        with tx.undone_on_error():
            tx.soon("select 1 as one")
            raise Mine

    with db.transaction() as tx:
        note(tx, "a")
        with suppress(Mine):
            undone(tx)
        asked = tx.soon("select 2 as two")
        assert asked().rows == [{"two": 2}]
    assert notes(db) == ["a"]


def test_nothing_can_follow_the_last_statements(db: Database) -> None:
    with db.transaction() as tx:
        last(tx, "a")
        with pytest.raises(RuntimeError, match="committed"):
            note(tx, "b")
    assert notes(db) == ["a"]


def test_within_a_larger_transaction_the_outermost_commits(db: Database) -> None:
    with db.transaction() as outer:
        with db.transaction() as inner:
            last(inner, "a")
        assert notes(db) == []
        last(outer, "b")
        assert notes(db) == ["a", "b"]


def test_an_error_after_the_last_statements_undoes_nothing_and_what_follows_runs(
    db: Database,
) -> None:
    ran: list[int] = []

    def work() -> None:
        with db.transaction() as tx:
            tx.after_commit(lambda: ran.append(1))
            last(tx, "a")
            raise Mine

    with pytest.raises(Mine):
        work()
    assert notes(db) == ["a"]
    assert ran == [1]


def test_the_last_statements_are_refused_after_a_swallowed_error(db: Database) -> None:
    def half() -> None:
        with db.transaction() as inner:
            note(inner, "half")
            raise Mine

    def work() -> None:
        with db.transaction() as tx:
            with suppress(Mine):
                half()
            last(tx, "rest")

    with pytest.raises(RuntimeError, match="swallowed"):
        work()
    assert notes(db) == []


def test_if_one_of_the_last_statements_fails_none_is_done(db: Database) -> None:
    def work() -> None:
        with db.transaction() as tx:
            tx.together(
                [("insert into notes values ('a')", None), ("select 1 / 0", None)], last=True
            )

    with pytest.raises(psycopg.errors.DivisionByZero):
        work()
    assert notes(db) == []


# --- after the commit -----------------------------------------------------------------


def test_calls_run_after_the_commit_in_order_also_those_of_inner_ones(db: Database) -> None:
    seen: list[tuple[int, list[str]]] = []
    with db.transaction() as outer:
        outer.after_commit(lambda: seen.append((1, notes(db))))
        with db.transaction() as inner:
            note(inner, "a")
            inner.after_commit(lambda: seen.append((2, notes(db))))
        assert seen == []
    assert seen == [(1, ["a"]), (2, ["a"])]


@pytest.mark.parametrize("inside", [False, True])
def test_no_call_runs_after_a_rollback(db: Database, inside: bool) -> None:
    ran: list[int] = []

    def work() -> None:
        with db.transaction() as tx:
            tx.after_commit(lambda: ran.append(1))
            if inside:
                with db.transaction():
                    raise Mine
            raise Mine

    with pytest.raises(Mine):
        work()
    with db.transaction():
        pass
    assert ran == []


def test_a_call_may_open_a_transaction_of_its_own(db: Database) -> None:
    def more() -> None:
        with db.transaction() as tx:
            note(tx, "later")

    with db.transaction() as tx:
        tx.after_commit(more)
    assert notes(db) == ["later"]


def test_a_call_that_fails_does_not_make_done_work_look_undone(db: Database) -> None:
    ran: list[int] = []

    def fail() -> None:
        raise Mine

    with db.transaction() as tx:
        note(tx, "a")
        tx.after_commit(fail)
        tx.after_commit(lambda: ran.append(1))
    assert notes(db) == ["a"]
    assert ran == [1]


# --- busy and away --------------------------------------------------------------------


def noted(db: Database, sql: str) -> None:
    with db.transaction() as tx:
        note(tx, "lost")
        tx.run(sql)


def refusal(db: Database, sql: str) -> Unavailable:
    with pytest.raises(Unavailable) as refused:
        noted(db, sql)
    assert refused.value.extra["retry_after"] > 0
    assert notes(db) == []
    return refused.value


def test_a_lock_that_others_keep_is_busy(db: Database) -> None:
    with db.engine.begin() as conn:
        conn.execute(sa.text("select pg_advisory_xact_lock(1)"))
        conn.execute(sa.text("lock table groups"))
        busy = refusal(db, "set local lock_timeout = '20ms'; lock table groups")
    assert busy.code == "database_busy"


def test_a_statement_that_takes_too_long_is_busy(db: Database) -> None:
    slow = refusal(db, "set local statement_timeout = '20ms'; select pg_sleep(5)")
    assert slow.code == "database_busy"


def test_no_free_connection_is_busy(database_url: str) -> None:
    small = create_database(database_url, pool_size=1, max_overflow=0, wait=0.05)
    with small.engine.connect(), pytest.raises(Unavailable) as refused, small.transaction():
        pass
    small.engine.dispose()
    assert refused.value.code == "database_busy"


def test_a_server_that_is_not_there_is_away() -> None:
    nowhere = Database(create_engine("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(Unavailable) as refused, nowhere.transaction():
        pass
    assert refused.value.code == "database_unavailable"


def test_a_connection_that_dies_within_is_away_and_the_next_one_works(db: Database) -> None:
    gone = refusal(db, "select pg_terminate_backend(pg_backend_pid())")
    assert gone.code == "database_unavailable"
    with db.transaction() as tx:
        note(tx, "works")
    assert notes(db) == ["works"]


def test_an_idle_connection_that_the_server_closed_is_replaced_unnoticed(
    db: Database, database_url: str
) -> None:
    one = create_database(database_url, pool_size=1, max_overflow=0)
    with one.transaction() as tx:
        pid = (tx.run("select pg_backend_pid() as pid").fetchone() or {})["pid"]
    stored.rows(db, "select pg_terminate_backend(%(pid)s)", pid=pid)
    alive = "select 1 as one from pg_stat_activity where pid = %(pid)s"
    until(lambda: not stored.rows(db, alive, pid=pid))
    with one.transaction() as tx:
        note(tx, "works")
    one.engine.dispose()
    assert notes(db) == ["works"]


def test_an_error_of_the_statement_is_neither(db: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        noted(db, "select * from nowhere")
    assert notes(db) == []
