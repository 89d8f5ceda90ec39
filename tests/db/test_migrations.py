"""The migrations make the tables of the schema, and can be undone and done again."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.db import migrate
from app.db.schema import metadata
from app.db.tx import Database


def differences(db: Database) -> list[object]:
    with db.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": False})
        return list(compare_metadata(context, metadata))


def test_they_make_what_the_schema_says(fresh_db: Database) -> None:
    assert differences(fresh_db) == []


def test_all_of_them_can_be_undone_and_done_again(fresh_db: Database) -> None:
    now, head = migrate.revisions(fresh_db.engine)
    assert now == head
    migrate.downgrade(fresh_db.engine, "base")
    assert migrate.revisions(fresh_db.engine)[0] is None
    with fresh_db.transaction() as tx:
        left = tx.run(
            "select tablename as name from pg_tables where schemaname = 'public'"
            " union all select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            "  where n.nspname = 'public'"
        ).fetchall()
    assert [row["name"] for row in left] == ["alembic_version"]
    migrate.upgrade(fresh_db.engine)
    assert differences(fresh_db) == []
