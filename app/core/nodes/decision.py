"""Decision tables: which rule matches the inputs, and what it sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.cells import Cell, CellError, parse_cell
from app.core.expression import evaluate_config, shown
from app.core.keys import Key
from app.core.nodes.base import Decision, Fail, Leave, Node, Visit, kept
from app.core.nodes.result import fitting
from app.errors import Phrase

if TYPE_CHECKING:
    from app.core.compiling import Compiling


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the cells, one for each input, and what is set if all match."""

    cells: tuple[Cell, ...]
    set: Mapping[str, Any]


class DecisionTable(Node):
    """``inputs`` against ``rules``."""

    type = "decision"
    doc = "A decision table: the rules whose cells match the inputs set variables."
    keys = (
        Key("inputs", "inputs", required=True, expr=True, doc="the expressions that are compared"),
        Key(
            "rules",
            "rules",
            required=True,
            doc="`[{when: [cell, …], set: {variable: value}}]`; a cell is a value, `> 1000`,"
            " `1000..5000`, a list of these, or `-`",
        ),
        Key(
            "hit",
            "choice",
            choices=("first", "unique", "collect"),
            doc="which match counts: the first (default), the only one, or all as lists",
        ),
    )

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Read the cells once."""
        rules = tuple(
            Rule(tuple(parse_cell(cell) for cell in row["when"]), row["set"])
            for row in config["rules"]
        )
        return {**config, "rules": rules}

    def enter(self, visit: Visit) -> Decision:
        """Compare, and set what follows."""
        config = visit.step.config
        inputs = [evaluate_config(text, visit.scope, visit.now) for text in config["inputs"]]
        try:
            matching = [rule for rule in config["rules"] if _matches(rule, inputs)]
        except CellError as error:
            return Fail("bad_input", error.message, _inputs(config, inputs))
        hit = config.get("hit", "first")
        if hit != "collect" and not matching:
            return Fail("no_rule", "No rule of the table matches.", _inputs(config, inputs))
        if hit == "unique" and len(matching) > 1:
            message = Phrase("%(count)d rules match, but only one may.", count=len(matching))
            return Fail("many_rules", message, _inputs(config, inputs))
        rows = kept([evaluate_config(rule.set, visit.scope, visit.now) for rule in matching])
        if isinstance(rows, Fail):
            return rows
        values: dict[str, Any]
        if hit == "collect":
            names = dict.fromkeys(name for rule in config["rules"] for name in rule.set)
            values = {name: [row[name] for row in rows if name in row] for name in names}
        else:
            values = dict(rows[0])
        fit = fitting(visit, values)
        return fit if isinstance(fit, Fail) else Leave(None, fit, by_edges=True)


def _matches(rule: Rule, inputs: list[Any]) -> bool:
    return all(cell.matches(value) for cell, value in zip(rule.cells, inputs, strict=True))


def _inputs(config: Mapping[str, Any], values: list[Any]) -> dict[str, Any]:
    pairs = zip(config["inputs"], values, strict=True)
    return {"inputs": [{"input": text, "value": shown(value)} for text, value in pairs]}
