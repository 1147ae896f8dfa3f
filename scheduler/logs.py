"""Logs: one event a line on stderr, as key=value or JSON, secrets blanked.

Lives here: the one pipeline for structlog and for the loggers of libraries. What a source sends may end up in
an event, so lines are built in such a way that nobody can forge one; and a full disk or a closed pipe costs
lines, never the daemon. Not here: what is worth an event (whoever logs it).
"""

import contextlib
import json
import logging
import math
import os
import re
import select
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

OURS = (
    "config",
    "crawler",
    "alerts",
    "scheduler",
)  # the rest speaks from warning upwards: slack_sdk logs addresses
HIDDEN = "[secret]"
LONGEST = 2_000  # characters of one value; nobody's log is the place for an article
LONGEST_TRACEBACK = 8_000

_SHORTEST_SECRET = 6  # blanking "x" would blank the log
_PATTERNS = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]+"
    r"|xapp-[A-Za-z0-9-]+"
    r"|(?<=hooks\.slack\.com/)[a-z]+/[^\s\"'<>]+"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]+"
    r"|(?<=ticket=)[^&\s\"'<>]+"
    r"|(?<=://)[^/\s:@\"'<>]{0,200}:[^/\s@\"'<>]{1,200}(?=@)",
    re.IGNORECASE,
)
_SECRET_KEYS = frozenset({"token", "authorization", "password", "secret"})

# Line ends, terminal escapes, and what turns the direction of reading: with one of these in a line, it
# could be made to look like two, or like another.
_FORGERY = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Pipeline:
    """The pipeline that is set up; keeps all secrets it was told of, old ones after a reload too."""

    def __init__(self) -> None:
        self._hidden: re.Pattern[str] | None = None
        self._secrets: set[str] = set()

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on these values appear in no line."""
        self._secrets |= {s for s in secrets if len(s) >= _SHORTEST_SECRET}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._hidden = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def blank(self, text: str) -> str:
        """The text without secrets."""
        if self._hidden is not None:
            text = self._hidden.sub(HIDDEN, text)
        return _PATTERNS.sub(HIDDEN, text)

    def blank_event(
        self, logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Processor: plain values, without secrets, of bearable length; blanked before they are cut."""
        return {
            self.blank(str(key)): HIDDEN if str(key).lower() in _SECRET_KEYS else self._plain(value, key)
            for key, value in event.items()
        }

    def _plain(self, value: object, key: str = "", depth: int = 0) -> Any:
        if (
            value is None
            or isinstance(value, bool | int)
            or (isinstance(value, float) and math.isfinite(value))
        ):
            return value
        if isinstance(value, Mapping) and depth < 4:
            return {
                self.blank(str(k)): HIDDEN
                if str(k).lower() in _SECRET_KEYS
                else self._plain(v, depth=depth + 1)
                for k, v in list(value.items())[:50]
            }
        if isinstance(value, list | tuple | set | frozenset) and depth < 4:
            return [self._plain(v, depth=depth + 1) for v in list(value)[:50]]
        text = self.blank(str(value))
        longest = LONGEST_TRACEBACK if key == "exception" else LONGEST
        return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def configure(
    form: Form = "text", level: Level = "info", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """From now on everything is logged like this; a second call replaces the first."""
    pipeline = Pipeline()
    pipeline.hide(secrets)
    render = {"text": _as_text, "json": _as_json}[form]
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            _without_rehearsals,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            pipeline.blank_event,
            render,
        ],
    )
    sink = _Sink(stream if stream is not None else sys.stderr, formatter, render)
    sink.pipeline = pipeline
    _take_over(sink, level)


def hide(secrets: Iterable[str]) -> None:
    """Further secrets, after a reload; the old ones stay hidden."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Sink):
            handler.pipeline.hide(secrets)


def _take_over(sink: "_Sink", level: Level) -> None:
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Sink)]:
        root.removeHandler(handler)
    root.addHandler(sink)
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    # a tick that finds the last one still at work is skipped, as it shall be; APScheduler warns of each
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.captureWarnings(True)


def _without_rehearsals(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Processor: what only would have happened is no event."""
    if event.get("rehearsal"):
        raise structlog.DropEvent
    return event


# --- a line

Render = Callable[[object, str, Mapping[str, Any]], str]


_FIRST = ("at", "level", "event")


def _ordered(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: event[key] for key in (*_FIRST, *(k for k in event if k not in _FIRST)) if key in event}


def _as_json(logger: object, method: str, event: Mapping[str, Any]) -> str:
    return _escaped(json.dumps(_ordered(event), ensure_ascii=False, default=str))


def _as_text(logger: object, method: str, event: Mapping[str, Any]) -> str:
    """`2026-11-24T09:00:00Z info fetched source=heise outcome=not_modified`"""
    ordered = _ordered(event)
    first = [_word(ordered.pop(key, "-")) for key in _FIRST]
    return " ".join([*first, *(f"{_word(key)}={_word(value)}" for key, value in ordered.items())])


_BARE = re.compile(r"[^\s\"'=\\{}\[\]]+")


def _word(value: object) -> str:
    """A value that cannot be taken for two, or for a key: quoted where it is more than one plain word."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if not isinstance(value, str | Mapping | list) or (_BARE.fullmatch(text) and _escaped(text) == text):
        return text
    return _escaped(json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text)


def _escaped(text: str) -> str:
    return _FORGERY.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# --- where lines go


class _Sink(logging.Handler):
    """Writes whole lines and never raises: what cannot be written is counted, and told once there is room."""

    pipeline: Pipeline

    def __init__(self, stream: TextIO, formatter: logging.Formatter, render: Render) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._render = render
        self._write = _writer(stream)
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # a library's faulty call must not be ours to pay for
            line = self._note("log_call_failed", logger=record.name, error=type(error).__name__)
        if self._lost:
            line = self._note("log_lines_lost", count=self._lost) + "\n" + line
        try:
            self._write(line + "\n")
            self._lost = 0
        except (OSError, ValueError):  # full, closed by its reader, closed by us
            self._lost += 1

    def _note(self, event: str, **fields: object) -> str:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return self._render(None, "", {"at": now, "level": "warning", "event": event, **fields})


def _writer(stream: TextIO) -> Callable[[str], object]:
    """By descriptor where there is one: no buffer that raises again at exit, no waiting for a reader."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return stream.write
    return _DescriptorWriter(descriptor).write


class _DescriptorWriter:
    """Writes to a file, a pipe or a terminal. A reader that has stopped reading costs lines, not time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._torn = False  # the last line ended in the middle

    def write(self, line: str) -> None:
        raw = line.encode("utf-8", "backslashreplace")
        if not self._takes_more():
            raise BlockingIOError
        if self._torn:
            raw = b"\n" + raw
        written = 0
        try:
            while written < len(raw):
                written += os.write(self._descriptor, raw[written:])
        finally:
            self._torn = 0 < written < len(raw) or (self._torn and written == 0)

    def _takes_more(self) -> bool:
        """A pipe says yes only while a whole page is free, so a line of up to 4 KiB never waits."""
        poll = select.poll()
        with contextlib.suppress(OSError):
            poll.register(self._descriptor, select.POLLOUT)
            return bool(poll.poll(0))
        return True
