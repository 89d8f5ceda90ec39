"""Chains of substitutes: circles are found with their names, and how long they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from app.identity.chains import Link, circle, longest

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def link(names: str, begin: int = 0, end: int = 10, *keys: str) -> Link:
    """Return ``"a>b"`` from one day until another."""
    person, substitute = names.split(">")
    times = (DAY + timedelta(days=begin), DAY + timedelta(days=end))
    return Link(person, substitute, *times, frozenset(keys) if keys else None)


def test_a_circle_is_told_with_everybody_in_it() -> None:
    links = [link("b>c"), link("c>d"), link("x>y")]
    assert circle(link("d>b"), links) == ["d", "b", "c", "d"]
    assert circle(link("b>a"), [link("a>b")]) == ["b", "a", "b"]
    assert circle(link("a>b"), links) is None


def test_what_is_never_at_once_or_for_the_same_is_no_circle() -> None:
    assert circle(link("c>a", 4, 8), [link("a>b", 0, 4), link("b>c", 0, 9)]) is None
    assert circle(link("c>a", 3, 8), [link("a>b", 0, 4), link("b>c", 0, 9)]) is not None
    assert circle(link("b>a", 0, 9, "leave"), [link("a>b", 0, 9, "order")]) is None
    assert circle(link("b>a", 0, 9, "leave"), [link("a>b", 0, 9, "order", "leave")]) is not None


def test_a_circle_of_others_is_followed_once_round() -> None:
    links = [link("a>b"), link("b>c"), link("c>a")]
    assert circle(link("x>a"), links) is None
    assert longest(link("x>a"), links) == 3
    assert longest(link("c>x"), links[:2]) == 3


def test_the_longest_chain_goes_through_the_new_absence() -> None:
    names = "abcdefghij"
    links = [link(f"{one}>{two}") for one, two in pairwise(names)]
    middle = links.pop(4)
    assert longest(middle, links) == 9
    assert longest(middle, links[:4]) == 5
    assert longest(link("e>f", 9, 12), [*links[:4], link("f>g", 10, 12)]) == 5
    assert longest(link("e>f", 20, 30), links) == 1
