"""Chains of absences: whether a new one would close a circle, or make a chain too long. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Link:
    """An absence: ``substitute`` decides for ``person``.

    Args:
        starts_at, ends_at: when; the end is not in it.
        definitions: keys of the processes that it is for; None: all.
    """

    person: str
    substitute: str
    starts_at: datetime
    ends_at: datetime
    definitions: frozenset[str] | None = None

    def within(self, other: Link) -> Link | None:
        """Return the part of it at the times and of the processes of another; None if none is."""
        starts_at = max(self.starts_at, other.starts_at)
        ends_at = min(self.ends_at, other.ends_at)
        if self.definitions is None or other.definitions is None:
            definitions = other.definitions if self.definitions is None else self.definitions
        else:
            definitions = self.definitions & other.definitions
        if starts_at >= ends_at or definitions == frozenset():
            return None
        return replace(self, starts_at=starts_at, ends_at=ends_at, definitions=definitions)


def circle(new: Link, links: Iterable[Link]) -> list[str] | None:
    """Return the people of a circle that a new link would close, from its person round to them."""
    known = list(links)

    def back(link: Link, path: Sequence[str]) -> list[str] | None:
        for following in _behind(link, known):
            if following.substitute == new.person:
                return [*path, new.person]
            if following.substitute not in path:
                found = back(following, [*path, following.substitute])
                if found:
                    return found
        return None

    return back(new, [new.person, new.substitute])


def longest(new: Link, links: Iterable[Link]) -> int:
    """Return how many absences the longest chain through a new one has; without circles."""
    known = list(links)

    def down(link: Link, path: frozenset[str]) -> int:
        lengths = [
            1 + down(following, path | {following.substitute})
            for following in _behind(link, known)
            if following.substitute not in path
        ]
        return max([up(replace(link, person=new.person), path), *lengths])

    def up(link: Link, path: frozenset[str]) -> int:
        lengths = [
            1 + up(before, path | {before.person})
            for before in _before(link, known)
            if before.person not in path
        ]
        return max(lengths, default=0)

    return 1 + down(new, frozenset({new.person, new.substitute}))


def _behind(link: Link, links: Iterable[Link]) -> Iterable[Link]:
    """Return the links that begin with somebody's substitute, as far as they go with that."""
    found = (each.within(link) for each in links if each.person == link.substitute)
    return [each for each in found if each is not None]


def _before(link: Link, links: Iterable[Link]) -> Iterable[Link]:
    found = (each.within(link) for each in links if each.substitute == link.person)
    return [each for each in found if each is not None]
