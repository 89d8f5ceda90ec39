"""How several people decide one step together: said as a value."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, Literal

from app.core.record import dataclass

Mode = Literal["any", "all", "ratio", "sequential"]
MODES: Final[tuple[Mode, ...]] = ("any", "all", "ratio", "sequential")
OnReject = Literal["at_once", "after_all"]
ON_REJECT: Final[tuple[OnReject, ...]] = ("at_once", "after_all")


@dataclass(frozen=True, slots=True)
class Rules:
    """How the people of one visit decide together.

    Args:
        ratio: what part of them has to approve, for the mode ``ratio``.
        on_reject: whether a rejection ends it.
        field: the yes/no that decides; None: the outcome does, or there is nothing to decide.
        approving: ids of the outcomes that approve; None: there are none, taking part approves.
    """

    mode: Mode = "all"
    ratio: Fraction = Fraction(1)
    on_reject: OnReject = "at_once"
    field: str | None = None
    approving: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with a visit."""
        kept: dict[str, Any] = {"mode": self.mode, "on_reject": self.on_reject}
        if self.mode == "ratio":
            kept["ratio"] = str(self.ratio)
        if self.field is not None:
            kept["field"] = self.field
        if self.approving is not None:
            kept["approving"] = list(self.approving)
        return kept


def rules_from_json(kept: Mapping[str, Any]) -> Rules:
    """Read back what ``Rules.to_json`` gave."""
    approving = kept.get("approving")
    return Rules(
        kept["mode"],
        Fraction(kept.get("ratio", 1)),
        kept["on_reject"],
        kept.get("field"),
        tuple(approving) if approving is not None else None,
    )
