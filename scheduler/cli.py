"""The command line: the families of commands, each loaded when one of its commands is called.

What runs the daemon brings seconds of vendors with it, and who asks for help or marks an article should not
wait for them. Not here: the commands (`scheduler.commands`), what they share (`scheduler.terminal`).
docs/contract.md lists what outsiders may hold on to.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Place(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    family: str  # a module of scheduler.commands
    help: str


COMMANDS: Mapping[str, Place] = {
    "run": Place("running", "The daemon in the foreground."),
    "once": Place("running", "One pass: crawl every source now, screen, deliver, stop."),
    "demo": Place(
        "running",
        "The whole product in a minute, on a built-in world of invented sites: no account, no network.",
    ),
    "check": Place(
        "asking",
        "The configuration, its rules, and what the archive says of them; online also who answers.",
    ),
    "why": Place(
        "asking", "Why an article was alerted, or why not: one answer, the parse tree, the evidence."
    ),
    "try": Place(
        "queries",
        "A query against a text, or against the last days: what matches, and how often would it ring?",
    ),
    "search": Place("queries", "The archive, in the language of the rules; the newest first."),
    "evaluate": Place(
        "asking",
        "A watch against a labelled corpus, or its marks: how much is found and how much of it right.",
    ),
    "status": Place("asking", "How things stand: sources, deliveries, the last alerts, latency."),
    "backtest": Place(
        "backtests",
        "What rules would have told: on which days, how often, and what other than the running ones.",
    ),
    "watch": Place(
        "watches",
        "The watches and their rules; with --catch-up they tell of the past what they have not told yet.",
    ),
    "sources": Place("sources", "The sources and their health."),
    "silence": Place("silences", "What stays quiet, until when, by whom."),
    "stories": Place("stories", "Articles on one event."),
    "mark": Place("marks", "Teaching by example: which articles are relevant."),
    "preview": Place(
        "preview",
        "The messages of the last days, on a phone and on a desk, whether or not they are in Slack.",
    ),
    "dead": Place("dead", "Deliveries that were given up."),
}


class Commands(TyperGroup):
    """The commands by name; only the one that is called is loaded."""

    def __init__(self, **given: Any) -> None:
        listed = {name: TyperCommand(name, help=place.help) for name, place in COMMANDS.items()}
        super().__init__(**{**given, "commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, command_named(name) if name else listed, rest


def command_named(name: str) -> Any:
    """A command as its family has it: one of several in the file, or all of it, as for `tocsin mark add`."""
    of = family(COMMANDS[name].family)
    return of.commands.get(name, of)


def family(module: str) -> TyperGroup:
    """All commands of a file."""
    app: typer.Typer = import_module(f"scheduler.commands.{module}").app
    return get_group(app)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(
    help="An alarm bell for news: watches feeds in many languages and tells a Slack channel, once per story, "
    "with the reason."
)
def tocsin() -> None:
    """All of it is in the commands."""


def main() -> None:
    """Entry point of the `tocsin` command."""
    app()
