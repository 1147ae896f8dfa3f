"""`tocsin sources`: the sources and their health; theirs from and for other readers.

Not here: how they stand (`scheduler.status`), the trial fetch (`scheduler.online`), how a section
is spelled (`scheduler.sections`).
"""

import asyncio
import os
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from crawler.opml import MOST_BYTES, NotOpml, Subscriptions, read_opml, write_opml
from crawler.packs import Use
from crawler.sources import Source, SourceId
from scheduler import logs, sections, status
from scheduler.clock import utc_now
from scheduler.settings import Settings, load
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    console,
    database_of,
    print_json,
    stop,
)


class _Kind(StrEnum):
    """What can be read without keys of its own."""

    feed = "feed"
    sitemap = "sitemap"
    page = "page"


app = typer.Typer(no_args_is_help=False, invoke_without_command=True, help="The sources and their health.")


@app.callback()
def sources_default(
    context: typer.Context, config_dir: ConfigDir, data: DataDir, as_json: AsJson = False
) -> None:
    """The sources and their health; without a command, the list."""
    if context.invoked_subcommand is None:
        list_sources(config_dir, data, as_json)


@app.command("list")
@command
def list_sources(config_dir: ConfigDir, data: DataDir, as_json: AsJson = False) -> None:
    """Every source as it stands."""
    settings = load(config_dir, os.environ)
    with database_of(data) as engine, engine.connect() as connection:
        standing: dict[str, status.SourceStanding] = {
            s.id: s for s in status.picture(connection, settings.sources, utc_now()).sources
        }
    if as_json:
        print_json([_source_json(s, standing.get(s.id), settings) for s in settings.sources.values()])
        return
    table = Table("id", "kind", "language", "state", "last fetch", "new in 24 h", "what to do", box=None)
    for source in settings.sources.values():
        s = standing.get(source.id)
        state = (
            (f"{s.state} ({s.outcome})" if s.state == "failing" else s.state)
            if s
            else _unread(settings, source)
        )
        fetched = f"{s.fetched_at:%m-%d %H:%M:%S}" if s and s.fetched_at else ""
        table.add_row(
            source.id,
            source.kind,
            source.language or "",
            state,
            fetched,
            str(s.entries_24h) if s else "",
            (s.trouble if s.state == "silent" else s.advice) if s else "",
        )
    console().print(table)
    if settings.left_out:
        console().print(_left_out_line(settings))


def _unread(settings: Settings, source: Source) -> str:
    key = settings.left_out.get(SourceId(source.id))
    return "new" if source.enabled else f"off (use: {key})" if key else "off"


def _left_out_line(settings: Settings) -> str:
    counted = Counter(settings.left_out.values())
    by = ", ".join(f"{counted[key]} by {key}" for key in Use.model_fields if counted[key])
    return f"use: leaves out {len(settings.left_out)} of {len(settings.sources)} sources: {by}"


def _source_json(
    source: Source, standing: status.SourceStanding | None, settings: Settings
) -> dict[str, Any]:
    known = {
        name: getattr(source, name) for name in ("kind", "url", "language", "publisher", "tier", "enabled")
    }
    return {
        "id": source.id,
        "name": source.name,
        **known,
        "tags": list(source.tags),
        "left_out": settings.left_out.get(SourceId(source.id)),
        **(standing.to_json() if standing else {"state": "new" if source.enabled else "off"}),
    }


@app.command("show")
@command
def show_source(
    source_id: Annotated[str, typer.Argument(metavar="ID")],
    config_dir: ConfigDir,
    data: DataDir,
    as_json: AsJson = False,
) -> None:
    """One source: what is configured, how it stands, what it announced last."""
    settings = load(config_dir, os.environ)
    source = settings.sources.get(SourceId(source_id))
    if source is None:
        stop(Exit.USAGE, f"no source {source_id} in {config_dir / 'sources.yaml'}")
    with database_of(data) as engine, engine.connect() as connection:
        standing, entries = status.source_standing(connection, source, utc_now())
    document = _source_json(source, standing, settings) | {"latest": entries}
    if as_json:
        print_json(document)
    else:
        latest = document.pop("latest")
        typer.echo(
            "\n".join(f"{key:14} {value}" for key, value in document.items() if value not in (None, "", []))
        )
        typer.echo(
            "\n".join(
                f"  {entry['seen_at']:%Y-%m-%d %H:%M} {entry['title']} {entry['url'] or ''}"
                for entry in latest
            )
        )


