"""`tocsin sources`: the sources and their health.

Not here: how they stand (`scheduler.status`), the trial fetch (`scheduler.online`).
"""

import asyncio
import os
from enum import StrEnum
from collections import Counter
from typing import Annotated, Any

import typer
from rich.table import Table

from crawler.packs import Use
from crawler.sources import Source, SourceId
from scheduler import logs, status
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
