"""`tocsin preview`: how the alerts of the last days look in Slack, as a page on this machine.

Not here: the page (`alerts.notifiers.slack_page`), the blocks (`alerts.notifiers.slack_blocks`).
"""

import os
import webbrowser
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Annotated

import typer

from alerts import outbox
from alerts.channels import shows_buttons
from alerts.notifications import Delivery, Kind
from alerts.notifiers import slack_blocks
from alerts.notifiers.slack_page import Reader, Shown, page
from alerts.notifiers.words import counted
from alerts.outbox import Record
from scheduler.clock import utc_now
from scheduler.settings import load
from scheduler.terminal import ConfigDir, DataDir, Exit, command, database_to_read, length, stop

app = typer.Typer(help="How alerts look in Slack.")

MOST = 200  # deliveries on a page


@app.command("preview")
@command
def preview(
    config_dir: ConfigDir,
    data: DataDir,
    file: Annotated[Path, typer.Argument(help="Where the page is written.")] = Path("tocsin-preview.html"),
    since: Annotated[str, typer.Option("--since", help="How far back, for example 7d.")] = "7d",
    show: Annotated[bool, typer.Option("--open", help="Show it in a browser.")] = False,
) -> None:
    """The messages of the last days, on a phone and on a desk, whether or not they are in Slack."""
    now, file_of = utc_now(), load(config_dir, os.environ).channels
    pressed = {one.id for one in file_of.channels if shows_buttons(one, file_of.control)}
    told = recent(data, length("--since", since))
    drawn = page("Tocsin: preview", shown(told, pressed), Reader(now, now.astimezone().tzinfo or UTC))
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        stop(Exit.USAGE, f"{file} cannot be written: {error.strerror}")
    messages = sum(one.kind is not Kind.EDIT for one in told)
    typer.echo(f"{file}: {counted(messages, 'message', 'messages')}")
    if show:
        webbrowser.open(file.resolve().as_uri())


def recent(data: Path, since: timedelta) -> list[Record]:
    """Messages put in since then, and the edits of them, the newest first."""
    with database_to_read(data) as engine, engine.connect() as connection:
        records = outbox.records(connection, limit=MOST, newest_first=True)
    return [one for one in records if one.created_at >= utc_now() - since]


def shown(told: Sequence[Record], pressed: Collection[str]) -> Iterator[Shown]:
    """The newest root first, what is below each in the order in which it was said.

    `pressed`: the channels that have buttons.
    """
    for root in told:
        if root.kind is Kind.ROOT:
            below = [one for one in reversed(told) if _is_below(root, one)]
            edited = any(one.kind is Kind.EDIT and one.sent_at for one in below)
            yield _shown(root, buttons=root.channel in pressed, edited=edited)
            for reply in below:
                if reply.kind is Kind.REPLY:
                    yield _shown(reply, buttons=reply.channel in pressed)


def _is_below(root: Record, one: Record) -> bool:
    mine = (one.channel, one.story, one.watch) == (root.channel, root.story, root.watch)
    return mine and one.kind is not Kind.ROOT


def _shown(record: Record, *, buttons: bool, edited: bool = False) -> Shown:
    """As Slack gets it, refused forms and possible repeats included; a root in its newest wording."""
    below = record.kind is Kind.REPLY
    delivery = Delivery(
        id=record.id,
        channel=record.channel,
        body=record.body,
        story=record.story,
        watch=record.watch,
        plainness=record.plainness,
        attempts=record.attempts,
        repeat_possible=record.repeat_possible,
        kind=record.kind,
        thread="its root's" if below else None,
        broadcast=record.broadcast,
    )
    said = slack_blocks.message(delivery, buttons=buttons)
    return Shown(said, record.sent_at or record.created_at, edited=edited, in_thread=below)
