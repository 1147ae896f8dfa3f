"""What all commands have in common: options, exit codes, the words of an error, how something is printed.

Not here: the commands (`scheduler.commands`), the application made of them (`scheduler.cli`).
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec
from uuid import uuid4

import typer
from rich.console import Console
from sqlalchemy import Connection, Engine

import config
from alerts import ledger
from alerts.evaluation import CorpusError
from alerts.query import QueryError
from alerts.watches import Watch
from config.reading import ConfigError, duration
from scheduler import logs
from scheduler.clock import utc_now
from scheduler.database import DatabaseUnusable, database_url, open_database, open_to_read
from scheduler.settings import Settings
from scheduler.sole import AlreadyRunning

P = ParamSpec("P")


class Exit(IntEnum):
    """Exit codes, as promised in docs/contract.md."""

    FINE = 0
    UNEXPECTED = 1
    USAGE = 2  # or configuration
    SOMETHING_FAILED = 3  # done, but something failed that the output names
    ALREADY_RUNNING = 4
    INTERRUPTED = 130


def _default_config() -> Path:
    """`config/` of the checkout we stand in, else the one that was installed with us."""
    here = Path("config")
    return here if (here / "sources.yaml").is_file() else Path(str(config.__file__)).parent


def _default_data() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "tocsin"


ConfigDir = Annotated[
    Path,
    typer.Option(
        "--config", envvar="TOCSIN_CONFIG", default_factory=_default_config, help="The four YAML files."
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        "--data", envvar="TOCSIN_DATA", default_factory=_default_data, help="Where the memory lies."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
LogFormat = Annotated[
    logs.Form, typer.Option("--log-format", envvar="TOCSIN_LOG_FORMAT", help="text or json")
]
LogLevel = Annotated[
    logs.Level, typer.Option("--log-level", envvar="TOCSIN_LOG_LEVEL", help="debug, info, warning, error")
]


def stop(code: Exit, message: str) -> NoReturn:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(code)


def command(function: Callable[P, None]) -> Callable[P, None]:
    """What may go wrong in any command, said in one line with the exit code that was promised for it."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except (ConfigError, QueryError, CorpusError) as error:
            stop(Exit.USAGE, str(error))
        except AlreadyRunning as error:
            stop(Exit.ALREADY_RUNNING, str(error))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has seen enough
        except (DatabaseUnusable, OSError) as error:
            stop(Exit.UNEXPECTED, str(error))
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None

    return guarded


def url_of(data: Path) -> str:
    """The address of the database a command works on."""
    return database_url(data, os.environ.get("TOCSIN_DATABASE_URL"))


@contextmanager
def database_of(data: Path) -> Iterator[Engine]:
    """The database a command works on; closed with the block."""
    if not os.environ.get("TOCSIN_DATABASE_URL"):
        data.mkdir(parents=True, exist_ok=True)
    yield from _closed(open_database(url_of(data)))


@contextmanager
def database_to_read(data: Path) -> Iterator[Engine]:
    """The same for a command that only looks: it makes no database, and holds up nobody."""
    yield from _closed(open_to_read(url_of(data)))


def _closed(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1, default=plain))


def plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def console() -> Console:
    """Plain text where it is no terminal or NO_COLOR is set.

    What comes from outside is never read as markup.
    """
    terminal = Console(highlight=False, soft_wrap=True)
    return terminal if terminal.is_terminal else Console(highlight=False, soft_wrap=True, width=200)


def put_on_record(connection: Connection, what: str, value: str, said: str, author: str) -> None:
    """Something was turned at the command line; with it in one transaction."""
    envelope = f"command-{uuid4().hex}"
    ledger.note_deed(connection, envelope, utc_now(), actor=author, what=what, value=value, said=said)


def length(option: str, given: str) -> timedelta:
    """A length of time as a person writes it: 24h, 30d."""
    try:
        return duration(given)
    except ValueError as error:
        stop(Exit.USAGE, f"{option}: {error}")


def watch_named(settings: Settings, named: str | None) -> Watch:
    watches = {watch.id: watch for watch in settings.watches.watches}
    if named is None:
        return next(iter(watches.values()))
    if named not in watches:
        stop(Exit.USAGE, f"--watch {named}: no such watch; there are: {', '.join(watches)}")
    return watches[named]
