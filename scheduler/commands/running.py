"""Running: `tocsin run`, `once` and `demo`.

Not here: the daemon (`scheduler.daemon`), the single pass (`scheduler.once`), the demo (`scheduler.demo`).
"""

import asyncio
import contextlib
import os
import sys
from datetime import timedelta
from typing import Annotated

import structlog
import typer

from scheduler import checking, demo, logs, once
from scheduler.daemon import Daemon
from scheduler.settings import load
from scheduler.sole import sole_daemon_of, sole_instance
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    LogFormat,
    LogLevel,
    command,
    console,
    database_of,
    print_json,
    stop,
)

log = structlog.get_logger(__name__)

app = typer.Typer()


@app.command()
@command
def run(
    config_dir: ConfigDir,
    data: DataDir,
    duration_s: Annotated[
        float | None, typer.Option("--duration", min=0.1, help="Stop after so many seconds.")
    ] = None,
    log_format: LogFormat = "text",
    log_level: LogLevel = "info",
) -> None:
    """The daemon in the foreground.

    SIGTERM and SIGINT drain and stop, SIGHUP reads the configuration anew.
    """
    settings = load(config_dir, os.environ)
    logs.configure(log_format, log_level, settings.secrets)
    for remark in checking.fall_backs(settings):
        log.warning("channel falls back to the console", problem=str(remark))
    with sole_instance(data), database_of(data) as engine, sole_daemon_of(engine):
        daemon = Daemon(settings, engine, os.environ)
        asyncio.run(daemon.run(timedelta(seconds=duration_s) if duration_s else None))


@app.command("once")
@command
def run_once(
    config_dir: ConfigDir,
    data: DataDir,
    as_json: AsJson = False,
    log_format: LogFormat = "text",
    log_level: LogLevel = "warning",
) -> None:
    """One pass: crawl every source now, screen, deliver, stop."""
    settings = load(config_dir, os.environ)
    logs.configure(log_format, log_level, settings.secrets)
    with sole_instance(data), database_of(data) as engine, sole_daemon_of(engine):
        aside = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
        with aside:  # a channel on the console writes to stdout too
            done = asyncio.run(once.one_pass(settings, engine)).to_json()
    if as_json:
        print_json(done)
    else:
        read, sent = done["sources"], done["deliveries"]
        typer.echo(
            f"{read['ok']} sources read, {read['not_modified']} unchanged, {read['failed']} failed; "
            f"{done['entries_new']} new entries, {done['matches']} matches, {done['alerts']} alerts; "
            f"{sent['sent']} sent, {sent['waiting']} waiting, {sent['dead']} dead"
        )
    if done["sources"]["failed"] or done["deliveries"]["dead"]:
        raise typer.Exit(Exit.SOMETHING_FAILED)


@app.command("demo")
@command
def run_demo(
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=demo.SHORTEST.total_seconds(), help="How long it takes, at most."),
    ] = demo.LENGTH.total_seconds(),
    log_level: LogLevel = "error",
) -> None:
    """The whole product in a minute, on a built-in world of invented sites: no account, no network."""
    logs.configure("text", log_level, ())
    try:
        asyncio.run(demo.play(timedelta(seconds=seconds), console()))
    except demo.DemoFailed as error:
        stop(Exit.SOMETHING_FAILED, str(error))
