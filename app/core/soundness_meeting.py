"""Two tokens at once: what both may pass, and what both may write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from app.core.soundness_net import Net
from app.core.soundness_place import BEGIN
from app.core.soundness_problem import Move


class Actor(NamedTuple):
    """A token, and what it may do without another's help.

    Args:
        step: where it stands, or where it is about to enter.
        passes, writes: steps and variables, as bits.
    """

    step: str
    passes: int
    writes: int


class Meeting(NamedTuple):
    """Two tokens that are there at once, and the step of each that it is about.

    Args:
        state: the number of the state.
        lead: what happens after that before both are there.
        starts: where the two stand then.
        steps: what each of them comes to.
    """

    state: int
    lead: tuple[Move, ...]
    starts: tuple[str, str]
    steps: tuple[str, str]


class Meetings:
    """What was seen so far of tokens that are there at the same time.

    Args:
        written: per step the variables that it writes.

    ``merges``: per step that two tokens may pass, the first such meeting. ``races``: the
    same per variable that two different steps may write. ``reached``: per step the first
    state from which it is passed, and where the token stands then.
    """

    def __init__(self, net: Net, written: Mapping[str, frozenset[str]]) -> None:
        self.net = net
        self.merges: dict[str, Meeting] = {}
        self.races: dict[str, Meeting] = {}
        self.reached: dict[str, tuple[int, str]] = {}
        self._steps = [step.id for step in net.steps]
        names = sorted({name for step in self._steps for name in written[step]})
        self._names = names
        self._written = [
            sum(1 << index for index, name in enumerate(names) if name in written[step])
            for step in self._steps
        ]
        self._reached = self._merged = self._raced = 0
        self._actors: dict[int, Actor] = {}
        self._told: set[tuple[str, str]] = set()

    def at(self, place: int) -> Actor:
        """Return the token that rests in a place."""
        known = self._actors.get(place)
        if known is None:
            if place == BEGIN:
                step = self.net.definition.first[self.net.parent]
            else:
                step = self.net.places[place].step.id
            known = self._actors[place] = self._actor(step, self.net.passes(place))
        return known

    def past(self, join: str) -> Actor:
        """Return the token that leaves a join."""
        return self._actor(join, self.net.passes_from(join))

    def see(self, state: int, actors: Sequence[Actor]) -> None:
        """Note what these tokens, all there at once, may do."""
        passed = written = merged = raced = 0
        for actor in actors:
            merged |= passed & actor.passes
            raced |= written & actor.writes
            passed |= actor.passes
            written |= actor.writes
        if passed & ~self._reached:
            self._reach(state, actors)
        if merged & self.net.merging & ~self._merged or raced & ~self._raced:
            for one, other in combinations(actors, 2):
                self._meet(state, (), one, other)

    def see_splits(self) -> None:
        """Note what the tokens of one split may do, between it and where they rest."""
        for step_id, (state, start) in list(self.reached.items()):
            for way in self.net.ways(step_id):
                actors = [
                    self._actor(target, self.net.passes_from(target))
                    for _, target in way.targets
                    if target not in self.net.joins
                ]
                if way.stays is not None:
                    actors.append(self._actor(step_id, self.net.passes_beside(step_id, way.stays)))
                if len(actors) > 1:
                    lead = (*self.route(start, step_id), Move(step_id, way.choice, way.reads))
                    for one, other in combinations(actors, 2):
                        self._meet(state, lead, one, other)

    def route(self, start: str, goal: str) -> tuple[Move, ...]:
        """Return what a token passes from one step until it is at another."""
        before: dict[str, tuple[str, Move] | None] = {start: None}
        open_ = [start]
        for step in open_:  # grows
            if step == goal:
                break
            for way in self.net.ways(step):
                for _, target in way.targets:
                    if target not in before and target not in self.net.joins:
                        before[target] = step, Move(step, way.choice, way.reads)
                        open_.append(target)
        moves: list[Move] = []
        while (came := before[goal]) is not None:
            goal, move = came
            moves.append(move)
        return tuple(reversed(moves))

    # --- inside -----------------------------------------------------------------------

    def _actor(self, step: str, passes: int) -> Actor:
        written = 0
        for index in _bits(passes):
            written |= self._written[index]
        return Actor(step, passes, written)

    def _reach(self, state: int, actors: Sequence[Actor]) -> None:
        for actor in actors:
            for index in _bits(actor.passes & ~self._reached):
                self.reached[self._steps[index]] = state, actor.step
            self._reached |= actor.passes

    def _meet(self, state: int, lead: tuple[Move, ...], one: Actor, other: Actor) -> None:
        pair = (one.step, other.step) if one.step <= other.step else (other.step, one.step)
        if pair in self._told and not lead:
            return
        self._told.add(pair)
        starts = one.step, other.step
        for index in _bits(one.passes & other.passes & self.net.merging):
            step = self._steps[index]
            self._merged |= 1 << index
            self.merges.setdefault(step, Meeting(state, lead, starts, (step, step)))
        for index in _bits(one.writes & other.writes):
            steps = self._writers(index, one, other)
            if steps is not None:
                self._raced |= 1 << index
                self.races.setdefault(self._names[index], Meeting(state, lead, starts, steps))

    def _writers(self, name: int, one: Actor, other: Actor) -> tuple[str, str] | None:
        """Return two different steps by which they write a variable."""
        for first in _bits(one.passes):
            if self._written[first] >> name & 1:
                for second in _bits(other.passes):
                    if second != first and self._written[second] >> name & 1:
                        return self._steps[first], self._steps[second]
        return None


def _bits(mask: int) -> Iterator[int]:
    """Yield the places of the bits that are set, the lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
