"""`tocsin stories`: how articles are grouped into stories, and what a person corrects of it.

Not here: the grouping (`alerts.stories`, `alerts.likeness`), its tables (`alerts.ledger`), what follows
from a correction (`alerts.regrouping`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy import Connection, Row

from alerts import ledger, regrouping
from alerts.likeness import Likeness
from alerts.timeline import Chapter, Timeline, counted, timeline
from scheduler import rulebooks
from scheduler.clock import utc_now
from scheduler.settings import load
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    database_of,
    print_json,
    put_on_record,
    stop,
)

app = typer.Typer(invoke_without_command=True, help="Articles on one event.")

Author = Annotated[str, typer.Option("--author", envvar="USER", help="Who corrects it.")]
Story = Annotated[str, typer.Argument(metavar="STORY", help="As `tocsin stories` shows it: s…")]


@app.callback()
def stories_default(context: typer.Context, data: DataDir, as_json: AsJson = False) -> None:
    """Articles on one event; without a command, the list."""
    if context.invoked_subcommand is None:
        list_stories(data, as_json=as_json)


@app.command("list")
@command
def list_stories(
    data: DataDir,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The latest stories: articles, origins, alerts."""
    with database_of(data) as engine, engine.connect() as connection:
        rows = [_listed(row) for row in ledger.recent_stories(connection, limit)]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        texts = counted(row["origins"], row["articles"])
        typer.echo(
            f"{row['id']}  {row['first']:%Y-%m-%d %H:%M} – {row['last']:%m-%d %H:%M}  {texts}, "
            f"{row['alerts']} alert{'s' if row['alerts'] != 1 else ''}  {row['title'][:80]}"
        )


def _listed(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "first": row.first_at,
        "last": row.last_at,
        "follows": row.follows,
        "articles": row.articles,
        "origins": row.origins,
        "alerts": row.alerts,
    }


@app.command("show")
@command
def show_story(story: Story, data: DataDir, as_json: AsJson = False) -> None:
    """A story article by article: by what each joined, and which other stories it nearly joined."""
    with database_of(data) as engine, engine.connect() as connection:
        found = timeline(connection, {}, story)
    if found is None:
        _unknown(story)
    if as_json:
        print_json(found.to_json())
    else:
        typer.echo("\n".join(_lines(found)))


def _unknown(story: str) -> NoReturn:
    stop(Exit.USAGE, f"there is no story {story}; `tocsin stories list` shows them")


def _lines(found: Timeline) -> Iterator[str]:
    yield f"{found.id}  {found.title}"
    yield f"  {counted(found.origins, len(found.chapters))}"
    if found.follows:
        yield f"  goes on with {found.follows}"
    for one in found.chapters:
        yield from _chapter_lines(one, found.told.get(one.number))
    for c in found.corrections:
        yield f"  {c.at:%Y-%m-%d %H:%M}  {c.kind} {c.story} {c.other}, by {c.author}"


def _chapter_lines(one: Chapter, told: str | None) -> Iterator[str]:
    known = one.article
    by = f"{known.source} ({known.language or '?'})  {known.title[:80]}" if known else "? (?)  ?"
    yield f"  {one.at:%Y-%m-%d %H:%M}  {one.number}  {by}"
    copied = f", a copy of {one.copy_of}" if one.copy_of else ""
    alert = f", told for {told}" if told else ""
    yield f"      joined by: {one.tie.replace('_', ' ')}{copied}{alert}"
    if one.likeness:
        likeness = Likeness.from_json(one.likeness)
        yield f"      {likeness.score:+.2f}: {likeness}"
    for near in one.nearly:
        likeness = Likeness.from_json(near)
        yield f"      nearly joined {near['story']}: {likeness.score:+.2f}: {likeness}"


@app.command("merge")
@command
def merge(
    story: Story,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The story that goes into it.")],
    config_dir: ConfigDir,
    data: DataDir,
    author: Author = "unknown",
) -> None:
    """Two stories are one event. What was told of either counts as told; it is remembered who said so.

    Where both were told, the thread of the later one says that it goes on in the earlier.
    """
    now = utc_now()
    rulebook = rulebooks.rulebook(load(config_dir, os.environ))
    with _correcting(data) as connection:
        kept = regrouping.merge(connection, rulebook, story, other, author, now)
        said = f"{other} is one story with {kept}"
        put_on_record(connection, "merge", f"{kept} {other}", said, author)
    typer.echo(kept)


@app.command("split")
@command
def split(
    story: Story,
    articles: Annotated[list[int], typer.Argument(metavar="ARTICLE…", help="Numbers, as `show` has them.")],
    config_dir: ConfigDir,
    data: DataDir,
    author: Author = "unknown",
) -> None:
    """These articles are another event: a story of their own, which rings as if it had come alone.

    Likeness never makes the two one again. The story keeps what was told of it: if that is one of these
    articles, all others are in the new story.
    """
    now = utc_now()
    rulebook = rulebooks.rulebook(load(config_dir, os.environ))
    with _correcting(data) as connection:
        new = regrouping.split(connection, rulebook, story, articles, author, now)
        value = f"{story} {' '.join(map(str, articles))}"
        put_on_record(connection, "split", value, f"{new} was split off {story}", author)
    typer.echo(new)


@contextmanager
def _correcting(data: Path) -> Iterator[Connection]:
    """One transaction; nothing of it if the correction makes no sense."""
    try:
        with database_of(data) as engine, engine.begin() as connection:
            ledger.take_turns(connection)
            yield connection
    except regrouping.Impossible as error:
        hint = "; `tocsin stories list` shows them" if "there is no story" in str(error) else ""
        stop(Exit.USAGE, f"{error}{hint}")
