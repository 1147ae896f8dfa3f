"""`tocsin search` and `tocsin try`: a query of the moment, against the archive or a text.

Not here: the query language (`alerts.query`), the search (`alerts.search`), what a query would have told
(`alerts.trial`).
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from alerts.alerting import Action
from alerts.matching import Matcher
from alerts.query import Members, parse
from alerts.search import Hit, search
from alerts.trial import Trial, try_out
from alerts.watches import trial
from crawler.articles import Article
from crawler.sources import SourceId
from scheduler import logs, rulebooks
from scheduler.clock import utc_now
from scheduler.settings import Settings, load
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    database_to_read,
    length,
    plain,
    print_json,
    stop,
)

SHOWN = 20  # stories of a trial in a terminal; --json has all

Query = Annotated[str, typer.Argument(help="As in watches.yaml; @sets of the configuration may be used.")]

app = typer.Typer()


@app.command("search")
@command
def search_archive(
    query: Query,
    config_dir: ConfigDir,
    data: DataDir,
    since: Annotated[str, typer.Option("--since", help="How far back, for example 30d.")] = "7d",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines on stdout, nothing else.")] = False,
) -> None:
    """The archive, in the language of the rules; the newest first."""
    settings = _settings(config_dir, query)
    begin = utc_now() - length("--since", since)
    with database_to_read(data) as engine:
        found = search(engine, rulebooks.rulebook(settings), query, begin, limit)
    for hit in found.hits:
        typer.echo(json.dumps(hit.to_json(), ensure_ascii=False, default=plain) if as_json else _shown(hit))
    more = f"; there are more, see --limit {limit}" if found.more else f" of {found.articles}"
    articles = f"{len(found.hits)} article{'' if len(found.hits) == 1 else 's'}"
    typer.echo(f"{articles}{more}, seen since {begin:%Y-%m-%d %H:%M} UTC", err=True)


def _shown(hit: Hit) -> str:
    article, sentence = hit.article, hit.match.sentence
    by = f"{article.source} ({article.language or '?'})"
    head = f"{article.seen:%Y-%m-%d %H:%M}  {article.id}  {by}  {article.title or '(no headline)'}"
    said = [f"    {sentence.text}"] if sentence else []
    return "\n".join([head, f"    {article.link or 'no link'}", *said])


@app.command("try")
@command
def try_query(
    query: Query,
    config_dir: ConfigDir,
    data: DataDir,
    file: Annotated[
        str,
        typer.Argument(
            metavar="[FILE|-]", help="The text; a first line followed by an empty one is its title."
        ),
    ] = "-",
    since: Annotated[
        str | None, typer.Option("--since", help="Instead of a text the archive, so far back: 7d.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A query against a text, or against the last days: what matches, and how often would it ring?"""
    settings = _settings(config_dir, query)
    if since is not None:
        if file != "-":
            stop(Exit.USAGE, "--since asks the archive, FILE is a text: one of them")
        matched = _try_on_the_past(settings, query, data, since, as_json)
    else:
        matched = _try_on_a_text(query, settings.watches.members(), file, as_json)
    if not matched:
        raise typer.Exit(Exit.SOMETHING_FAILED)


def _settings(config_dir: Path, query: str) -> Settings:
    """The configuration; what is allowed in the query and probably not meant is said."""
    logs.configure("text", "error", ())
    settings = load(config_dir, os.environ)
    for warning in parse(query, settings.watches.members()).warnings:
        typer.echo(f"warning: {warning.code} {warning.message}", err=True)
    return settings


def _try_on_a_text(query: str, sets: dict[str, Members], file: str, as_json: bool) -> bool:
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    watch = trial(query, sets)
    explained = Matcher([watch], sets).explain(_article(text), watch.id)
    if as_json:
        print_json(explained.to_json())
    else:
        typer.echo("match" if explained.match else "no match")
        typer.echo("\n".join(explained.lines()))
    return explained.match is not None


def _article(text: str) -> Article:
    head, parted, rest = text.partition("\n\n")
    title, body = (head, rest) if parted and "\n" not in head.strip() else ("", text)
    return Article(
        id=0,
        revision=0,
        number=1,
        url=None,
        link=None,
        title=title.strip(),
        text=body.strip(),
        language=None,
        author=None,
        tags=(),
        source=SourceId("try"),
        source_name="try",
        publisher="press",
        tier=2,
        published=None,
        seen=utc_now(),
        baseline=False,
    )


def _try_on_the_past(settings: Settings, query: str, data: Path, since: str, as_json: bool) -> bool:
    now = utc_now()
    with database_to_read(data) as engine:
        done = try_out(engine, rulebooks.rulebook(settings), query, now - length("--since", since), now)
    if as_json:
        print_json(done.to_json())
    else:
        typer.echo("\n".join(_trial_lines(done)))
    return bool(done.matches)


def _trial_lines(done: Trial) -> Iterator[str]:
    yield done.summary
    yield from (f"  {day}  {count:5}" for day, count in sorted(done.matches.items()))
    for one in done.stories[:SHOWN]:
        quiet = "" if one.action is Action.TELL else f"  ({one.reason.value})"
        yield f"  {one.at:%m-%d %H:%M}  {one.article.source}  {one.article.title[:100]}{quiet}"
    if len(done.stories) > SHOWN:
        yield f"  … {len(done.stories) - SHOWN} more; --json has all"
