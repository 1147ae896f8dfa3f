"""How Alembic runs our migrations: inside the transaction it is handed, one line of versions per package."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,  # SQLite and PostgreSQL both roll a half-done migration back
)
context.run_migrations()
