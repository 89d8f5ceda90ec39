"""Conditions over few variables: which values match none, or several, or can match at all.

Exact, or silent: a gateway whose conditions call functions, compare two variables or need
too many cases is left out. Null, which a variable may always be, decides what is possible,
but is no gap unless a condition names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise, product
from math import prod
from operator import and_
from typing import Any, Final

from app.core.cells import AnyOf, Anything, Between, Cell, CellError, Equal
from app.core.definition import Definition, Step
from app.core.expression import Expression, ExpressionError, parse_template, truth
from app.core.outcome import choices
from app.core.soundness_axes import Domain, Path, Sample, Uses, path_of, samples, uses_in
from app.core.soundness_problem import Problem
from app.core.soundness_writes import domains

MAX_CELLS: Final = 10_000
MAX_MATCHES: Final = 200_000
"""Of cells, for one input of a table."""
MAX_EVALUATIONS: Final = 4_000
"""Of conditions, for one step; each takes microseconds."""
INCLUSIVE: Final = "inclusive_gateway"
_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Conditions that are looked at do not read the clock."""
_NULL_RANK: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One combination of values, and the rules that match it.

    Args:
        rules: bit ``i`` for the rule at index ``i``.
    """

    values: tuple[Sample, ...]
    rules: int

    @property
    def rank(self) -> tuple[int, int]:
        """How readily it is shown: literals first."""
        ranks = [sample.rank for sample in self.values]
        return max(ranks, default=0), sum(ranks)


@dataclass(frozen=True, slots=True)
class Cover:
    """What a list of rules makes of every value.

    Args:
        names: of the variables or inputs.
        cases: those that are shown most readily first.
        count: of the rules.
    """

    names: tuple[str, ...]
    cases: tuple[Case, ...]
    count: int

    def gap(self) -> Case | None:
        """Return a case that no rule matches; null counts only where it is named."""
        return next((case for case in self._named() if not case.rules), None)

    def overlaps(self) -> Iterator[tuple[int, int, Case]]:
        """Yield each rule that an earlier one overlaps with, that one first, and a case."""
        found: dict[int, tuple[int, Case]] = {}
        told = 0
        for case in self._named():
            first = case.rules & -case.rules
            fresh = case.rules & ~first & ~told
            told |= fresh
            while fresh:
                lowest = fresh & -fresh
                found[lowest.bit_length() - 1] = first.bit_length() - 1, case
                fresh ^= lowest
        for later, (earlier, case) in sorted(found.items(), key=lambda item: item[0]):
            yield earlier, later, case

    def within(self, one: int, other: int) -> bool:
        """Say whether a rule matches only where another does: ``> 100`` and ``> 10``."""
        return all(case.rules >> other & 1 or not case.rules >> one & 1 for case in self._named())

    def first(self) -> frozenset[int | None]:
        """Return the rules that are the first to match somewhere; None: nothing matches."""
        return frozenset(
            (case.rules & -case.rules).bit_length() - 1 if case.rules else None
            for case in self.cases
        )

    def together(self) -> frozenset[frozenset[int]]:
        """Return the sets of rules that match together; the empty one: nothing matches."""
        return frozenset(
            frozenset(rule for rule in range(self.count) if case.rules >> rule & 1)
            for case in self.cases
        )

    def shown(self, case: Case) -> str:
        """Return a case as a person reads it: ``amount = 1000``."""
        return ", ".join(
            f"{name} = {sample.text()}"
            for name, sample in zip(self.names, case.values, strict=True)
        )

    def _named(self) -> Iterator[Case]:
        return (case for case in self.cases if case.rank[0] < _NULL_RANK)


def covers(definition: Definition) -> dict[str, Cover]:
    """Return the covers of the steps whose conditions or rules can be told exactly."""
    known = domains(definition)
    found: dict[str, Cover] = {}
    for step in definition.steps:
        cover = _of_table(step, known) if step.type == "decision" else _of_step(step, known)
        if cover is not None and cover.cases:
            found[step.id] = cover
    return found


def problems(definition: Definition, found: Mapping[str, Cover]) -> Iterator[Problem]:
    """Yield gaps, overlaps and rules that never match."""
    for step_id, cover in found.items():
        step = definition.by_id[step_id]
        if step.type == "decision":
            yield from _table_problems(step, cover)
        else:
            yield from _condition_problems(step, cover)


# --- conditions -----------------------------------------------------------------------


def _of_step(step: Step, known: Mapping[str, Domain]) -> Cover | None:
    conditions = [edge.when for edge in step.next if edge.when is not None]
    if not conditions or choices(step):
        return None
    uses: dict[Path, Uses] = {}
    if not all(uses_in(condition.tree, uses) for condition in conditions):
        return None
    paths = sorted(uses)
    if any(one == two[: len(one)] for one, two in pairwise(paths)):
        return None  # an object and a member of it
    axes = [samples(uses[path], _domain(path, known)) for path in paths]
    whole = [axis for axis in axes if axis is not None]
    if len(whole) < len(axes) or prod(map(len, whole)) * len(conditions) > MAX_EVALUATIONS:
        return None
    cases = []
    for values in product(*whole):
        rules = _true_in(conditions, _scope(paths, values), all_asked=step.type == INCLUSIVE)
        if rules is not None:
            cases.append(Case(values, rules))
    return _cover([".".join(path) for path in paths], cases, len(conditions))


def _true_in(
    conditions: Sequence[Expression], scope: Mapping[str, Any], *, all_asked: bool
) -> int | None:
    """Return the conditions that are true; None: one cannot be evaluated, which is no case.

    Args:
        all_asked: also those after one that is true.
    """
    rules = 0
    try:
        for index, condition in enumerate(conditions):
            rules |= truth(condition, scope, _ANY_TIME) << index
    except ExpressionError:
        return None if all_asked else rules or None
    return rules


def _scope(paths: Sequence[Path], values: Sequence[Sample]) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    for path, sample in zip(paths, values, strict=True):
        inner = scope
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = sample.value
    return scope


def _domain(path: Path, known: Mapping[str, Domain]) -> Domain:
    return known.get(path[0], Domain()) if len(path) == 1 else Domain()


def _condition_problems(step: Step, cover: Cover) -> Iterator[Problem]:
    conditions = [edge for edge in step.next if edge.when is not None]
    texts = [edge.when.text if edge.when else "" for edge in conditions]
    gap = cover.gap()
    if gap is not None and len(conditions) == len(step.next):
        yield Problem(
            "conditions_gap",
            "warning",
            step.id,
            "%(step)s: %(case)s matches no condition, and there is no default.",
            {"step": step.id, "case": cover.shown(gap)},
            "Add a default, or a condition for it.",
        )
    if step.type == INCLUSIVE:
        taken: frozenset[int | None] = frozenset().union(*cover.together())
    else:
        taken = cover.first()
        for earlier, later, case in cover.overlaps():
            differ = conditions[earlier].target != conditions[later].target
            # ``> 1000`` before ``> 100`` is how tiers are written.
            if later in taken and differ and not cover.within(earlier, later):
                yield Problem(
                    "conditions_overlap",
                    "warning",
                    step.id,
                    "%(step)s: %(case)s matches both %(first)s and %(second)s; the first is taken.",
                    {
                        "step": step.id,
                        "case": cover.shown(case),
                        "first": texts[earlier],
                        "second": texts[later],
                    },
                )
    for index, text in enumerate(texts):
        if index not in taken:
            yield Problem(
                "condition_never_taken",
                "warning",
                step.id,
                "%(step)s: the way for %(condition)s can never be taken.",
                {"step": step.id, "condition": text},
                "It is never true, or an earlier condition is true wherever it is.",
            )


# --- decision tables ------------------------------------------------------------------


def _of_table(step: Step, known: Mapping[str, Domain]) -> Cover | None:
    rules = step.config["rules"]
    names, axes = [], []
    for column, text in enumerate(step.config["inputs"]):
        uses = Uses()
        cells = [rule.cells[column] for rule in rules]
        if not all(_cell_uses(cell, uses) for cell in cells):
            return None
        name, domain = _input(text, known)
        axis = samples(uses, domain)
        masks = None if axis is None else _masks(axis, cells)
        if masks is None:
            return None
        names.append(name)
        axes.append(masks)
    if prod(map(len, axes)) > MAX_CELLS:
        return None
    cases = [
        Case(
            tuple(sample for sample, _ in values),
            reduce(and_, (rules for _, rules in values), (1 << len(rules)) - 1),
        )
        for values in product(*axes)
    ]
    return _cover(names, cases, len(rules))


def _input(text: Any, known: Mapping[str, Domain]) -> tuple[str, Domain]:
    expressions = parse_template(text).expressions if isinstance(text, str) else ()
    if len(expressions) != 1:
        return str(text), Domain()
    path = path_of(expressions[0].tree)
    return expressions[0].text.strip(), Domain() if path is None else _domain(path, known)


def _cell_uses(cell: Cell, uses: Uses) -> bool:
    match cell:
        case Equal():
            return uses.add(cell.value)
        case Between():
            bounds = [bound for bound in (cell.low, cell.high) if bound is not None]
            return all(uses.add(bound, ordered=True) for bound in bounds)
        case AnyOf():
            return all(_cell_uses(each, uses) for each in cell.cells)
        case Anything():
            return True


def _masks(axis: Sequence[Sample], cells: Sequence[Cell]) -> list[tuple[Sample, int]] | None:
    """Return per value of an input the rules whose cell it matches."""
    if len(axis) * len(cells) > MAX_MATCHES:
        return None
    found = []
    try:
        for sample in axis:
            value = sample.value
            rules = sum(1 << index for index, cell in enumerate(cells) if cell.matches(value))
            found.append((sample, rules))
    except CellError:
        return None
    return found


def _table_problems(step: Step, cover: Cover) -> Iterator[Problem]:
    hit = step.config.get("hit", "first")
    gap = cover.gap()
    if gap is not None and hit != "collect":
        yield Problem(
            "rules_gap",
            "warning",
            step.id,
            "%(step)s: %(case)s matches no rule.",
            {"step": step.id, "case": cover.shown(gap)},
            "Add a rule for it; one with - in every cell matches everything.",
        )
    taken = cover.first() if hit == "first" else frozenset().union(*cover.together())
    if hit == "unique":  # of several the first is taken: that is how such a table is read
        for earlier, later, case in cover.overlaps():
            yield Problem(
                "rules_overlap",
                "warning",
                step.id,
                "%(step)s: %(case)s matches both rule %(first)d and rule %(second)d.",
                {
                    "step": step.id,
                    "case": cover.shown(case),
                    "first": earlier + 1,
                    "second": later + 1,
                },
                "Only one may match, else the step stops with an incident.",
            )
    for index in range(cover.count):
        if index not in taken:
            yield Problem(
                "rule_never_taken",
                "warning",
                step.id,
                "%(step)s: rule %(rule)d can never be taken.",
                {"step": step.id, "rule": index + 1},
                "It matches nothing, or an earlier rule matches wherever it does.",
            )


def _cover(names: Sequence[str], cases: Sequence[Case], count: int) -> Cover:
    return Cover(tuple(names), tuple(sorted(cases, key=lambda case: case.rank)), count)