@app.command("test")
@command
def fetch_source(
    url: Annotated[str, typer.Argument(metavar="URL-or-ID")],
    config_dir: ConfigDir,
    kind: Annotated[
        _Kind, typer.Option(help="What lies at the URL; of an ID its section says it.")
    ] = _Kind.feed,
    as_json: AsJson = False,
) -> None:
    """Fetch an address or a source once, as the daemon would, and show what it announces."""
    from scheduler import online  # noqa: PLC0415 - seconds of vendors that the list does not need

    logs.configure("text", "error", ())
    settings = load(config_dir, os.environ)
    known = settings.sources.get(SourceId(url))
    source = known or Source(id="test", name=url, kind=kind.value, url=url)
    source = source.model_copy(update={"id": "test", "articles": "never"})
    trial = asyncio.run(online.try_sources({SourceId("test"): source}, settings.daemon.network))["test"]
    found = {
        "outcome": trial.source.outcome,
        "detail": trial.source.detail,
        "advice": status.advice(trial.source.outcome),
        "entries": [{"title": e.title, "url": e.url, "published": e.published_at} for e in trial.entries],
    }
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['outcome']} {found['detail'] or ''} {found['advice']}".rstrip())
        typer.echo(
            "\n".join(
                f"  {e['published'] or 'no date'}  {e['title']}  {e['url'] or ''}" for e in found["entries"]
            )
        )
    if trial.source.failures:
        raise typer.Exit(Exit.SOMETHING_FAILED)


# ---- OPML


@app.command("import")
@command
def import_opml(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file; - is standard input.")],
    config_dir: ConfigDir,
    write: Annotated[bool, typer.Option("--write", help="Add them to sources.yaml.")] = False,
    as_json: AsJson = False,
) -> None:
    """The subscriptions of another reader as sections of sources.yaml: printed, or added to it."""
    settings = load(config_dir, os.environ)
    subscribed = _subscriptions(file)
    wanted = [sections.Wanted(f.name, f.url, "feed", f.language, f.folders) for f in subscribed.feeds]
    found = sections.sort_out(wanted, {s.id: s.url for s in settings.sources.values()})
    if write and found.new:
        sections.append(found.new, config_dir, os.environ)
    if as_json:
        print_json(_import_json(found, subscribed, written=write))
    else:
        if found.new and not write:
            typer.echo(sections.spelled(found.new), nl=False)
        _say_imported(found, subscribed, config_dir if write else None)
    if subscribed.left_out:
        raise typer.Exit(Exit.SOMETHING_FAILED)


def _subscriptions(file: Path) -> Subscriptions:
    try:
        stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
        with stream:
            return read_opml(stream.read(MOST_BYTES + 1))
    except NotOpml as error:
        stop(Exit.USAGE, f"{file} is no OPML: {error}")
    except OSError as error:
        stop(Exit.USAGE, f"{file} cannot be read: {error.strerror}")


def _import_json(found: sections.SortedOut, of: Subscriptions, *, written: bool) -> dict[str, Any]:
    return {
        "new": [_section_json(one) for one in found.new],
        "known": [{"id": key, "url": one.url} for one, key in found.known],
        "left_out": [{"name": one.name, "reason": one.reason} for one in of.left_out],
        "written": written and bool(found.new),
    }


def _section_json(section: sections.Section) -> dict[str, Any]:
    return {name: getattr(section, name) for name in ("id", "name", "kind", "url", "language", "tags")}


def _say_imported(found: sections.SortedOut, of: Subscriptions, written_to: Path | None) -> None:
    """On stderr: what is printed beside it can go straight into a file."""
    for one in of.left_out:
        typer.echo(f"left out: {one.name}: {one.reason}", err=True)
    typer.echo(
        f"{len(found.new)} new, {len(found.known)} there already, {len(of.left_out)} left out", err=True
    )
    if written_to and found.new:
        typer.echo(f"added to {written_to / sections.FILE}; `tocsin check`, then reload the daemon", err=True)


@app.command("export")
@command
def export_opml(
    config_dir: ConfigDir,
    by: Annotated[
        Literal["language", "tag"], typer.Option("--by", help="What makes a folder: language or tag.")
    ] = "language",
) -> None:
    """The feeds as OPML 2.0, for other readers."""
    settings = load(config_dir, os.environ)
    feeds, left_out = _exportable(settings)
    typer.echo(write_opml(feeds, utc_now(), by_tag=by == "tag"), nl=False)
    for source, reason in left_out:
        typer.echo(f"left out: {source.id}: {reason}", err=True)


def _exportable(settings: Settings) -> tuple[list[Source], list[tuple[Source, str]]]:
    """OPML knows feeds only; and a file that is passed on must not hold what the environment hides."""
    written = settings.documents["sources.yaml"].tree["sources"]
    as_written = {one["id"]: str(one["url"]) for one in written}
    feeds, left_out = [], []
    for source in settings.sources.values():
        if source.kind != "feed":
            left_out.append((source, f"it is no feed but {source.kind}"))
        elif "${" in as_written.get(source.id, "${"):
            left_out.append((source, "its address holds a value of the environment"))
        elif source.enabled:
            feeds.append(source)
    return feeds, left_out
