"""What a first test has put into an empty database, for the next ones: in one trip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.db.tx import Database, Tx

_TABLES = """
select c.oid::regclass::text as name,
       (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
         where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '')
       as columns,
       (select seqrelid::regclass::text from pg_sequence
          join pg_depend on objid = seqrelid and deptype in ('a', 'i')
         where refobjid = c.oid) as sequence
  from pg_class c
 where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'
 order by c.oid
"""
_ROWS = "select count(*) as n, json_agg(t)::text as rows from {name} t"
_INSERT = """
insert into {name} ({columns}) overriding system value
select {columns} from json_populate_recordset(null::{name}, %(rows)s)
"""
# New ids come after those that are given here, whatever the sequence had been used for.
_NEXT = """
select setval('{sequence}', greatest((select last_value from {sequence}),
                                     (select max(id) from {name})))
"""


@dataclass(frozen=True)
class Filled:
    """All rows, as statements that write them again under the same ids."""

    statements: tuple[tuple[str, Mapping[str, Any]], ...]

    @classmethod
    def of(cls, db: Database) -> Filled:
        """Look at what there is; tables come in the order in which they were made."""
        found: list[tuple[str, Mapping[str, Any]]] = []
        with db.transaction() as tx:
            for table in tx.run(_TABLES).fetchall():
                found += _written(tx, table)
        return cls(tuple(found))

    def into(self, db: Database) -> None:
        """Fill an empty database."""
        with db.transaction() as tx:
            tx.together(self.statements)


def _written(tx: Tx, table: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    got = tx.run(_ROWS.format_map(table)).fetchone()
    if got is None or not got["n"]:
        return []
    statements = [(_INSERT.format_map(table), {"rows": got["rows"]})]
    if table["sequence"]:
        statements.append((_NEXT.format_map(table), {}))
    return statements
