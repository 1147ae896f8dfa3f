"""`tocsin silence`: what stays quiet, until when, by whom, and what that held.

Not here: whether one applies (`alerts.silences`), its table (`alerts.ledger`), its end (`alerts.wind_up`).
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from alerts import ledger
from alerts.ledger import Quieted
from alerts.silences import Aim, Condition, Silence, misnamed
from crawler import archive
from scheduler.clock import utc_now
from scheduler.settings import Settings, load
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    database_of,
    database_to_read,
    length,
    print_json,
    put_on_record,
    stop,
)

app = typer.Typer(no_args_is_help=True, help="What stays quiet, until when, by whom.")

DEFAULT = timedelta(hours=24)


@app.command("add")
@command
def add_silence(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="AIM VALUE [AIM VALUE]...",
            help=f"What to look at ({', '.join(Aim)}), and which one. Of several pairs all must hold.",
            show_default=False,
        ),
    ],
    config_dir: ConfigDir,
    data: DataDir,
    begin: Annotated[
        str | None, typer.Option("--from", help='From when on, for example "2026-12-01 09:00" (UTC).')
    ] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", help="How long, for example 2h or 7d; 24h if nothing is said.")
    ] = None,
    end: Annotated[str | None, typer.Option("--until", help="Until when, written like --from.")] = None,
    author: Annotated[str, typer.Option("--author", envvar="USER", help="Who asks for it.")] = "unknown",
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep something quiet for a while. What it holds stays on record and is said in a message at its end."""
    settings = load(config_dir, os.environ)
    first, *also = _conditions(words, settings)
    starts_at, ends_at = _span(begin, lasting, end, utc_now())
    with database_of(data) as engine, engine.begin() as connection:
        silence = ledger.add_silence(connection, *first, starts_at, ends_at, author, comment, also)
        said = f"Silenced {silence.about} until {ends_at:%Y-%m-%d %H:%M} UTC by {author}."
        put_on_record(connection, "silence", silence.about, said, author)
        _print_silences(connection, [silence], as_json)


@app.command("list")
@command
def list_silences(
    data: DataDir,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """The silences in force, and those to come."""
    with database_of(data) as engine, engine.connect() as connection:
        _print_silences(connection, ledger.list_silences(connection, utc_now(), ended=every), as_json)


@app.command("show")
@command
def show_silence(number: int, data: DataDir, as_json: AsJson = False) -> None:
    """A silence, and what it held."""
    with database_to_read(data) as engine, engine.connect() as connection:
        silence = ledger.silence_of(connection, number)
        if silence is None:
            stop(Exit.USAGE, f"no silence {number}; `tocsin silence list --all` shows them")
        stories = _stories(connection, number)
        if as_json:
            held = ledger.quieted(connection)
            print_json({**_document(silence, held), "stories": stories})
            return
        _print_silences(connection, [silence], as_json)
    for story in stories:
        typer.echo(f"  {story['story']}  {story['watch']}")
        for one in story["articles"]:
            typer.echo(
                f"    {one['at']:%Y-%m-%d %H:%M}  {one['title']} ({one['source']}, rule {one['rule']})"
            )
            typer.echo(f"      {one['link'] or 'no address'}")


@app.command("remove")
@command
def remove_silence(
    number: int,
    data: DataDir,
    author: Annotated[str, typer.Option("--author", envvar="USER", help="Who ends it.")] = "unknown",
) -> None:
    """End a silence now. What it held is said, as at its end."""
    with database_of(data) as engine, engine.begin() as connection:
        ended = ledger.end_silence(connection, number, utc_now())
        if ended:
            put_on_record(connection, "end_silence", str(number), f"Silence {number} ended.", author)
    if not ended:
        stop(Exit.USAGE, f"no silence {number} in force; `tocsin silence list` shows them")


# ---- what was asked for


def _conditions(words: Sequence[str], settings: Settings) -> list[Condition]:
    if len(words) % 2:
        stop(Exit.USAGE, f"{words[-1]}: an AIM needs a VALUE; AIM is one of: {', '.join(Aim)}")
    if stranger := next((aim for aim in words[::2] if aim not in set(Aim)), None):
        stop(Exit.USAGE, f"{stranger}: not something a silence can look at; it can at: {', '.join(Aim)}")
    found = [Condition(Aim(aim), value) for aim, value in zip(words[::2], words[1::2], strict=True)]
    if unknown := misnamed(found, settings.watches.watches, settings.sources):
        stop(Exit.USAGE, unknown)
    return found


def _span(
    begin: str | None, lasting: str | None, end: str | None, now: datetime
) -> tuple[datetime, datetime]:
    if lasting is not None and end is not None:
        stop(Exit.USAGE, "--for and --until say the same; give one of them")
    starts_at = _moment("--from", begin) if begin else now
    length_ = length("--for", lasting) if lasting else DEFAULT
    ends_at = _moment("--until", end) if end else starts_at + length_
    if ends_at <= max(starts_at, now):
        stop(Exit.USAGE, f"it would end at {ends_at:%Y-%m-%d %H:%M} UTC, before it holds anything")
    return starts_at, ends_at


def _moment(option: str, given: str) -> datetime:
    """By our clock, which is UTC, unless it names its own."""
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        stop(Exit.USAGE, f'{option} {given}: expected a time such as "2026-12-01 09:00" (UTC)')
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# ---- how it is shown


def _print_silences(connection: Connection, silences: Sequence[Silence], as_json: bool) -> None:
    held = ledger.quieted(connection)
    if as_json:
        print_json([_document(silence, held) for silence in silences])
        return
    for s in silences:
        much = held.get(s.id, Quieted())
        span = f"{s.starts_at:%Y-%m-%d %H:%M} to {s.ends_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{s.id}  {s.about}  {span}, by {s.author}  held {much}  {s.comment}".rstrip())


def _document(silence: Silence, held: Mapping[int, Quieted]) -> dict[str, Any]:
    """`aim` and `value` are those of the first condition."""
    much = held.get(silence.id, Quieted())
    return {
        "id": silence.id,
        **silence.conditions[0]._asdict(),
        "conditions": [one._asdict() for one in silence.conditions],
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "author": silence.author,
        "comment": silence.comment,
        "held": much.articles,
        "held_stories": much.stories,
        "told_at": silence.told_at,
    }


def _stories(connection: Connection, silence: int) -> list[dict[str, Any]]:
    """What a silence held, story by story, the first first."""
    rows = ledger.silenced(connection, silence)
    articles = archive.with_ids(connection, {}, {row.article for row in rows})
    stories: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for row in rows:
        known = articles.get(row.article)
        stories.setdefault((row.story, row.watch), {})[row.article] = {
            "article": row.article,
            "at": row.at,
            "title": known.title if known else "",
            "link": known.link if known else None,
            "source": row.source,
            "rule": row.rule,
        }
    return [
        {"story": story, "watch": watch, "articles": list(held.values())}
        for (story, watch), held in stories.items()
    ]
