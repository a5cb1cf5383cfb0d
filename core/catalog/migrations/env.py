"""Alembic's entry: runs the migrations on the connection, and in the transaction, that the catalog opened."""

from alembic import context

from core.catalog.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
