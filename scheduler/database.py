"""Open the database: engine, pragmas, migrations in import order.

Lives here: what SQLite and PostgreSQL need to keep what was committed. Not here: tables and statements (the
notebooks).
"""

import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

import alerts
import crawler
from config.reading import ConfigError, Problem

FILE = "tocsin.db"

# 3.7.0 to 3.51.2 can corrupt a WAL database when a write and a checkpoint of two connections coincide
# (sqlite.org/wal.html#walresetbug); below that we keep the rollback journal.
WAL_IS_SAFE_FROM = (3, 51, 3)

BUSY_TIMEOUT_MS = 15_000  # a command beside the daemon waits for its commit


class DatabaseUnusable(Exception):
    """The database cannot be opened or brought up to date; the message says which and what to do."""


def database_url(data: Path, override: str | None) -> str:
    """The database a data directory stands for, unless TOCSIN_DATABASE_URL names another."""
    if not override:
        return f"sqlite:///{data / FILE}"
    try:
        url = make_url(override)
    except ArgumentError as error:
        expected = "not a database URL, expected postgresql+psycopg://user:password@host/name"
        raise ConfigError([Problem("error", "environment", None, "TOCSIN_DATABASE_URL", expected)]) from error
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def open_database(url: str) -> Engine:
    """An engine on an up-to-date schema. Raises DatabaseUnusable."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
    try:
        for package in (crawler, alerts):
            _migrate(engine, package.__name__, _versions(package))
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseUnusable(
            f"{_shown(engine)}: {error.orig}. Is it a database of Tocsin, and may we write there?"
        ) from error
    except DatabaseUnusable:
        engine.dispose()
        raise
    return engine


def is_there(url: str) -> bool:
    """Whether there is a database at all; of a server only opening it can tell."""
    at = make_url(url)
    return at.drivername != "sqlite" or Path(at.database or "").is_file()


def open_to_read(url: str) -> Engine:
    """An engine that changes nothing, not even the schema, and holds up no writer for longer than it reads.

    Raises DatabaseUnusable where there is no database, or one of another version.
    """
    if not is_there(url):
        raise DatabaseUnusable(f"{make_url(url).database}: there is no database yet; `tocsin run` makes one")
    engine = create_engine(url, pool_pre_ping=True, execution_options={"postgresql_readonly": True})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_to_read)
    try:
        with engine.connect() as connection:
            current = all(
                _stands_at(connection, f"schema_of_{package.__name__}") == _head(_versions(package))
                for package in (crawler, alerts)
            )
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseUnusable(f"{_shown(engine)}: {error.orig}. Is it a database of Tocsin?") from error
    if not current:
        engine.dispose()
        raise DatabaseUnusable(
            f"{_shown(engine)} is of another version of Tocsin; `tocsin run` brings an older one up to date"
        )
    return engine


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _versions(package: ModuleType) -> Path:
    return Path(str(package.__file__)).parent / "migrations"


def _prepare_to_read(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA query_only = ON")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = (
        None  # we say BEGIN ourselves; sqlite3 would begin late and only for some statements
    )
    run = connection.execute
    run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    run("PRAGMA foreign_keys = ON")
    if sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM:
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
    else:
        run("PRAGMA journal_mode = DELETE")
        run(
            "PRAGMA synchronous = EXTRA"
        )  # the directory is synced too, else a power cut brings the journal back


def _begin(connection: Connection) -> None:
    """Writers queue up at BEGIN, where they can wait, not at their first write, where SQLite would refuse
    them. What says of itself that it only reads does not queue.
    """
    reads = connection.get_execution_options().get("only_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _migrate(engine: Engine, package: str, versions: Path) -> None:
    """Each package owns its tables, so each has its own line of migrations and its own mark."""
    mark = f"schema_of_{package}"
    with engine.begin() as connection:
        if _stands_at(connection, mark) != _head(versions):
            _upgrade(connection, mark, versions)


def _stands_at(connection: Connection, mark: str) -> str | None:
    if not inspect(connection).has_table(mark):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {mark}"))  # noqa: S608  a name of ours
    return found


def _head(versions: Path) -> str:
    """The newest migration: numbers rise with every one, and its file's name begins with its own."""
    newest = max(path.stem for path in versions.glob("*_[0-9][0-9][0-9][0-9]_*.py"))
    return "_".join(newest.split("_")[:2])


def _upgrade(connection: Connection, mark: str, versions: Path) -> None:
    # Alembic takes longer to import than the daemon to start, and is needed once a release
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    settings.set_main_option("version_locations", str(versions).replace("%", "%%"))
    settings.set_main_option("path_separator", "newline")
    settings.attributes["version_table"] = mark
    settings.attributes["connection"] = connection
    try:
        command.upgrade(settings, "head")
    except CommandError as error:
        raise DatabaseUnusable(f"the database was made by a newer Tocsin: {error}") from error
