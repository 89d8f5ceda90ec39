"""What is read whole is kept as the text it was written as; the history's hash covers that.

Hashes are computed by whoever writes the row, the database only proves them.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("history_events", "data"),
    ("process_instances", "state"),
    ("tasks", "form"),
    ("tasks", "outcomes"),
)
# See app.history.record.chained.
_HASH = """
create function history_hash(
    prev bytea, seq integer, at timestamptz, actor text, behalf text, kind text, data json
) returns bytea language sql stable parallel safe as $$
    select sha256(prev || convert_to(
        history_field(seq::text)
        || history_field((extract(epoch from at) * 1000000)::bigint::text)
        || history_field(actor) || history_field(behalf) || history_field(kind)
        || data::text, 'UTF8'))
$$
"""
_FIELD = """
create function history_field(value text) returns text language sql stable parallel safe as $$
    select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', '-,')
$$
"""
_HASH_BEFORE = """
create function history_hash(
    prev bytea, seq integer, at timestamptz, actor text, behalf text, kind text, data jsonb
) returns bytea language sql stable parallel safe as $$
    select sha256(prev || convert_to(jsonb_build_array(
        seq, extract(epoch from at), actor, behalf, kind, data)::text, 'UTF8'))
$$
"""
# The chains that are there are computed anew.
_REHASH = """
do $$
declare
    each record;
    before bytea;
    owner bigint;
begin
    for each in select * from history_events order by instance_id, seq loop
        if owner is distinct from each.instance_id then
            before := '';
            owner := each.instance_id;
        end if;
        update history_events set prev_hash = before,
               hash = history_hash(before, each.seq, each.at, each.actor, each.on_behalf_of,
                                   each.kind, each.data)
         where id = each.id returning hash into before;
        update process_instances set history_hash = before where id = owner;
    end loop;
end $$
"""


def upgrade() -> None:
    _change("json", (_FIELD, _HASH))


def downgrade() -> None:
    _change("jsonb", (_HASH_BEFORE,))


def _change(kind: str, functions: tuple[str, ...]) -> None:
    op.execute("drop function history_hash")
    op.execute("drop function if exists history_field")
    op.execute("alter table history_events disable trigger history_append_only")
    for table, column in _COLUMNS:
        op.execute(f"alter table {table} alter column {column} type {kind} using {column}::{kind}")
    for function in functions:
        op.execute(function)
    op.execute(_REHASH)
    op.execute("alter table history_events enable trigger history_append_only")
