"""Alembic's entry: the connection comes from the caller (``app.db.migrate``)."""

from __future__ import annotations

from alembic import context

from app.db.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    connection.exec_driver_sql("set local statement_timeout = 0")  # an index may take long
    context.run_migrations()
