"""Looking up people: who a name means, which names exist, what people are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.db.tx import Database, Tx
from app.db.wire import Answer, Statement
from app.identity import names
from app.identity.actor import Actor

Kind = Literal["user", "group", "role"]
_LETTER: Final[dict[Kind, str]] = {"user": "u", "group": "g", "role": "r"}

# A group or role without an active member resolves to nobody: work would wait for ever.
# The arrays come from subqueries, so that PostgreSQL has no reason to plan it anew for the
# length of each array: that costs ten times the query.
_WHO: Final = """
select 'user' as kind, u.username as name, u.active as alive,
       exists (select 1 from absences a
                where a.username = u.username and a.ended_at is null) as away
  from users u where u.username = any(array(select unnest(%(usernames)s::text[])))
union all
select 'group', g.name,
       exists (select 1 from memberships m join users u on u.id = m.user_id and u.active
                where m.group_id = g.id), false
  from groups g where g.name = any(array(select unnest(%(names)s::text[])))
union all
select 'role', r.name,
       exists (select 1 from user_roles ur join users u on u.id = ur.user_id and u.active
                where ur.role_id = r.id), false
  from roles r where r.name = any(array(select unnest(%(names)s::text[])))
"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who a name means.

    Args:
        users: usernames of active people meant by name.
        keys: candidate keys (``u:``, ``g:``, ``r:``) of everyone meant, people included.
    """

    users: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Away:
    """Key of ``Tx.ahead``: usernames that were resolved of people who may be away.

    Whoever is not among them has no absence at all, so that nothing has to be asked about it.
    """


class Ahead:
    """What is looked up before it is known whether anybody asks: it saves a trip.

    Once answered it may be kept in ``Tx.ahead[Ahead]``; ``resolve_all`` looks there first.

    Args:
        names: without prefixes.
    """

    def __init__(self, names_: frozenset[str]) -> None:
        self.names = names_
        self.alive: dict[tuple[str, str], bool] = {}
        self.away: frozenset[str] = frozenset()
        usernames = [names.normal(name) for name in names_]
        self.question: Statement = (_WHO, {"usernames": usernames, "names": list(names_)})

    def take(self, answer: Answer) -> None:
        """Keep what came of the question."""
        self.alive = {(row["kind"], row["name"]): row["alive"] for row in answer.rows}
        self.away = frozenset(row["name"] for row in answer.rows if row["away"])


def ahead_of(wanted: Iterable[str]) -> Ahead:
    """Return what asks for these names, as a definition writes them."""
    return Ahead(frozenset(_split(name, None)[0] for name in wanted))


def resolve(tx: Tx, name: str, *, kind: Kind | None = None) -> Resolved:
    """Say who ``name`` means: a person, else a group, else a role.

    Args:
        name: as a definition writes it; ``user:``, ``group:`` and ``role:`` say which.
        kind: look for this kind only (a prefix in the name wins).

    Returns:
        Empty when nobody of that name exists, the person is inactive, or the group or
        role has no active member.
    """
    return resolve_all(tx, [(name, kind)])


def resolve_all(tx: Tx, wanted: Iterable[tuple[str, Kind | None]]) -> Resolved:
    """Same for several names with one query; the results are joined, order kept."""
    asked = [_split(name, kind) for name, kind in wanted]
    if not asked:
        return Resolved()
    known: Ahead | None = tx.ahead.get(Ahead)
    if known is None or not known.names.issuperset(name for name, _ in asked):
        known = ahead_of(name for name, _ in asked)
        known.take(tx.run(*known.question))
    alive = known.alive
    if known.away:
        tx.ahead[Away] = tx.ahead.get(Away, frozenset()) | known.away
    users: dict[str, None] = {}
    keys: dict[str, None] = {}
    for name, kind in asked:
        match = _first(alive, name, kind)
        if match is not None:
            keys[f"{_LETTER[match[0]]}:{match[1]}"] = None
            if match[0] == "user":
                users[match[1]] = None
    return Resolved(tuple(users), tuple(keys))


# The order of a group's people is that of their usernames: a turn for each, the same every time.
_MANAGER: Final = """
select m.username from users u join users m on m.id = u.manager_id and m.active
 where u.username = %(name)s
"""
_MEMBERS: Final = """
select 'g' as letter, g.name, u.username
  from groups g join memberships m on m.group_id = g.id
  join users u on u.id = m.user_id and u.active
 where g.name = any(%(groups)s)
union all
select 'r', r.name, u.username
  from roles r join user_roles ur on ur.role_id = r.id
  join users u on u.id = ur.user_id and u.active
 where r.name = any(%(roles)s)
 order by letter, name, username limit %(most)s
