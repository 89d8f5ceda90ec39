"""Layer 3: whether a definition can stick, run in a circle, or do its work twice.

The loop of the core is explored with data, people and clocks left open, one scope at a
time: a sub-process is a net of its own and one step of the net around it. What is found
comes with the shortest run that leads there. A run that needs two decisions over the same
variables is a warning, as data may rule it out; any other is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Final

from app.core import conditions
from app.core.definition import Definition
from app.core.findings import Severity
from app.core.soundness_dead import dead_steps
from app.core.soundness_meeting import Meeting, Meetings
from app.core.soundness_net import Net
from app.core.soundness_place import TooMany
from app.core.soundness_problem import Move, Problem, uncertain
from app.core.soundness_search import MAX_TOKENS, Search
from app.core.soundness_ways import Inside, insides
from app.core.soundness_writes import writes

__all__ = ["MAX_STATES", "Move", "Problem", "explore"]

MAX_STATES: Final = 50_000
_ORDER: Final[Mapping[Severity, int]] = {"error": 0, "warning": 1, "info": 2}


def explore(definition: Definition, *, max_states: int = MAX_STATES) -> tuple[Problem, ...]:
    """Return what can go wrong in a definition whose references are right.

    Args:
        max_states: how many states of each scope are looked at; beyond, that is said too.

    Returns:
        Errors first, each group in the order of the steps.
    """
    covers = conditions.covers(definition)
    written = writes(definition)
    inside: dict[str, Inside] = {}
    found = list(conditions.problems(definition, covers))
    for parent in insides(definition):
        try:
            scope = _Scope(Net(definition, parent, covers, inside, written), written, max_states)
            found += scope.problems()
        except TooMany:
            found.append(_too_many(parent, max_states))
            continue
        if parent is not None:
            inside[parent] = scope.inside()
    place = {step.id: index for index, step in enumerate(definition.steps)}
    found.sort(key=lambda each: (_ORDER[each.severity], place.get(each.step, -1)))
    return tuple(found)


class _Scope:
    """One scope, explored."""

    def __init__(self, net: Net, written: Mapping[str, frozenset[str]], limit: int) -> None:
        self.net = net
        self.limit = limit
        self.meetings = Meetings(net, written)
        self.search = Search(net, self.meetings, limit)
        self.search.run()
        self.whole = self.search.complete
        if not self.whole:
            self.meetings = Meetings(net, written)
            self.search = Search(net, self.meetings, limit, one_first=True)
            self.search.run()

    def inside(self) -> Inside:
        """Return what the step around this scope can come to."""
        codes = self.search.thrown.union(
            *(self.net.uncaught[step] for step in self.meetings.reached)
        )
        fails = self.whole and self.search.thrown and not self.search.stuck
        return Inside(
            self.search.over or not fails, frozenset(codes), frozenset(self.search.thrown)
        )

    def problems(self) -> Iterator[Problem]:
        """Yield all that is found."""
        starving = set()
        for problem in self._stuck():
            starving.add(problem.step)
            yield problem
        yield from self._growing()
        if not self.whole:
            yield _too_many(self.net.parent, self.limit, sticks_checked=self.search.complete)
            return
        yield from self._trapped()
        self.meetings.see_splits()
        yield from self._merges()
        yield from self._races()
        yield from dead_steps(self.net, self.meetings.reached.keys(), starving)

    def _stuck(self) -> Iterator[Problem]:
        """Yield each join that starves, an error if one of its runs is certain."""
        best: dict[str, tuple[Move, ...]] = {}
        missing: dict[str, list[str]] = {}
        for number in self.search.stuck:
            state = self.search.states[number]
            witness = self.search.witness(number)
            edges: dict[str, set[str]] = {}
            for place in state:
                at = self.net.places[place]
                edges.setdefault(at.step.id, set()).add(at.edge)
            for step, there in edges.items():
                known = best.get(step)
                if known is None or (uncertain(known) and not uncertain(witness)):
                    best[step] = witness
                    missing[step] = [
                        edge.partition("#")[0] or "(start)"
                        for edge in self.net.definition.incoming[step]
                        if edge not in there
                    ]
        for step, witness in best.items():
            yield _problem(
                "join_starves",
                step,
                "%(step)s can wait for ever for a token from %(missing)s that cannot come.",
                witness,
                "Use an inclusive_gateway to wait for those only that can come, or an"
                " exclusive_gateway where only one comes.",
                missing=", ".join(dict.fromkeys(missing[step])),
            )

    def _growing(self) -> Iterator[Problem]:
        for number in self.search.growing:
            witness = self.search.witness(number)
            state = self.search.states[number]
            step = self.net.places[max(state, key=state.count)].step.id
            guessed = self.net.inclusive and max(Counter(state).values()) <= MAX_TOKENS
            problem = _problem(
                "may_grow",
                step,
                "Tokens may become more and more without bound; they gather at %(step)s.",
                witness,
                "A branch of a split leads back to before it: join the branches first.",
            )
            beside = {move.choice for move in witness} & self._beside()
            yield _as_warning(problem) if beside or guessed else problem
            return

    def _beside(self) -> set[str]:
        """Return the choices that begin a path beside a step, without leaving it."""
        return {
            way.choice for ways in self.net.off.values() for way in ways if way.stays is not None
        }

    def _trapped(self) -> Iterator[Problem]:
        """Yield each circle that no way leads out of, by the nearest state in it."""
        told: set[int] = set()
        for number in self.search.trapped():
            if number in told:
                continue
            circle = {number}
            open_ = [number]
            while open_:
                fresh = [each for each in self.search.after[open_.pop()] if each not in circle]
                circle.update(fresh)
                open_ += fresh
            known = bool(circle & told)
            told |= circle
            if known:
                continue
            witness = self.search.witness(number)
            places = {place for each in circle for place in self.search.states[each]}
            passed = reduce(or_, map(self.net.passes, places))
            inside = [step.id for step in self.net.steps if self.net.bit[step.id] & passed]
            yield _problem(
                "no_way_to_end",
                inside[0],
                "Once here, no end can be reached any more: the run goes round through %(steps)s.",
                witness,
                "Give one of these steps a way out of the circle.",
                steps=", ".join(inside),
            )

    def _merges(self) -> Iterator[Problem]:
        """Yield each step that two tokens come to; not those that follow from another."""
        told: set[str] = set()
        for step, meeting in self.meetings.merges.items():
            witness = self._meeting(meeting)
            if told & {move.step for move in witness}:
                continue
            told.add(step)
            yield _as_warning(
                _problem(
                    "fires_twice",
                    step,
                    "%(step)s can happen twice: two branches of a split meet there without a join.",
                    witness,
                    "Put a parallel_gateway or an inclusive_gateway before it to join them.",
                )
            )

    def _races(self) -> Iterator[Problem]:
        for name, meeting in self.meetings.races.items():
            first, second = meeting.steps
            yield _as_warning(
                _problem(
                    "written_at_once",
                    first,
                    "%(step)s and %(other)s can be at work at the same time, and both set"
                    " %(variable)s; the later one wins.",
                    self._meeting(meeting),
                    "Let each set a variable of its own.",
                    other=second,
                    variable=name,
                )
            )

    def _meeting(self, meeting: Meeting) -> tuple[Move, ...]:
        """Return the run after which both tokens are about to do what the meeting is about."""
        moves = [*self.search.witness(meeting.state), *meeting.lead]
        for start, step in zip(meeting.starts, meeting.steps, strict=True):
            moves += self.meetings.route(start, step)
        return tuple(moves)


def _problem(
    code: str,
    step: str,
    message: str,
    witness: tuple[Move, ...],
    hint: str | None = None,
    **params: str,
) -> Problem:
    severity: Severity = "warning" if uncertain(witness) else "error"
    return Problem(code, severity, step, message, {"step": step, **params}, hint, witness)


def _as_warning(problem: Problem) -> Problem:
    return Problem(
        problem.code,
        "warning",
        problem.step,
        problem.message,
        problem.params,
        problem.hint,
        problem.witness,
    )


def _too_many(parent: str | None, limit: int, *, sticks_checked: bool = False) -> Problem:
    return Problem(
        "not_fully_checked",
        "info",
        parent or "",
        "There are more than %(max)d states; that no run sticks was checked, but not what two"
        " branches do at the same time."
        if sticks_checked
        else "There are more than %(max)d states; not fully checked.",
        {"max": limit},
        "Fewer branches at once, or a sub-process for some of them, can be checked wholly.",
    )
