"""One daemon for each data directory and each database: the others are told who holds it.

Lives here: the two locks. Not here: what the daemon does (`daemon`).
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text


class AlreadyRunning(Exception):
    """Another daemon holds the data directory."""


@contextlib.contextmanager
def sole_instance(data: Path) -> Iterator[None]:
    """Holds the data directory as long as the block runs.

    The kernel lets go of it when we die, however we die.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"another daemon (process {lock.read().strip() or '?'}) holds {data}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextlib.contextmanager
def sole_daemon_of(engine: Engine) -> Iterator[None]:
    """Holds a PostgreSQL database as long as the block runs: two data directories may name the same one.

    A SQLite database lies in its data directory, and whoever holds that holds it too.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection:
        held = connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(current_schema() || '/tocsin'))"))
        connection.commit()
        if not held:
            shown = engine.url.render_as_string(hide_password=True)
            raise AlreadyRunning(f"another daemon holds {shown}")
        yield
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
