"""One scope as a net: the places where tokens rest, and what one answer makes of one token.

As in the loop of the core, a token that need not wait goes on at once. So a place is a
step that waits, or one edge of a join. Three things keep the number of states small, and
change nothing that is looked for:

- A token moves from where it was set free by a split or a join right to where it meets
  others: to a join, a split, an end. Where it stands between matters to nobody else
  (Berthelot's agglomeration of places), except where it would go in a circle for ever.
- Places know all steps that their token can pass on its own (``passes``), as bits. So two
  tokens that may pass the same step are seen before they meet.
- A token that a boundary sets free beside a step, and that meets nobody, is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from app.core import joining
from app.core.conditions import Cover
from app.core.definition import Definition
from app.core.nodes.table import node_of
from app.core.soundness_place import BEGIN, DEEP, MAX_OUTCOMES, Outcome, Place, TooMany, cost
from app.core.soundness_problem import Move
from app.core.soundness_ways import Inside, Way, rests, ways_off, ways_on, ways_past


class Net:
    """The steps of one scope.

    Args:
        parent: id of the sub-process, None for the process itself.
        inside: what each sub-process of this scope can come to.
        written: per step the variables that it writes.
    """

    def __init__(
        self,
        definition: Definition,
        parent: str | None,
        covers: Mapping[str, Cover],
        inside: Mapping[str, Inside],
        written: Mapping[str, frozenset[str]],
    ) -> None:
        self.definition = definition
        self.parent = parent
        self.steps = [step for step in definition.steps if step.parent == parent]
        self.bit = {step.id: 1 << index for index, step in enumerate(self.steps)}
        self.joins = {step.id for step in self.steps if joining.is_join(definition, step)}
        self.inclusive = [
            step.id
            for step in self.steps
            if step.id in self.joins and node_of(step.type).gathers == "those_that_can_come"
        ]
        self.merging = sum(
            self.bit[step.id]
            for step in self.steps
            if step.type != "end"
            and step.id not in self.joins
            and len(definition.incoming[step.id]) > 1
        )
        self.places: dict[int, Place] = {}
        self._numbers: dict[tuple[str, str, int], int] = {}
        self._entered: dict[str, tuple[list[Outcome], int]] = {}
        self._single: dict[int, tuple[list[Outcome], int]] = {}
        self._moves: dict[int, tuple[list[Outcome], int]] = {}
        self._supplies: dict[int, frozenset[int] | None] = {}
        self._asked: set[int] = set()
        self._shared = self._shared_by(written)
        self.past: dict[str, list[Way]] = {}
        self.on: dict[str, list[Way]] = {}
        self.off: dict[str, list[Way]] = {}
        self.uncaught: dict[str, frozenset[str]] = {}
        self.resting: set[str] = set()
        for step in self.steps:
            own = inside.get(step.id, Inside())
            cover = covers.get(step.id)
            self.on[step.id] = ways_on(step, cover, own)
            self.past[step.id] = ways_past(step, cover)
            self.off[step.id], self.uncaught[step.id] = [], frozenset()
            if rests(step):
                self.resting.add(step.id)
                self.off[step.id], self.uncaught[step.id] = ways_off(step, own)
        self._enter_all()

    # --- what may happen --------------------------------------------------------------

    def moves(self, place: int) -> tuple[list[Outcome], int]:
        """Return what may become of a token that rests, and the steps it may pass alone."""
        known = self._moves.get(place)
        if known is None:
            known = self._moves[place] = self._until_it_matters(place)
        return known

    def supplies(self, place: int) -> frozenset[int] | None:
        """Return the edges of joins that a token can come by, if it can do nothing else."""
        if place not in self._supplies:
            outcomes = self.moves(place)[0]
            only = all(
                not outcome.over and all(landed < 0 for landed in outcome.landed)
                for outcome in outcomes
            )
            self._supplies[place] = (
                frozenset(landed for outcome in outcomes for landed in outcome.landed)
                if only
                else None
            )
        return self._supplies[place]

    def fired(self, join: str) -> list[Outcome]:
        """Return what may become of the one token that a join lets go on."""
        return self._entered[join][0]

    def passes(self, place: int) -> int:
        """Return the steps that a token at a place may pass on its own."""
        return 0 if place < 0 else self.moves(place)[1]

    def passes_from(self, step: str) -> int:
        """Return the steps that a token which enters a step may pass on its own."""
        outcomes, passed = self._entered[step]
        for outcome in outcomes:
            for place in outcome.landed:
                passed |= self.passes(place)
        return passed

    def passes_beside(self, step: str, boundary: int) -> int:
        """Return the steps that a token may pass after a boundary beside it has happened."""
        return self.passes(self._number(step, "", 1 << boundary))

    def ways(self, step: str) -> Iterator[Way]:
        """Yield every way out of a step."""
        yield from self.past[step]
        yield from self.on[step]
        yield from self.off[step]

    # --- places -----------------------------------------------------------------------

    def _number(self, step: str, edge: str = "", fired: int = 0) -> int:
        key = (step, edge, fired)
        known = self._numbers.get(key)
        if known is None:
            known = len(self._numbers) + 1
            if step in self.joins:
                known = -known
            self._numbers[key] = known
            self.places[known] = Place(self.definition.by_id[step], edge, fired)
        return known

    def _land(self, step: str, edge: str) -> list[Outcome]:
        if step in self.joins:
            return [Outcome((self._number(step, edge),))]
        return self._entered[step][0]

    def _passed(self, step: str) -> int:
        return 0 if step in self.joins else self._entered[step][1]

    # --- entering ---------------------------------------------------------------------

    def _enter_all(self) -> None:
        """Work out what entering each step comes to, the ones that depend on others last.

        Steps that go on at once and form a circle are places to rest, so that a circle is
        a circle of states.
        """
        needs: dict[str, set[str]] = {}
        needed_by: dict[str, list[str]] = {step.id: [] for step in self.steps}
        for step in self.steps:
            ways = self.past[step.id] + ([] if step.id in self.resting else self.on[step.id])
            needs[step.id] = {
                target for way in ways for _, target in way.targets if target not in self.joins
            }
            for target in needs[step.id]:
                needed_by[target].append(step.id)
        order = [step.id for step in self.steps if not needs[step.id]]
        for step_id in order:  # grows
            for before in needed_by[step_id]:
                needs[before].discard(step_id)
                if not needs[before]:
                    order.append(before)
        circle = [step.id for step in self.steps if needs[step.id]]
        for step_id in circle:
            if step_id not in self.joins:
                self.resting.add(step_id)
                self.on[step_id] = [*self.past[step_id], *self.on[step_id]]
                self.past[step_id] = []
        for step_id in (
            *order,
            *(step_id for step_id in circle if step_id not in self.joins),
            *(step_id for step_id in circle if step_id in self.joins),
        ):
            self._entered[step_id] = self._enter(step_id)

    def _enter(self, step: str) -> tuple[list[Outcome], int]:
        ways = list(self.past[step])
        outcomes: list[Outcome] = []
        if step in self.resting:
            outcomes.append(Outcome((self._number(step),)))
        else:
            ways += self.on[step]
        passed = self.bit[step]
        for way in ways:
            outcomes += self._follow(step, way)
            for _, target in way.targets:
                passed |= self._passed(target)
        return self._distinct(outcomes), passed

    def _follow(self, step: str, way: Way) -> list[Outcome]:
        """Return what a way comes to: every combination of what its targets come to."""
        found = [Outcome((), (Move(step, way.choice, way.reads),), way.ends, way.thrown)]
        for edge, target in way.targets:
            landings = self._land(target, edge)
            if len(landings) * len(found) > MAX_OUTCOMES:
                raise TooMany
            found = [
                Outcome(
                    one.landed + other.landed,
                    one.path + other.path,
                    one.ends or other.ends,
                    one.thrown or other.thrown,
                )
                for one in found
                for other in landings
            ]
        return found

    def _distinct(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Drop what comes to the same by a less certain or longer path."""
        best: dict[tuple[object, ...], Outcome] = {}
        for outcome in outcomes:
            landed = () if outcome.over else tuple(sorted(outcome.landed))
            key = (landed, outcome.over, outcome.thrown)
            known = best.get(key)
            if known is None or cost(outcome) < cost(known):
                best[key] = outcome
        if len(best) > MAX_OUTCOMES:
            raise TooMany
        return list(best.values())

    # --- moving -----------------------------------------------------------------------

    def _until_it_matters(self, first: int) -> tuple[list[Outcome], int]:
        """Follow a token through all places that only it knows of, by the shortest paths."""
        found: list[Outcome] = []
        paths: dict[int, tuple[Move, ...]] = {first: ()}
        before: dict[int, list[int]] = {first: []}
        lead_out: list[int] = []
        done: set[int] = set()
        passed = 0
        open_ = [(0, first)]
        while open_:
            _, place = heappop(open_)
            if place in done:
                continue
            done.add(place)
            outcomes, own = self._one_move(place)
            passed |= own
            if not outcomes and place != first:
                found.append(Outcome((place,), paths[place]))
                lead_out.append(place)
            for outcome in outcomes:
                path = paths[place] + outcome.path
                onward = self._onward(first, outcome)
                if onward is None:
                    found.append(outcome._replace(path=path))
                    lead_out.append(place)
                    continue
                before.setdefault(onward, []).append(place)
                if onward not in paths or len(path) < len(paths[onward]):
                    paths[onward] = path
                    heappush(open_, (len(path), onward))
        found += self._circles(first, paths, before, lead_out)
        return self._distinct(found), passed

    def _onward(self, first: int, outcome: Outcome) -> int | None:
        """Return the place where a token goes on by itself as it came from ``first``."""
        if outcome.over or len(outcome.landed) != 1:
            return None
        (place,) = outcome.landed
        return place if place > 0 and self._alike(first, place) else None

    def _circles(
        self,
        first: int,
        paths: Mapping[int, tuple[Move, ...]],
        before: Mapping[int, list[int]],
        lead_out: list[int],
    ) -> Iterator[Outcome]:
        """Yield the places from which a token only ever goes in a circle."""
        free = set(lead_out)
        while lead_out:
            fresh = [place for place in before[lead_out.pop()] if place not in free]
            free.update(fresh)
            lead_out += fresh
        if first not in free and self._one_move(first)[0]:
            yield Outcome((first,), self._one_move(first)[0][0].path)
            return
        for place, path in paths.items():
            if place not in free and free.intersection(before[place]):
                yield Outcome((place,), path)

    def _alike(self, one: int, other: int) -> bool:
        """Say whether inclusive joins see no difference between two places."""
        return one == BEGIN or all(
            reaching[self.places[one].step.id] == reaching[self.places[other].step.id]
            for reaching in map(self.definition.edges_reaching, self.inclusive)
        )

    def _one_move(self, number: int) -> tuple[list[Outcome], int]:
        """Return what one answer makes of a token, and the steps it passes by that."""
        known = self._single.get(number)
        if known is None:
            known = self._single[number] = self._answered(number)
        return known

    def _answered(self, number: int) -> tuple[list[Outcome], int]:
        if number == BEGIN:
            first = self.definition.first[self.parent]
            return self._land(first, ""), self._passed(first)
        place = self.places[number]
        step = place.step.id
        outcomes: list[Outcome] = []
        passed = self.bit[step]
        for way in (*self.on[step], *self.off[step]):
            if way.stays is not None and place.fired >> way.stays & 1:
                continue
            for _, target in way.targets:
                passed |= self._passed(target)
            followed = self._follow(step, way)
            if way.stays is not None:
                beside = {one for each in followed for one in each.landed if self._alone(one)}
                for one in beside:
                    passed |= self.passes(one)
                again = self._number(step, "", place.fired | 1 << way.stays)
                followed = [
                    each._replace(landed=(*(set(each.landed) - beside), again)) for each in followed
                ]
            outcomes += followed
        return self._distinct(outcomes), passed

    def _alone(self, place: int) -> bool:
        """Say whether a token here only goes to its end, and does nothing others could."""
        if place < 0 or place in self._asked or len(self._asked) >= DEEP:
            return False
        self._asked.add(place)
        outcomes, passed = self.moves(place)
        self._asked.discard(place)
        return not passed & self._shared and all(
            not outcome.over and not outcome.landed for outcome in outcomes
        )

    def _shared_by(self, written: Mapping[str, frozenset[str]]) -> int:
        """Return the steps that several ways lead to, or that write what others write."""
        writers = Counter(name for step in self.steps for name in written[step.id])
        return self.merging | sum(
            self.bit[step.id]
            for step in self.steps
            if any(writers[name] > 1 for name in written[step.id])
        )
