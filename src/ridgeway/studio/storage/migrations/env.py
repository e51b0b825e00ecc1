"""Runs migrations on the connection that `ridgeway.studio.storage.migrate` hands over; Alembic executes this file."""

from __future__ import annotations

from alembic import context

from ridgeway.studio.storage.models import Base

connection = context.config.attributes["connection"]
# SQLite can't alter most things of a table: batch mode copies it.
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
context.run_migrations()
