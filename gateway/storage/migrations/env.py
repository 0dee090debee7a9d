"""Alembic's entry: runs the scripts on the connection that `migrate` hands over."""

from alembic import context

from gateway.storage.columns import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    # SQLite cannot change a constraint in place; Alembic then copies the table.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
