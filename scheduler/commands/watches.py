"""`tocsin watch`: the watches and their rules, and what they make of the past, on request.

Not here: what a rule says (`alerts.watches`), what is told after all (`alerts.catch_up`).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from alerts.catch_up import LONGEST, CaughtUp, Late, catch_up
from alerts.routes import Destination, Route
from alerts.watches import Rule, Watch
from scheduler import logs, rulebooks
from scheduler.clock import utc_now
from scheduler.settings import Settings, load
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
    watch_named,
)

app = typer.Typer()


@app.command("watch")
@command
def show_watches(
    config_dir: ConfigDir,
    data: DataDir,
    watch: Annotated[str | None, typer.Argument(metavar="[ID]", help="Default: all of them.")] = None,
    past: Annotated[
        str | None,
        typer.Option("--catch-up", metavar="24h", help="Tell what the rules find in the past (up to 31d)."),
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Catch up with this rule only.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be told, tell nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """The watches and their rules; with --catch-up they tell of the past what they have not told yet."""
    logs.configure("text", "error", ())
    settings = load(config_dir, os.environ)
    chosen = [watch_named(settings, watch)] if watch else list(settings.watches.watches)
    if past is None:
        if rule or dry_run:
            stop(Exit.USAGE, "--rule and --dry-run belong to --catch-up")
        _show(settings, chosen, as_json)
        return
    now = utc_now()
    since = _since(past, now)
    only = [_with_rule(one, rule) for one in chosen] if rule else chosen
    with database_of(data) as engine:
        book = rulebooks.rulebook(settings, only)
        done = catch_up(engine, book, since, now, dry_run=dry_run)
    _print_caught_up(done, since, dry_run, as_json)


def _since(past: str, now: datetime) -> datetime:
    lasts = length("--catch-up", past)
    if lasts > LONGEST:
        stop(Exit.USAGE, f"--catch-up {past}: at most {LONGEST.days}d; `tocsin backtest` looks further back")
    return now - lasts


def _with_rule(watch: Watch, rule: str) -> Watch:
    """The watch as if it had this rule alone: another that holds for the same article does not come first."""
    rules = tuple(one for one in watch.rules if one.id == rule)
    if not rules:
        there = ", ".join(one.id for one in watch.rules)
        stop(Exit.USAGE, f"--rule {rule}: watch {watch.id} has no such rule; there are: {there}")
    return watch.model_copy(update={"rules": rules})


# ---- the watches


def _show(settings: Settings, watches: Sequence[Watch], as_json: bool) -> None:
    versions = rulebooks.rulebook(settings, watches).matcher.versions()
    if as_json:
        print_json([_watch_json(watch, versions) for watch in watches])
        return
    for watch in watches:
        typer.echo(f"{watch.id}  {watch.name}  → {_shown(watch.channels) or 'nobody'}")
        for rule in watch.in_order():
            own = f"  → {_shown(rule.channels)}" if rule.channels else ""
            shadow = ", shadow" if rule.shadow else ""
            typer.echo(f"  {rule.id}  {rule.level}{shadow}, version {versions[watch.id, rule.id]}{own}")


def _shown(destinations: Iterable[Destination]) -> str:
    """A route as it is written: `legal {level: alert, publisher: filing}`."""
    return ", ".join(one if isinstance(one, str) else _conditions(one) for one in destinations)


def _conditions(route: Route) -> str:
    asked = route.model_dump(exclude_defaults=True, exclude={"to"})
    said = {key: "|".join(value) if isinstance(value, tuple) else value for key, value in asked.items()}
    return f"{route.to} {{{', '.join(f'{key}: {value}' for key, value in said.items())}}}"


def _destinations_json(destinations: Iterable[Destination]) -> list[Any]:
    """As in the file: an id, or a mapping."""
    return [
        one if isinstance(one, str) else one.model_dump(mode="json", exclude_defaults=True)
        for one in destinations
    ]


def _watch_json(watch: Watch, versions: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    rules = [_rule_json(watch, rule, versions[watch.id, rule.id]) for rule in watch.in_order()]
    return {
        "id": watch.id,
        "name": watch.name,
        "channels": _destinations_json(watch.channels),
        "rules": rules,
    }


def _rule_json(watch: Watch, rule: Rule, version: str) -> dict[str, Any]:
    return {
        "id": rule.id,
        "level": rule.level,
        "shadow": rule.shadow,
        "version": version,
        "channels": _destinations_json(watch.destinations(rule.id)),
        "query": rule.query,
        "note": rule.note,
    }


# ---- catching up


def _print_caught_up(done: CaughtUp, since: datetime, dry_run: bool, as_json: bool) -> None:
    counted = done.screened
    if as_json:
        told = [_late_json(late) for late in done.told]
        figures = {"articles": counted.articles, "matches": counted.matches, "alerts": counted.alerts}
        deliveries = 0 if dry_run else counted.deliveries
        print_json({"since": since, "dry_run": dry_run, **figures, "deliveries": deliveries, "told": told})
        return
    for late in done.told:
        article = late.article
        typer.echo(f"{late.match.watch}/{late.match.rule}  {article.seen:%m-%d %H:%M}  {article.title[:100]}")
        typer.echo(f"    {article.link or 'no link'}  {article.source}")
    how = "would be told" if dry_run else f"told in {counted.deliveries} messages"
    typer.echo(
        f"{counted.articles} articles since {since:%Y-%m-%d %H:%M} UTC match and were not decided on; "
        f"{counted.alerts} {how}"
    )


def _late_json(late: Late) -> dict[str, Any]:
    article = late.article
    named = {"watch": late.match.watch, "rule": late.match.rule}
    about = {"title": article.title, "url": article.link, "source": article.source, "seen": article.seen}
    return {**named, "article": article.id, **about}
