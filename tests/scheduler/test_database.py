"""The database: what migrations make is what the notebooks expect, and what was committed stays."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from alerts import ledger, outbox
from alerts.silences import Aim
from config.reading import ConfigError
from crawler import archive
from scheduler import database
from scheduler.database import DatabaseUnusable, open_database, open_to_read
from tests.builders import NOW


def test_the_migrations_make_the_tables_the_notebooks_use(engine: Engine) -> None:
    wanted = MetaData()
    for owner in (archive.tables, ledger.tables, outbox.tables):
        for table in owner.tables.values():
            table.to_metadata(wanted)
    ours = {"include_object": lambda _o, name, kind, *_: kind != "table" or not name.startswith("schema_of_")}
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=ours), wanted)
    assert differences == []


def test_opening_twice_changes_nothing(database_url: str) -> None:
    for _ in range(2):
        open_database(database_url).dispose()


def test_a_database_of_a_newer_version_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_of_alerts SET version_num = 'alerts_9999'"))
    with pytest.raises(DatabaseUnusable, match="newer Tocsin"):
        open_database(engine.url.render_as_string(hide_password=False))


@pytest.mark.parametrize(
    ("version", "journal", "synchronous"), [((3, 51, 2), "delete", 3), ((3, 51, 3), "wal", 2)]
)
def test_sqlite_syncs_every_commit_and_shuns_a_wal_that_may_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], journal: str, synchronous: int
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    engine = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == journal
        assert connection.scalar(text("PRAGMA synchronous")) == synchronous
    engine.dispose()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(DatabaseUnusable, match=r"x\.db: file is not a database"):
        open_database(f"sqlite:///{tmp_path / 'x.db'}")


def test_a_directory_one_may_not_write_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="unable to open"):
        open_database(f"sqlite:///{tmp_path / 'missing' / 'x.db'}")


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        open_database("postgresql+psycopg://someone:hush@127.0.0.1:1/none")
    assert "hush" not in str(refused.value)


def test_an_address_that_is_none_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="TOCSIN_DATABASE_URL: not a database URL"):
        database.database_url(Path(), "nonsense")


def test_a_plain_postgresql_address_gets_the_driver_we_ship() -> None:
    found = database.database_url(Path(), "postgresql://me:secret@db/news")
    assert found == "postgresql+psycopg://me:secret@db/news"


def test_a_database_opened_to_read_is_not_written(engine: Engine, database_url: str) -> None:
    reading = open_to_read(database_url)
    with reading.connect() as connection:
        assert archive.counts(connection)["articles"] == 0
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), reading.begin() as connection:
        ledger.add_silence(connection, Aim.WATCH, "pact", NOW, NOW, "ann", "")
    reading.dispose()


def test_who_reads_holds_up_no_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    writing, reading = open_database(url), open_to_read(url)
    with writing.begin() as writer, reading.connect() as reader:
        ledger.add_silence(writer, Aim.WATCH, "pact", NOW, NOW, "ann", "")
        assert ledger.list_silences(reader, NOW, ended=True) == []
    for one in (writing, reading):
        one.dispose()


def test_to_read_no_database_is_made_and_no_schema_changed(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(DatabaseUnusable, match="no database yet"):
        open_to_read(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_of_alerts SET version_num = 'alerts_0000'"))
    with pytest.raises(DatabaseUnusable, match="another version"):
        open_to_read(engine.url.render_as_string(hide_password=False))


@pytest.mark.parametrize(("package", "owned"), [("crawler", "articles"), ("alerts", "matches")])
def test_every_migration_can_be_taken_back_and_made_again(engine: Engine, package: str, owned: str) -> None:
    versions = Path(__file__).resolve().parents[2] / package / "migrations"
    with engine.begin() as connection:
        settings = Config()
        settings.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
        settings.set_main_option("version_locations", str(versions))
        settings.set_main_option("path_separator", "newline")
        settings.attributes.update(version_table=f"schema_of_{package}", connection=connection)
        command.downgrade(settings, "base")
        assert owned not in inspect(connection).get_table_names()
        command.upgrade(settings, "head")
    test_the_migrations_make_the_tables_the_notebooks_use(engine)


@pytest.mark.parametrize("package", ["crawler", "alerts"])
def test_migrations_are_numbered_in_the_order_they_stand_in_and_the_last_is_the_newest(package: str) -> None:
    versions = Path(__file__).resolve().parents[2] / package / "migrations"
    settings = Config()
    settings.set_main_option("script_location", str(versions))
    settings.set_main_option("version_locations", str(versions))
    settings.set_main_option("path_separator", "newline")
    migrations = ScriptDirectory.from_config(settings)
    standing = [Path(one.path).name for one in reversed(list(migrations.walk_revisions()))]
    assert standing == sorted(path.name for path in versions.glob("*.py"))
    assert all(Path(one.path).name.startswith(f"{one.revision}_") for one in migrations.walk_revisions())
    assert migrations.get_heads() == [database._head(versions)]
