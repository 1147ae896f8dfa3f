"""`tocsin backtest`: what rules would have told, before they go live, and how it looks in a terminal.

Not here: the replay (`alerts.backtest`), the counting (`alerts.forecast`), how rules come into force
(`scheduler.adopting`).
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from alerts.backtest import Backtest, backtest
from alerts.forecast import Forecast, OneSided, RuleVolume, Standing, Volume
from scheduler import adopting, logs, rulebooks
from scheduler.clock import utc_now
from scheduler.settings import Settings, load, with_watches
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    console,
    database_to_read,
    length,
    print_json,
    stop,
    watch_named,
)

SHOWN = 20  # stories of each kind in a terminal; --json has all

app = typer.Typer()


@app.command("backtest")
@command
def run_backtest(
    config_dir: ConfigDir,
    data: DataDir,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help="Another watches.yaml; default: the one in force."),
    ] = None,
    watch: Annotated[str | None, typer.Option("--watch", help="Count only this one.")] = None,
    since: Annotated[str, typer.Option("--since", help="How far back, for example 30d.")] = "30d",
    force: Annotated[bool, typer.Option("--force", help="Let pass what is over the noise budget.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="If it passes, make FILE the watches.yaml of the configuration.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What rules would have told: on which days, how often, and what other than the running ones."""
    logs.configure("text", "error", ())
    if adopt and rules is None:
        stop(Exit.USAGE, "--adopt: which file? Name it with --rules")
    running = load(config_dir, os.environ)
    tried = with_watches(running, rules, os.environ) if rules else running
    chosen = watch_named(tried, watch).id if watch else None
    done = _backtest(data, tried, running if rules else None, since, chosen)
    if as_json:
        print_json(done.to_json())
    else:
        _print(done, rules)
    _refuse_noise(done.forecast, force)
    if adopt and rules:
        _adopt(done, rules, config_dir, data, force)


def _backtest(
    data: Path, tried: Settings, running: Settings | None, since: str, watch: str | None
) -> Backtest:
    now = utc_now()
    with database_to_read(data) as engine:
        return backtest(
            engine,
            rulebooks.rulebook(tried),
            now - length("--since", since),
            now,
            running=rulebooks.rulebook(running) if running else None,
            watch=watch,
            budget=tried.daemon.limits.roots_per_day,
        )


def _refuse_noise(found: Forecast, force: bool) -> None:
    if found.noisy and not force:
        said = "; ".join(_noise(rule, found.budget or 0) for rule in found.noisy)
        stop(Exit.SOMETHING_FAILED, f"over the noise budget: {said}. --force lets it pass")


def _noise(rule: RuleVolume, budget: int) -> str:
    alerts = sum(rule.volume.alerts.values())
    words = ", ".join(f"“{text}” ({part}) in {count} of {alerts}" for part, text, count in rule.words)
    return (
        f"{rule.watch}/{rule.rule} would ring {alerts / rule.volume.days:.1f} times a day, "
        f"limits.roots_per_day is {budget}; mostly {words}"
    )


def _adopt(done: Backtest, rules: Path, config_dir: Path, data: Path, force: bool) -> None:
    if not done.period.articles and not force:
        stop(Exit.SOMETHING_FAILED, "the archive has nothing to try them on; --force adopts them yet")
    with database_to_read(data) as engine:
        kept = adopting.adopt(rules, config_dir, os.environ, engine)
    typer.echo(
        f"{config_dir / adopting.FILE} is {rules} now; what it was is {kept.name}. "
        "A running daemon reads it on SIGHUP (kill -HUP)",
        err=True,
    )


# ---- in a terminal


def _print(done: Backtest, rules: Path | None) -> None:
    period, found = done.period, done.forecast
    terminal = console()
    terminal.print(
        f"{rules or 'the rules in force'}: {period.articles} articles of {period.days:.1f} days, "
        f"{period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC",
        markup=False,
    )
    terminal.print(_table(found))
    terminal.print(_messages(found), markup=False)
    if done.against is None:
        return
    against = done.against
    terminal.print(
        f"against the running rules: {against.both} stories are told by both, "
        f"{len(against.new)} are new, {len(against.lost)} are lost",
        markup=False,
    )
    for line in (*_one_sided("new", against.new), *_one_sided("lost", against.lost)):
        terminal.print(escape(line))


def _table(found: Forecast) -> Table:
    table = Table("rule", "level", "matches", "alerts", "a day", "most", "digest", "a day", "", box=None)
    for rule in found.rules:
        standing = "" if rule.standing is Standing.WITHIN else _STANDINGS[rule.standing]
        level = f"{rule.level}, shadow" if rule.shadow else rule.level
        table.add_row(f"{rule.watch}/{rule.rule}", level, *_figures(rule.volume), standing)
    table.add_row("all", "", *_figures(found.total), "")
    return table


_STANDINGS = {Standing.PEAKS: "over the budget on some days", Standing.OVER: "over the budget"}


def _figures(volume: Volume) -> Sequence[str]:
    matches, alerts, digest = (sum(v.values()) for v in (volume.matches, volume.alerts, volume.digest))
    alerts_a_day, digest_a_day = (f"{count / volume.days:.1f}" for count in (alerts, digest))
    return str(matches), str(alerts), alerts_a_day, _most(volume.alerts), str(digest), digest_a_day


def _most(alerts: Mapping[date, int]) -> str:
    if not alerts:
        return ""
    day = max(alerts, key=lambda one: (alerts[one], one))
    return f"{alerts[day]} on {day:%m-%d}"


def _messages(found: Forecast) -> str:
    by_channel = {channel: sum(days.values()) for channel, days in sorted(found.messages.items())}
    per_day = ", ".join(f"{name} {count / found.total.days:.1f}" for name, count in by_channel.items())
    return f"messages a day, the digest included: {per_day or 'none'}"


def _one_sided(kind: str, found: Sequence[OneSided]) -> Iterator[str]:
    for one in found[:SHOWN]:
        article = one.told.article
        yield f"  {kind} {one.told.at:%m-%d %H:%M} {one.told.watch}/{one.told.rule}: {article.title[:100]}"
        yield f"      {article.link or 'no link'}  {article.source}"
        yield f"      {'the running rules' if kind == 'new' else 'these rules'}: {(one.because or '')[:200]}"
    if len(found) > SHOWN:
        yield f"  … {len(found) - SHOWN} more {kind}; --json has all"
