"""Document: a YAML file as plain values, each with its line; Problem: one mistake and its place.

Lives here: YAML in a narrow dialect. Not here: what a value stands for (`values`), what the keys mean (the
models of other packages, by way of `reading`).

The dialect is YAML 1.2 without anchors, aliases, tags, directives and second documents: nothing in a file
a person edits needs them, and each is a way to make a small file large or to make it run code.
"""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20

Key = str | int
KeyPath = tuple[Key, ...]
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `key` is the way to it: `sources[le-monde].url`; empty for the file as a whole."""

    severity: Severity
    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (where, self.key, self.message) if part)


class ConfigError(Exception):
    """The configuration cannot be used; all problems at once, so that one round of mending will do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain dicts, lists and scalars, and the line on which each of them begins."""

    path: Path
    tree: dict[str, Any] = field(repr=False)  # a token may be written out in it
    lines: Mapping[KeyPath, int] = field(repr=False)

    def __contains__(self, at: KeyPath) -> bool:
        """Did the person write something there?"""
        return at in self.lines

    def problem(self, at: KeyPath, message: str, severity: Severity = "error") -> Problem:
        """A problem at a place in the file; a place that is not there gets the line of what surrounds it."""
        known = next((at[:n] for n in range(len(at), 0, -1) if at[:n] in self.lines), ())
        return Problem(severity, str(self.path), self.lines.get(known), self._spelled(at), message)

    def _spelled(self, at: KeyPath) -> str:
        """`sources[le-monde].url`: a list's member is called by its id where it has one."""
        node: Any = self.tree
        spelled = ""
        for part in at:
            node = step(node, part)
            if isinstance(part, int):
                name = node.get("id") if isinstance(node, dict) else None
                spelled += f"[{name if isinstance(name, str) else part}]"
            else:
                spelled += f".{part}" if spelled else part
        return spelled


def step(node: Any, part: Key) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node):
        return node[part]
    return None


class _DialectError(Exception):
    """Found while reading events; `line` counts from 1."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line


def open_document(path: Path) -> Document:
    """Read and parse one file; ConfigError if it cannot be read or is not in the dialect."""
    try:
        text = _text(path)
        tree, lines = _tree(_events(text))
    except _DialectError as mistake:
        raise ConfigError([Problem("error", str(path), mistake.line, "", str(mistake))]) from None
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise ConfigError([Problem("error", str(path), 1, "", "expected `key: value` lines at the top")])
    return Document(path, tree, lines)


def _text(path: Path) -> str:
    try:
        if not path.exists():
            raise _DialectError(None, "this file is missing")
        if not path.is_file():
            raise _DialectError(None, "expected a plain file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _DialectError(None, f"cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _DialectError(None, f"is larger than {MAX_BYTES} bytes")
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _DialectError(raw.count(b"\n", 0, error.start) + 1, "expected UTF-8") from None


def _events(text: str) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context or "not YAML").split())
        raise _DialectError(mark.line + 1 if mark else None, f"not YAML: {what}") from None
    except YAMLError as error:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        raise _DialectError(line, "not YAML: a character that is not allowed") from None


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet."""

    node: dict[str, Any] | list[Any]
    path: KeyPath
    key: str | None = None  # of a mapping: read, its value still to come


def _tree(events: Iterator[Event]) -> tuple[Any, dict[KeyPath, int]]:
    """Build plain values from events, without recursion: a file of brackets must not exhaust the stack."""
    root: Any = None
    lines: dict[KeyPath, int] = {}
    stack: list[_Open] = []
    documents = 0
    for event in events:
        line = event.start_mark.line + 1
        _refuse(event, line, depth=len(stack))
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _DialectError(line, "a second document begins here; expected one")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            stack.pop()
        elif stack and isinstance(stack[-1].node, dict) and stack[-1].key is None:
            stack[-1].key = _new_key(event, stack[-1], line, lines)
        elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            value = _value(event)
            path = _put(value, stack[-1], line, lines) if stack else ()
            if not stack:
                root = value
            if not isinstance(event, ScalarEvent):
                stack.append(_Open(value, path))
    return root, lines


def _refuse(event: Event, line: int, depth: int) -> None:
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _DialectError(
            line, "anchors (&) and aliases (*) are not allowed; write it out, or quote the text"
        )
    if getattr(event, "tag", None) is not None and not _is_plain_tag(event):
        raise _DialectError(line, "tags (!) are not allowed; quote the text if it begins with one")
    if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
        raise _DialectError(line, "directives (%) are not allowed")
    if isinstance(event, MappingStartEvent | SequenceStartEvent) and depth >= MAX_DEPTH:
        raise _DialectError(line, f"is nested more than {MAX_DEPTH} levels deep")


def _is_plain_tag(event: Event) -> bool:
    """The parser gives quoted text the tag `!` of its own accord; only one that was written is refused."""
    return isinstance(event, ScalarEvent) and str(event.tag) == "!" and event.style in ("'", '"', "|", ">")


def _new_key(event: Event, mapping: _Open, line: int, lines: dict[KeyPath, int]) -> str:
    if not isinstance(event, ScalarEvent):
        raise _DialectError(line, "expected a plain key, not a list or a mapping")
    key = str(event.value)  # as it is written: `no` and `1` are keys like any other
    place = (*mapping.path, key)
    if key in mapping.node:
        raise _DialectError(line, f"the key `{key}` is given twice (first on line {lines[place]})")
    lines[place] = line
    return key


def _put(value: Any, into: _Open, line: int, lines: dict[KeyPath, int]) -> KeyPath:
    if isinstance(into.node, dict):
        assert into.key is not None  # noqa: S101 (for mypy; `_tree` reads the key first)
        place = (*into.path, into.key)
        into.node[into.key] = value
        into.key = None
    else:
        place = (*into.path, len(into.node))
        into.node.append(value)
        lines[place] = line
    return place


_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)


def _value(event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> Any:
    if isinstance(event, MappingStartEvent):
        return {}
    if isinstance(event, SequenceStartEvent):
        return []
    return _scalar(str(event.value)) if not event.style else str(event.value)


def _scalar(text: str) -> Any:
    """YAML 1.2's core schema, without its hexadecimal and infinite numbers."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) < 40 else text