"""


def members_of(tx: Tx, keys: Iterable[str], *, most: int) -> dict[str, list[str]]:
    """Return the usernames of active people of groups and roles, by their keys.

    Args:
        keys: candidate keys; those of people are left out.
        most: people in all; if there are so many, some may be missing.
    """
    wanted: dict[str, list[str]] = {"g": [], "r": []}
    for key in keys:
        letter, _, name = key.partition(":")
        wanted.get(letter, []).append(name)
    if not wanted["g"] and not wanted["r"]:
        return {}
    asked = {"groups": wanted["g"], "roles": wanted["r"], "most": most}
    found: dict[str, list[str]] = {}
    for row in tx.run(_MEMBERS, asked).rows:
        found.setdefault(f"{row['letter']}:{row['name']}", []).append(row["username"])
    return found


def known_names(db: Database) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names of all active people, all groups and all roles."""
    with db.transaction() as tx:
        rows = tx.run(
            "select 'u' as kind, username as name from users where active"
            " union all select 'g', name from groups union all select 'r', name from roles"
        ).fetchall()
    return (
        frozenset(row["name"] for row in rows if row["kind"] == "u"),
        frozenset(row["name"] for row in rows if row["kind"] == "g"),
        frozenset(row["name"] for row in rows if row["kind"] == "r"),
    )


def active_among(tx: Tx, usernames: Iterable[str]) -> frozenset[str]:
    """Return those of the usernames (as they are stored) that are active people."""
    rows = tx.run(
        "select username from users where active and username = any(%(names)s)",
        {"names": sorted(set(usernames))},
    ).fetchall()
    return frozenset(row["username"] for row in rows)


def manager_of(tx: Tx, username: str | None) -> str | None:
    """Return the username of a person's manager; None: there is none, or they have left."""
    row = tx.run(_MANAGER, {"name": username}).fetchone()
    return row["username"] if row is not None else None


def find_people(db: Database, actor: Actor, q: str, *, most: int = 10) -> list[dict[str, str]]:
    """Return active people as ``{username, name}`` whose name or username has ``q`` in it.

    Anybody who has signed in may ask: names are no secret among those who work together,
    and nothing else is told. Who begins with ``q`` comes first; without any ``q`` it is nobody.
    """
    sought = q.strip().lower()[:100]
    if not sought or not actor.username or "\0" in sought:
        return []
    like = sought.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    with db.transaction() as tx:
        rows = tx.run(
            """
            select username, name from users
             where active and (username like %(inside)s or lower(name) like %(inside)s)
             order by (username = %(q)s) desc,
                      (username like %(begins)s or lower(name) like %(begins)s) desc,
                      name, username limit %(most)s
            """,
            {"q": sought, "inside": f"%{like}%", "begins": f"{like}%", "most": most},
        ).fetchall()
    return [{"username": row["username"], "name": row["name"]} for row in rows]


def display_names(db: Database, usernames: Iterable[str]) -> dict[str, str]:
    """Return the names that people are shown by; a username without a person is left out."""
    with db.transaction() as tx:
        return last_names(tx, usernames)


def last_names(tx: Tx, usernames: Iterable[str]) -> dict[str, str]:
    """Same as what a transaction reads last."""
    wanted = sorted(set(usernames))
    if not wanted:
        return {}
    rows = tx.only(
        "select username, name from users where username = any(%(names)s)", {"names": wanted}
    )
    return {row["username"]: row["name"] for row in rows}


def group_titles(db: Database, group_names: Iterable[str]) -> dict[str, str]:
    """Return the titles of groups, or their names where there is no title."""
    with db.transaction() as tx:
        return titles_soon(tx, group_names)()


def titles_soon(tx: Tx, group_names: Iterable[str]) -> Callable[[], dict[str, str]]:
    """Ask for ``group_titles`` with the next trip, unless there are no groups."""
    wanted = sorted(set(group_names))
    if not wanted:
        return dict
    rows = tx.soon(
        "select name, coalesce(title, name) as title from groups where name = any(%(names)s)",
        {"names": wanted},
    )
    return lambda: {row["name"]: row["title"] for row in rows()}


def _split(name: str, kind: Kind | None) -> tuple[str, Kind | None]:
    prefix, colon, rest = name.partition(":")
    if colon and prefix in _LETTER:
        return rest.strip(), _kind(prefix)
    return name.strip(), kind


def _kind(prefix: str) -> Kind:
    for kind in _LETTER:
        if kind == prefix:
            return kind
    raise ValueError(prefix)


def _first(alive: dict[Any, bool], name: str, kind: Kind | None) -> tuple[Kind, str] | None:
    """Return the first kind that has the name, if it is alive: a name hides later kinds."""
    for candidate in (kind,) if kind else tuple(_LETTER):
        stored = names.normal(name) if candidate == "user" else name
        if (candidate, stored) in alive:
            return (candidate, stored) if alive[candidate, stored] else None
    return None
