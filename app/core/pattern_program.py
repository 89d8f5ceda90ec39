"""From the tree of a pattern to its states: one for each character it can take."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.pattern_parser import Chars, Edge, Either, Parser, PatternError, Repeat, Tree

MAX_STATES = 500
_MAX_WORK = 5_000


@dataclass(frozen=True, slots=True)
class Program:
    """The states of a pattern as bits of integers.

    Args:
        sets: what each state takes.
        first: states that can take the first character.
        follow: per state, the states that can take the next one.
        last: states after which the text may end.
        accepts_empty: whether the empty text fits.
    """

    sets: tuple[Chars, ...]
    first: int
    follow: tuple[int, ...]
    last: int
    accepts_empty: bool

    def mask(self, char: str) -> int:
        """Return the states that take ``char``."""
        return sum(1 << state for state, chars in enumerate(self.sets) if chars.has(char))


def program_of(text: str) -> Program:
    """Read and compile a pattern. Raises PatternError."""
    return _Builder().build(Parser(text).whole())


class _Builder:
    """Builds an automaton with empty moves, then takes these out.

    ``moves[n]`` are the empty moves of node n, each with the edge of the text it needs
    (None, "start" or "end"); ``takes[n]`` is what a node with a character takes, leading
    to ``moves[n]``.
    """

    def __init__(self) -> None:
        self.moves: list[list[tuple[int, bool | None]]] = []
        self.takes: dict[int, Chars] = {}
        self.work = 0

    def build(self, tree: Tree) -> Program:
        end = self.node()
        entry = self.enter(tree, end)
        states = {node: state for state, node in enumerate(self.takes)}

        def bits(nodes: set[int]) -> int:
            return sum(1 << states[node] for node in nodes if node in states)

        following = [self.reach(self.moves[node], start=False, end=False) for node in states]
        ending = [end in self.reach(self.moves[node], start=False, end=True) for node in states]
        return Program(
            sets=tuple(self.takes[node] for node in states),
            first=bits(self.reach([(entry, None)], start=True, end=False)),
            follow=tuple(bits(nodes) for nodes in following),
            last=sum(1 << state for state, ends in enumerate(ending) if ends),
            accepts_empty=end in self.reach([(entry, None)], start=True, end=True),
        )

    def node(self, *moves: tuple[int, bool | None]) -> int:
        self.work += 1
        if self.work > _MAX_WORK or len(self.takes) > MAX_STATES:
            raise PatternError(
                "The pattern has more than %(limit)d states; use smaller repetitions",
                0,
                limit=MAX_STATES,
            )
        self.moves.append(list(moves))
        return len(self.moves) - 1

    def enter(self, tree: Tree, after: int) -> int:
        """Add what ``tree`` needs before node ``after``; return where to enter."""
        if isinstance(tree, Chars):
            node = self.node((after, None))
            self.takes[node] = tree
            return node
        if isinstance(tree, Edge):
            return self.node((after, tree.start))
        if isinstance(tree, Either):
            return self.node(*((self.enter(branch, after), None) for branch in tree.branches))
        if isinstance(tree, Repeat):
            return self.repeat(tree, after)
        for part in reversed(tree.parts):
            after = self.enter(part, after)
        return self.node((after, None))

    def repeat(self, tree: Repeat, after: int) -> int:
        if tree.most is None:
            loop = self.node((after, None))
            self.moves[loop].append((self.enter(tree.tree, loop), None))
            after = loop
        else:
            out = after
            for _ in range(tree.most - tree.least):
                after = self.node((self.enter(tree.tree, after), None), (out, None))
        for _ in range(tree.least):
            after = self.enter(tree.tree, after)
        return after

    def reach(self, moves: list[tuple[int, bool | None]], *, start: bool, end: bool) -> set[int]:
        """Return the nodes reached by empty moves at this place of the text."""
        reached: set[int] = set()
        waiting = list(moves)
        while waiting:
            node, edge = waiting.pop()
            open_ = edge is None or (start if edge else end)
            if not open_ or node in reached:
                continue
            reached.add(node)
            if node not in self.takes:
                waiting.extend(self.moves[node])
        return reached
