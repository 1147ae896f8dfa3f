"""`tocsin mark`: what a person says of an article for a watch.

Not here: what follows for the rules (`scheduler.golden`), the value (`alerts.marks`), its table
(`alerts.ledger`).
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Connection

from alerts import ledger
from alerts.evaluation import LabelledItem
from alerts.marks import UNANNOUNCED, Judgement, Mark, Tally, ruled
from crawler import archive
from crawler.articles import Article
from crawler.urls import canonical
from scheduler import rulebooks
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
    plain,
    print_json,
    put_on_record,
    stop,
    watch_named,
)

app = typer.Typer(no_args_is_help=True, help="Teaching by example: which articles are relevant.")

WatchId = Annotated[str | None, typer.Option("--watch", help="Default: the first watch.")]


def _judgement(word: str) -> Judgement:
    try:
        return Judgement(word.replace("-", "_"))
    except ValueError:
        known = ", ".join(one.value.replace("_", "-") for one in Judgement)
        stop(Exit.USAGE, f"{word!r} is none of {known}")


@app.command("add")
@command
def add_mark(
    what: Annotated[str, typer.Argument(metavar="URL-or-ID", help="Address or number of an article.")],
    word: Annotated[
        str,
        typer.Argument(metavar="JUDGEMENT", help="relevant, not-relevant or should-have-alerted."),
    ],
    config_dir: ConfigDir,
    data: DataDir,
    watch: WatchId = None,
    author: Annotated[str, typer.Option("--author", envvar="USER", help="Who says so.")] = "unknown",
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    title: Annotated[
        str | None, typer.Option("--title", help="Its headline, if no source announced it.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="FILE|-", help="Its text, if no source announced it.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="Of --title and --text.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say that an article is relevant for a watch, is not, or should have alerted."""
    settings = load(config_dir, os.environ)
    judgement, chosen = _judgement(word), watch_named(settings, watch)
    given = None
    if title is not None or text is not None:
        given = _given(what, title or "", _read(text), language)
    matcher = rulebooks.rulebook(settings).matcher
    with database_of(data) as engine, engine.begin() as connection:
        article = _article(connection, settings, what, given)
        ruling = ruled(article, matcher, chosen.id)
        mark, before = ledger.keep_mark(
            connection, chosen.id, article, judgement, ruling, author, comment, utc_now()
        )
        put_on_record(
            connection, judgement.value, what[:200], f"Marked {_said(judgement)} by {author}.", author
        )
    if as_json:
        print_json({**mark.to_json(), "replaced": before})
    else:
        typer.echo(f"{_line(mark)}{f'; it was marked {_said(before)}' if before else ''}")


def _read(text: str | None) -> str:
    if text is None:
        return ""
    return sys.stdin.read() if text == "-" else Path(text).read_text(encoding="utf-8")


def _article(connection: Connection, settings: Settings, what: str, given: Article | None) -> Article:
    found = archive.find(connection, settings.sources, what)
    if len(found) > 1:
        ids = ", ".join(str(article.id) for article in found)
        stop(Exit.USAGE, f"several articles are known by {what}; mark one of them by its number: {ids}")
    if found and given:
        stop(Exit.USAGE, f"{what} is in the archive: --title and --text are for what no source announced")
    article = found[0] if found else given
    if article is None:
        hint = "" if what.isdecimal() else "; with --title or --text (and --language) it can be marked"
        stop(Exit.USAGE, f"no source announced {what}{hint}")
    return article


def _given(what: str, title: str, text: str, language: str | None) -> Article:
    """A page that no source announced, as its reader gives it."""
    url = canonical(what)
    if url is None:
        stop(Exit.USAGE, f"{what} is no address; --title and --text are for a page that no source announced")
    if not (title.strip() or text.strip()):
        stop(Exit.USAGE, "--title and --text are empty")
    item = LabelledItem(
        id="", label="positive", language=language or "und", title=title.strip(), lead="", text=text.strip(),
        url=url, link=what, source=UNANNOUNCED,
    )  # fmt: skip
    return item.article()


@app.command("list")
@command
def list_marks(
    data: DataDir,
    watch: Annotated[str | None, typer.Option("--watch", help="Default: all watches.")] = None,
    by_rule: Annotated[
        bool, typer.Option("--by-rule", help="How often each version of a rule was right.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The marks, or how often each version of a rule was right."""
    with database_of(data) as engine, engine.connect() as connection:
        if by_rule:
            _print_tallies(ledger.marks_by_version(connection, watch), as_json)
        else:
            _print_marks(ledger.list_marks(connection, watch), as_json)


def _print_marks(kept: Sequence[Mark], as_json: bool) -> None:
    if as_json:
        print_json([mark.to_json() for mark in kept])
        return
    for mark in kept:
        typer.echo(_line(mark))


def _line(mark: Mark) -> str:
    of = f", told by {mark.rule} {mark.version or ''}".rstrip() if mark.rule else ""
    said = f"{_said(mark.judgement)} for {mark.watch} by {mark.author}{of}; now {mark.ruling}"
    comment = f"  {mark.comment}" if mark.comment else ""
    return f"{mark.id}  {said}  {mark.item.title or mark.item.url or ''}{comment}"


def _said(judgement: Judgement) -> str:
    return judgement.value.replace("_", " ")


def _print_tallies(tallies: Sequence[Tally], as_json: bool) -> None:
    if as_json:
        print_json([tally.to_json() for tally in tallies])
        return
    table = Table("watch", "rule", "version", "relevant", "not relevant", "precision", "missed", box=None)
    for tally in tallies:
        precision = "" if tally.precision is None else f"{tally.precision:.2f}"
        counts = (str(tally.relevant), str(tally.not_relevant), precision, str(tally.should_have_alerted))
        table.add_row(tally.watch, tally.rule or "–", tally.version or "–", *counts)
    console().print(table)


@app.command("remove")
@command
def remove_mark(
    number: int,
    data: DataDir,
    author: Annotated[str, typer.Option("--author", envvar="USER", help="Who takes it back.")] = "unknown",
) -> None:
    """Take a mark back."""
    with database_of(data) as engine, engine.begin() as connection:
        removed = ledger.remove_mark(connection, number)
        if removed:
            put_on_record(connection, "unmark", str(number), f"Mark {number} taken back.", author)
    if not removed:
        stop(Exit.USAGE, f"there is no mark {number}; `tocsin mark list` shows them")


@app.command("export")
@command
def export_marks(config_dir: ConfigDir, data: DataDir, watch: WatchId = None) -> None:
    """The marks of a watch as a labelled corpus: JSON Lines, as `tocsin evaluate` reads them."""
    chosen = watch_named(load(config_dir, os.environ), watch)
    with database_of(data) as engine, engine.connect() as connection:
        for mark in ledger.list_marks(connection, chosen.id):
            typer.echo(json.dumps(mark.to_corpus(), ensure_ascii=False, default=plain))
