"""`tocsin preview`: how the alerts of the last days look in Slack, as a page on this machine.

Not here: the page (`alerts.notifiers.slack_page`), the blocks (`alerts.notifiers.slack_blocks`).
"""

import webbrowser
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Annotated

import typer

from alerts import outbox
from alerts.notifications import Delivery, Kind, Plainness
from alerts.notifiers import slack_blocks
from alerts.notifiers.slack_page import Reader, Shown, page
from alerts.notifiers.words import counted
from alerts.outbox import Record
from scheduler.clock import utc_now
from scheduler.terminal import DataDir, Exit, command, database_to_read, length, stop

app = typer.Typer(help="How alerts look in Slack.")

MOST = 200  # deliveries on a page


@app.command("preview")
@command
def preview(
    data: DataDir,
    file: Annotated[Path, typer.Argument(help="Where the page is written.")] = Path("tocsin-preview.html"),
    since: Annotated[str, typer.Option("--since", help="How far back, for example 7d.")] = "7d",
    show: Annotated[bool, typer.Option("--open", help="Show it in a browser.")] = False,
) -> None:
    """The messages of the last days, on a phone and on a desk, whether or not they are in Slack."""
    now = utc_now()
    told = recent(data, length("--since", since))
    drawn = page("Tocsin: preview", shown(told), Reader(now, now.astimezone().tzinfo or UTC))
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        stop(Exit.USAGE, f"{file} cannot be written: {error.strerror}")
    typer.echo(f"{file}: {counted(len(told), 'message', 'messages')}")
    if show:
        webbrowser.open(file.resolve().as_uri())


def recent(data: Path, since: timedelta) -> list[Record]:
    """Messages put in since then, the newest first."""
    with database_to_read(data) as engine, engine.connect() as connection:
        records = outbox.records(connection, limit=MOST, newest_first=True)
    return [one for one in records if one.kind is not Kind.EDIT and one.created_at >= utc_now() - since]


def shown(told: Sequence[Record]) -> Iterator[Shown]:
    """The newest root first, what is below each in the order in which it was said."""
    roots = [one for one in told if one.kind is Kind.ROOT]
    for root in roots:
        yield _shown(root)
        mine = (root.channel, root.story, root.watch)
        for reply in reversed(told):
            if reply.kind is Kind.REPLY and (reply.channel, reply.story, reply.watch) == mine:
                yield _shown(reply)


def _shown(record: Record) -> Shown:
    below = record.kind is Kind.REPLY
    delivery = Delivery(
        id=record.id,
        channel=record.channel,
        body=record.body,
        story=record.story,
        watch=record.watch,
        plainness=Plainness.FULL,
        attempts=record.attempts,
        kind=record.kind,
        thread="its root's" if below else None,
        broadcast=record.broadcast,
    )
    return Shown(slack_blocks.message(delivery), record.sent_at or record.created_at, in_thread=below)
