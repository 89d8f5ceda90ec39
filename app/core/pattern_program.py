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
        sets: sets of characters, each with the states that take it.
        first: states that can take the first character.
        follow: per state, the states that can take the next one.
        last: states after which the text may end.
        accepts_empty: whether the empty text fits.
    """

    sets: tuple[tuple[Chars, int], ...]
    first: int
    follow: tuple[int, ...]
    last: int
    accepts_empty: bool

    def mask(self, char: str) -> int:
        """Return the states that take ``char``."""
        found = 0
        for chars, states in self.sets:
            if chars.has(char):
                found |= states
        return found


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
        bits = {node: 1 << state for state, node in enumerate(self.takes)}
        bits[end] = 1 << len(self.takes)
        taking: dict[Chars, int] = {}
        for node, chars in self.takes.items():
            taking[chars] = taking.get(chars, 0) | bits[node]
        inside = self.reached(bits, start=False, end=False)
        at_end = self.reached(bits, start=False, end=True)
        return Program(
            sets=tuple(taking.items()),
            first=self.reached(bits, start=True, end=False)[entry] & ~bits[end],
            follow=tuple(self.next_of(node, inside) & ~bits[end] for node in self.takes),
            last=sum(bits[node] for node in self.takes if self.next_of(node, at_end) & bits[end]),
            accepts_empty=bool(self.reached(bits, start=True, end=True)[entry] & bits[end]),
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

    def next_of(self, node: int, reached: list[int]) -> int:
        """Return the states after a character of ``node`` was taken, as bits."""
        found = 0
        for target, _ in self.moves[node]:
            found |= reached[target]
        return found

    def reached(self, bits: dict[int, int], *, start: bool, end: bool) -> list[int]:
        """Return per node the states that empty moves lead to from it, as bits.

        Args:
            bits: of the nodes that take a character, and of the end.
            start, end: whether this is the start, or the end, of the text.
        """
        found = [bits.get(node, 0) for node in range(len(self.moves))]
        ways = [
            (node, [target for target, edge in moves if edge is None or (start if edge else end)])
            for node, moves in enumerate(self.moves)
            if node not in bits
        ]
        # Nodes come after those that they lead to, but for loops: some passes more.
        before: list[int] = []
        while found != before:
            before = found.copy()
            for node, targets in ways:
                for target in targets:
                    found[node] |= found[target]
        return found
