"""The hash that stands for all of an instance's history, and whether it still does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.db.tx import Tx
from app.history import record

_HEAD: Final = """
select history_seq as rows, history_hash as hash from process_instances where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Seal:
    """The head of the chain.

    Args:
        rows: how many rows the history has.
        hash: of the last of them, which covers all before it; hexadecimal.
        broken: number of the first row that was changed afterwards; None: none was.
    """

    rows: int
    hash: str
    broken: int | None


def head(tx: Tx, instance_id: int) -> tuple[int, str] | None:
    """Return how many rows there are and the hash of the last; None if there is no instance."""
    row = tx.run(_HEAD, {"id": instance_id}).fetchone()
    return (row["rows"], bytes(row["hash"]).hex()) if row else None


def of(tx: Tx, instance_id: int) -> Seal:
    """Return the seal of an instance that the caller may see; every row is looked at.

    Raises:
        LookupError: there is no such instance.
    """
    found = head(tx, instance_id)
    if found is None:
        raise LookupError(instance_id)
    return Seal(*found, record.verify(tx, instance_id))
