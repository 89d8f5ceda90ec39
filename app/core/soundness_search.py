"""Every state that a scope can be in, each by the shortest way, and what is wrong in it.

A state is the multiset of places where tokens rest. Order between tokens matters only
where they meet, at joins; still every order of answers is tried, as long as there are few
enough. Beyond that, one token is moved first wherever it may be: no state where nothing
moves any more is missed by that (Valmari, *Stubborn sets for reduced state space
generation*, 1991), but what two tokens do at the same time is not looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from app.core import joining
from app.core.soundness_meeting import Meetings
from app.core.soundness_net import Net
from app.core.soundness_place import BEGIN, Outcome, TooMany
from app.core.soundness_problem import RELEASED, Move

State = tuple[int, ...]
MAX_TOKENS: Final = 16
"""On one place; beyond, their number may grow without bound."""
FURTHER: Final = 2_000
"""States that are looked at after one in which tokens grow: there is no end to them."""
_TOKENS: Final = 12
"""In a state, on average: where there are more, fewer states are looked at."""
_GUESSED: Final = 3
"""Tokens on one place from which growth is taken for granted where it is not proved."""


class Search:
    """All states of one net that are reached.

    Args:
        meetings: told of the tokens of each state.
        limit: how many states.
        one_first: whether to move one token first.

    ``over``: whether the scope can end without an error. ``ended``: the states from which the whole
    scope can end at once, ``thrown`` with which error codes. ``stuck``: those where nothing
    moves. ``growing``: those in which tokens have become more and more. ``complete``:
    whether all states were looked at.
    """

    def __init__(
        self, net: Net, meetings: Meetings, limit: int, *, one_first: bool = False
    ) -> None:
        self.net = net
        self.meetings = meetings
        self.limit = limit
        self.one_first = one_first
        self.states: list[State] = []
        self.after: list[list[int]] = []
        self.ended: set[int] = set()
        self.thrown: set[str] = set()
        self.stuck: list[int] = []
        self.growing: list[int] = []
        self.over = False
        self.complete = True
        self._tokens = 0
        self._number: dict[State, int] = {}
        self._before: list[int] = []
        self._via: list[tuple[Move, ...]] = []
        self._length: list[int] = []
        self._open: dict[int, list[int]] = {}
        self._complete_joins: dict[State, tuple[str, State] | None] = {}

    def run(self) -> None:
        """Look at every state, those nearest to the beginning first.

        With one token moved first it is those farthest from it: where there are too many
        states for all, what sticks is found soonest at the ends.
        """
        try:
            self._reach((BEGIN,), 0, (), 0)
            while self._open:
                length = max(self._open) if self.one_first else min(self._open)
                for number in self._open.pop(length):
                    if self._length[number] == length:
                        self._look(number, self.states[number])
        except TooMany:
            self.complete = False

    def witness(self, number: int) -> tuple[Move, ...]:
        """Return the shortest run that leads into a state."""
        parts: list[tuple[Move, ...]] = []
        while number:
            parts.append(self._via[number])
            number = self._before[number]
        return tuple(move for part in reversed(parts) for move in part)

    def trapped(self) -> list[int]:
        """Return the states from which nothing that ends or stops can be reached."""
        before: list[list[int]] = [[] for _ in self.states]
        for number, others in enumerate(self.after):
            for other in others:
                before[other].append(number)
        free = {*self.ended, *self.stuck, *self.growing}
        if () in self._number:
            free.add(self._number[()])
        open_ = list(free)
        while open_:
            fresh = [number for number in before[open_.pop()] if number not in free]
            free.update(fresh)
            open_ += fresh
        return [number for number in range(len(self.states)) if number not in free]

    # --- one state --------------------------------------------------------------------

    def _look(self, number: int, state: State) -> None:
        fired = list(self._fired(state)) if state and state[0] < 0 else []
        for join, rest, released in fired:
            self._see(number, rest, join)
            for outcome in self.net.fired(join):
                if released:
                    first, *others = outcome.path
                    path = (replace(first, choice=RELEASED), *others)
                    self._take(number, rest, outcome._replace(path=path))
                else:
                    self._take(number, rest, outcome)
        if not state:
            self.over = True
        if fired or not state:
            return
        self._see(number, state)
        if self._grows(number, state):
            self.growing.append(number)
            self.limit = min(self.limit, len(self.states) + FURTHER)
        elif not self._answer(number, state):
            self.stuck.append(number)

    def _see(self, number: int, state: State, join: str | None = None) -> None:
        actors = [self.meetings.at(place) for place in state if place >= 0]
        if join is not None:
            actors.append(self.meetings.past(join))
        self.meetings.see(number, actors)

    def _answer(self, number: int, state: State) -> bool:
        """Let each token that waits be answered in each way; say whether one can be."""
        places = [place for place in dict.fromkeys(state) if place >= 0]
        places = [place for place in places if self.net.moves(place)[0]]
        if self.one_first:
            places.sort(key=lambda place: len(self.net.moves(place)[0]))
        elif len(places) > 1 and (first := self._without_loss(state)) is not None:
            places = [first]
        for place in places:
            at = state.index(place)
            rest = state[:at] + state[at + 1 :]
            fresh = False
            for outcome in self.net.moves(place)[0]:
                fresh = self._take(number, rest, outcome) or fresh
            if self.one_first and fresh:
                break
        return bool(places)

    def _take(self, number: int, rest: State, outcome: Outcome) -> bool:
        """Go where an outcome leads; say whether that is new."""
        if outcome.thrown is not None:
            self.thrown.add(outcome.thrown)
        elif outcome.ends:
            self.over = True
        if outcome.over:
            self.ended.add(number)
            return True
        state = tuple(sorted(rest + outcome.landed))
        return self._reach(state, number, outcome.path, self._length[number])

    def _reach(self, state: State, before: int, via: tuple[Move, ...], length: int) -> bool:
        number = self._number.get(state)
        fresh = number is None
        if number is None:
            number = len(self.states)
            self._tokens += len(state)
            if number >= self.limit or self._tokens > self.limit * _TOKENS:
                raise TooMany
            self._number[state] = number
            self.states.append(state)
            self.after.append([])
            self._before.append(before)
            self._via.append(via)
            self._length.append(length + len(via))
        elif length + len(via) < self._length[number] and not self.one_first:
            self._before[number], self._via[number] = before, via
            self._length[number] = length + len(via)
        else:
            self.after[before].append(number)
            return False
        if number:
            self.after[before].append(number)
        self._open.setdefault(self._length[number], []).append(number)
        return fresh

    def _without_loss(self, state: State) -> int | None:
        """Return a token that may as well be the first to move, if there is one.

        That is so if all tokens can do nothing but go to joins, and none of these can
        fire without it: then no other has anything to do that it could be there for.
        """
        if self.net.inclusive:
            return None
        suppliers: dict[str, dict[str, set[int]]] = {}
        for index, number in enumerate(state):
            supplied = (number,) if number < 0 else self.net.supplies(number)
            if supplied is None:
                return None
            for place in supplied:
                at = self.net.places[place]
                suppliers.setdefault(at.step.id, {}).setdefault(at.edge, set()).add(index)
        safe = {i for i, number in enumerate(state) if number >= 0 and self.net.moves(number)[0]}
        for join, edges in suppliers.items():
            if joining.complete(self.net.definition, join, edges):
                alone = [indexes for indexes in edges.values() if len(indexes) == 1]
                safe &= set().union(*alone)
        return state[min(safe)] if safe else None

    # --- joins ------------------------------------------------------------------------

    def _fired(self, state: State) -> Iterator[tuple[str, State, bool]]:
        """Yield each join that may fire now, what is left then, and whether it is a guess.

        Of several inclusive joins that wait for each other only, the core fires the one
        whose token is older. Which one that is, is not known here.
        """
        count = sum(1 for place in state if place < 0)
        waiting = state[:count]
        if waiting not in self._complete_joins:
            self._complete_joins[waiting] = self._complete_join(waiting)
        complete = self._complete_joins[waiting]
        if complete is not None:
            yield complete[0], complete[1] + state[count:], False
            return
        groups = self._groups(waiting, inclusive=True)
        if not groups:
            return
        steps = {self.net.places[place].step.id for place in state}
        ripe = [
            join
            for join, there in groups.items()
            if not joining.still_to_come(self.net.definition, join, there, steps - {join})
        ]
        released = not ripe and count == len(state)
        if released:
            ripe = list(groups)
        for join in ripe:
            yield join, _without(state, groups[join].values()), released and len(ripe) > 1

    def _complete_join(self, waiting: State) -> tuple[str, State] | None:
        for join, there in self._groups(waiting, inclusive=False).items():
            if joining.complete(self.net.definition, join, there):
                return join, _without(waiting, there.values())
        return None

    def _groups(self, waiting: State, *, inclusive: bool) -> dict[str, dict[str, int]]:
        """Return the tokens at joins of one kind: per join, per edge one of them."""
        groups: dict[str, dict[str, int]] = {}
        for number in waiting:
            place = self.net.places[number]
            if (place.step.id in self.net.inclusive) == inclusive:
                groups.setdefault(place.step.id, {}).setdefault(place.edge, number)
        return groups

    # --- growth -----------------------------------------------------------------------

    def _grows(self, number: int, state: State) -> bool:
        """Say whether tokens become more and more: the same as before, and others.

        That argument (Karp and Miller, 1969) is no proof where a token can hold back
        others, as before an inclusive join; there it takes some more of them.
        """
        if len(set(state)) == len(state):
            return False
        counts = Counter(state)
        most = max(counts.values())
        if most > MAX_TOKENS:
            return True
        while number and (most >= _GUESSED or not self.net.inclusive):
            number = self._before[number]
            earlier = self.states[number]
            if len(earlier) < len(state) and Counter(earlier) <= counts:
                return True
        return False


def _without(state: State, places: Iterable[int]) -> State:
    left = list(state)
    for place in places:
        left.remove(place)
    return tuple(left)
