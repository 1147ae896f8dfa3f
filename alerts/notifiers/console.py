"""The console: the channel of whoever has no token yet.

Lives here: a notification as a few lines for a person, in colour on a terminal and plain elsewhere (rich
honours NO_COLOR). Not here: logs.
"""

import io
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, cast

from rich.console import Console
from rich.text import Text

from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import (
    Alarm,
    Delivery,
    DeliveryFailed,
    DeliveryId,
    Digest,
    DigestLine,
    Fault,
    FollowUp,
    HistoryPage,
    Notice,
    Receipt,
)
from alerts.notifiers.words import (
    NAME_UNITS,
    TITLE_UNITS,
    address_of,
    and_more,
    aside,
    because,
    clean,
    clip,
    emphasised,
    follow_up_of,
    headline,
    left_out,
    provenance,
    seen_after,
    spread,
)


class ConsoleNotifier:
    """Tells whoever looks at the terminal."""

    reads_back = False
    threads, edits = True, False
    pace = edit_pace = timedelta(0)

    def __init__(self, channel: Channel, habits: DeliveryHabits, console: Console | None = None) -> None:
        self._console = console or Console()

    async def send(self, delivery: Delivery) -> Receipt:
        lines = _in_colours_of(self._console, drawn(delivery))
        try:
            self._console.file.write(lines)
            self._console.file.flush()
        except (OSError, UnicodeError) as error:  # a closed pipe, a full disk, a terminal of another alphabet
            reason = f"the console cannot be written to: {type(error).__name__}"
            raise DeliveryFailed(Fault.STOPPED, reason) from error
        return Receipt(None)

    async def newest(self) -> str:
        raise NotImplementedError("a console cannot be read")

    async def read(
        self,
        oldest: str | None,
        cursor: str | None,
        wanted: Collection[DeliveryId],
        thread: str | None = None,
    ) -> HistoryPage:
        raise NotImplementedError("a console cannot be read")

    async def check(self) -> str:
        return "the console"


def _in_colours_of(console: Console, text: Text) -> str:
    """What rich would print there. It is kept off the file: after a broken pipe it ends the process."""
    paper = io.StringIO()
    like_it = Console(
        file=paper,
        force_terminal=console.is_terminal,
        color_system=cast("Any", console.color_system),
        no_color=console.no_color,
        width=console.width,
    )
    like_it.print(text, soft_wrap=True, highlight=False)
    return paper.getvalue()


def drawn(delivery: Delivery) -> Text:
    """The lines of a notification. Built as Text, so that no bracket of a headline is taken for markup."""
    match delivery.body:
        case Notice() as notice:
            lines = _notice(notice)
        case Digest() as digest:
            lines = _digest(digest)
        case FollowUp() as follow_up:
            lines = _follow_up(follow_up)
        case Alarm() as alarm:
            lines = _alarm(alarm)
    if delivery.repeat_possible:
        lines.append(Text("  possible repeat", style="dim"))
    return Text("\n").join([*lines, Text()])


def _notice(notice: Notice) -> list[Text]:
    title = Text.assemble(("▲ ", "bold yellow"), (clean(notice.title), "bold"))
    return [title, *(Text(f"  {line}") for line in clean(notice.text, keep_lines=True).splitlines())]


def _digest(digest: Digest) -> list[Text]:
    lines = [Text.assemble(("≡ ", "bold blue"), (clean(digest.title), "bold"))]
    for part in digest.parts:
        lines.append(Text(f"  {clip(clean(part.heading), 2 * NAME_UNITS)}", style="bold"))
        lines += [row for line in part.lines for row in _story(line)]
        lines += [Text(f"  {more}", style="dim")] if (more := and_more(part)) else []
    return lines


def _story(line: DigestLine) -> list[Text]:
    address = address_of(line.link)
    title = clip(clean(line.title), TITLE_UNITS) or "(no headline)"
    told = Text.assemble(f"  • {title}", (f" · {aside(line)}", "dim"))
    return [told, *([Text(f"    {address}", style="blue")] if address else [])]


def _follow_up(follow_up: FollowUp) -> list[Text]:
    """Indented below what it follows, whatever was printed in between."""
    rest = left_out(follow_up)
    lines = [Text(f"  ↳ {follow_up_of(follow_up)}", style="dim")]
    for item in follow_up.items:
        note = f"{item.note}: " if item.note else ""
        was = clip(clean(item.was), NAME_UNITS) if item.was else ""
        struck = ((was, "strike"), " → ") if was else ()
        lines.append(Text.assemble("    ", note, *struck, (headline(item), "bold")))
        address = address_of(item.link)
        lines.append(Text(f"    {provenance(item)}", style="dim"))
        lines += [Text(f"    {address}", style="blue")] if address else []
    return [*lines, *([Text(f"    {rest}", style="dim")] if rest else [])]


def _alarm(alarm: Alarm) -> list[Text]:
    shown = emphasised(alarm.sentence.text, alarm.sentence.spans) if alarm.sentence else []
    sentence = Text.assemble("  ", *((piece.text, "bold red" if piece.bold else "") for piece in shown))
    address = address_of(alarm.link)
    published = f"published {_moment(alarm.published)} · " if alarm.published else ""
    when = f"{published}{seen_after(alarm) or f'seen {_moment(alarm.seen)}'}"
    return [
        Text.assemble(("● ", "bold red"), (headline(alarm), "bold")),
        *([sentence] if shown else []),
        Text(f"  {provenance(alarm)} · {when}", style="dim"),
        *([Text(f"  {spread(alarm)}", style="dim")] if spread(alarm) else []),
        Text(f"  {clip(because(alarm), 2 * NAME_UNITS)}", style="dim"),
        *([Text(f"  {address}", style="blue")] if address else []),
    ]


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
