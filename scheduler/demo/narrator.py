"""What the spectator sees: short lines with the time, and Slack's messages in a frame.

Lives here: how it looks in a terminal, and without one. Words of the sites are never read as markup. Not
here: what is said (`stage`, `watching`, `summary`).
"""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scheduler.demo.slack import Line, Message

WIDEST = 100  # columns; longer lines are tiring to read
NAME = 20  # columns for who it is that acts

SITE, TOCSIN, SLACK, FAULT = "cyan", "bold yellow", "magenta", "red"


class Narrator:
    """`elapsed` is seconds since the curtain rose."""

    def __init__(self, console: Console, elapsed: Callable[[], float]) -> None:
        self._console, self._elapsed = console, elapsed
        self._width = min(console.width, WIDEST)
        self._plain = console.color_system is None  # a pipe or a file shows no bold

    def say(self, who: str, what: str, style: str = "") -> None:
        """One line: when, who, what."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(width=NAME, no_wrap=True, overflow="ellipsis")
        grid.add_column()
        grid.add_row(Text(self._time(), "dim"), Text(who, style), Text(what))
        self._print(grid)

    def show(self, message: Message, channel: str) -> None:
        """A message as the reader has it before them, matched words set off."""
        body = Text("\n").join(self._line(line) for line in message.lines)
        where = f"{channel} ▸ in the thread" if message.in_thread else channel
        title = Text(f" Slack ▸ {where} ", SLACK)
        frame = Panel(body, title=title, title_align="left", border_style=SLACK, width=self._width - 7)
        indented = Table.grid(padding=(0, 2))
        indented.add_row(Text(self._time(), "dim"), frame)
        self._print(indented)

    def paragraph(self, *lines: str) -> None:
        """Text without a time, an empty line behind it."""
        self._print(Text("\n".join(lines) + "\n"))

    def table(self, heading: str, rows: Sequence[tuple[str, str]]) -> None:
        """A heading and pairs below it."""
        grid = Table.grid(padding=(0, 2))
        for left, right in rows:
            grid.add_row(Text("  " + left, "bold"), Text(right))
        self._print(Text(f"\n{heading}", "bold"))
        self._print(grid)

    def gap(self) -> None:
        self._print(Text(""))

    def _line(self, line: Line) -> Text:
        return Text.assemble(*(self._words(w.text, w.bold, w.link) for w in line))

    def _words(self, text: str, bold: bool, link: str | None) -> Text:
        if self._plain:
            return Text(f"*{text}*" if bold and not link else text)
        return Text(text, f"bold underline link {link}" if link else "bold" if bold else "")

    def _time(self) -> str:
        minutes, seconds = divmod(int(self._elapsed()), 60)
        return f"{minutes:02}:{seconds:02}"

    def _print(self, what: Table | Text) -> None:
        self._console.print(what, width=self._width, soft_wrap=False, highlight=False, markup=False)
