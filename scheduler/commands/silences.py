"""`tocsin silence`: what stays quiet, until when, by whom.

Not here: whether one applies (`alerts.silences`), its table (`alerts.ledger`).
"""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from alerts import ledger
from alerts.silences import Aim, Silence
from scheduler.clock import utc_now
from scheduler.settings import load
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    database_of,
    length,
    print_json,
    stop,
)

app = typer.Typer(no_args_is_help=True, help="What stays quiet, until when, by whom.")


@app.command("add")
@command
def add_silence(
    aim: Annotated[Aim, typer.Argument(help="What to look at.")],
    value: Annotated[str, typer.Argument(help="Which one: an id, a domain, a word.")],
    config_dir: ConfigDir,
    data: DataDir,
    lasting: Annotated[str, typer.Option("--for", help="How long, for example 2h or 7d.")] = "24h",
    author: Annotated[str, typer.Option("--author", envvar="USER", help="Who asks for it.")] = "unknown",
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep something quiet for a while. What it holds is counted and stays on record."""
    load(config_dir, os.environ)
    lasts = length("--for", lasting)
    now = utc_now()
    with database_of(data) as engine, engine.begin() as connection:
        silence = ledger.add_silence(connection, aim, value, now, now + lasts, author, comment)
    _print_silences([silence], as_json)


@app.command("list")
@command
def list_silences(
    data: DataDir,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """The silences in force."""
    with database_of(data) as engine, engine.connect() as connection:
        _print_silences(ledger.list_silences(connection, utc_now(), ended=every), as_json)


@app.command("remove")
@command
def remove_silence(number: int, data: DataDir) -> None:
    """End a silence now."""
    with database_of(data) as engine, engine.begin() as connection:
        ended = ledger.end_silence(connection, number, utc_now())
    if not ended:
        stop(Exit.USAGE, f"no silence {number} in force; `tocsin silence list` shows them")


def _print_silences(silences: Sequence[Silence], as_json: bool) -> None:
    if as_json:
        print_json([{name: getattr(s, name) for name in s.__slots__} for s in silences])
        return
    for s in silences:
        typer.echo(
            f"{s.id}  {s.aim} {s.value}  until {s.ends_at:%Y-%m-%d %H:%M} UTC, by {s.author}  "
            f"held {s.held}  {s.comment}".rstrip()
        )
