"""What tables are put together from."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "idx_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_() -> sa.Column[int]:
    """Return the key that the database gives."""
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """Return a column for a moment, with its zone."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def ref(name: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    """Return a column that names a row of another table."""
    return sa.Column(name, sa.BigInteger, sa.ForeignKey(target), nullable=nullable)
