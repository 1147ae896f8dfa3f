"""The command line: the families of commands, put together.

Not here: the commands (`scheduler.commands`), what they share (`scheduler.terminal`). docs/contract.md lists
what outsiders may hold on to.
"""

import typer

from scheduler.commands import asking, backtests, dead, marks, running, silences, sources, watches

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An alarm bell for news: watches feeds in many languages and tells a Slack channel, once per story, "
    "with the reason.",
)
app.add_typer(running.app)
app.add_typer(asking.app)
app.add_typer(backtests.app)
app.add_typer(watches.app)
app.add_typer(sources.app, name="sources")
app.add_typer(silences.app, name="silence")
app.add_typer(marks.app, name="mark")
app.add_typer(dead.app, name="dead")


def main() -> None:
    """Entry point of the `tocsin` command."""
    app()
