"""Read a configuration file and say exactly where a mistake is.

Lives here: YAML in a narrow dialect, `${ENV}` and secrets, durations, and the way from pydantic's errors to
a file, a line, a key and what was expected. Not here: what the keys mean; those models live with their owners
(`Source` in `crawler.sources`, `Watch` in `alerts.watches`), and `scheduler.settings` joins the files.

The dialect is YAML 1.2 without anchors, aliases, tags, directives and second documents: nothing in a file
a person edits needs them, and each is a way to make a small file large or to make it run code.
"""

import codecs
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, GetCoreSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema
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
MAX_SECRET_BYTES = 64 * 1024

M = TypeVar("M", bound=BaseModel)
Key = str | int
KeyPath = tuple[Key, ...]
Severity = Literal["error", "warning", "note"]


# --- what is wrong, and where ---------------------------------------------------------------------


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


# --- durations ------------------------------------------------------------------------------------

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s?([smhdw])", re.ASCII)
_LONGEST = timedelta(days=36500)


def duration(value: object) -> timedelta:
    """`30s`, `5m`, `24h`, `30d`, `2w` or 0 as a timedelta; ValueError says what was expected."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip() == "0":
        return timedelta(0)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"expected a duration such as 30s, 5m, 24h or 30d, not {_shown(value)}")
    length = timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    if length > _LONGEST:
        raise ValueError(f"expected a duration of at most 100 years, not {_shown(value)}")
    return length


Duration = Annotated[timedelta, BeforeValidator(duration)]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


# --- ${ENV} and secrets ---------------------------------------------------------------------------

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class _Resolved(str):
    """A string in which `${ENV}` was replaced; `unset` names the variables that had no value."""

    __slots__ = ("unset",)
    unset: tuple[str, ...]


def _resolve(text: str, environ: Mapping[str, str]) -> str:
    """Replace `${X}` and `${X:-default}`; `$${` is a plain `${`.

    An empty variable counts as unset, as it does after `:-` in a shell.
    """
    if "${" not in text:
        return text
    unset = []

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return "${"
        given = environ.get(found[1], "")
        if not given and found[2] is None:
            unset.append(found[1])
        return given or found[2] or ""

    resolved = _Resolved(_REFERENCE.sub(value, text))
    resolved.unset = tuple(unset)
    return resolved


class Secret:
    """A token or a webhook address: its value comes out by `reveal()` and in no other way.

    In a file it is a string, `${ENV}` or `{file: PATH}` (relative to the configuration). A variable that
    is not set is no mistake, only an unset secret: whoever needs the value decides (Slack falls back
    to the console).
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: str | None, origin: str = "") -> None:
        self._value = value
        self.origin = origin  # for messages: "${SLACK_BOT_TOKEN}", a path, or nothing for a literal

    def reveal(self) -> str | None:
        """The value; None where the variable is not set."""
        return self._value

    @property
    def is_set(self) -> bool:
        return self._value is not None

    def __bool__(self) -> bool:
        return self.is_set

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(hidden)" if self.is_set else f"Secret(unset {self.origin})"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _secret, serialization=core_schema.plain_serializer_function_ser_schema(repr)
        )


@dataclass(slots=True)
class _Surroundings:
    """What validators may need to know of the file being read; pydantic hands it to them as the context."""

    directory: Path
    environ: Mapping[str, str]
    secrets: set[int] = field(default_factory=set)  # id() of the strings that went into a Secret


def _secret(value: object, validation: ValidationInfo) -> Secret:
    """Error messages here never contain the value: it may be the token itself, in the wrong shape."""
    around = validation.context if isinstance(validation.context, _Surroundings) else None
    if isinstance(value, Secret):
        return value
    if isinstance(value, Mapping) and set(value) == {"file"} and isinstance(value["file"], str):
        return _secret_of_file((around.directory if around else Path()) / value["file"])
    if not isinstance(value, str):
        raise PydanticCustomError("secret", "expected a string, ${{NAME}} or {{file: PATH}}")
    resolved = value if around else _resolve(value, {})
    if around:
        around.secrets.add(id(value))
    if isinstance(resolved, _Resolved) and resolved.unset:
        return Secret(None, ", ".join(f"${{{name}}}" for name in resolved.unset))
    if not resolved.strip():
        raise PydanticCustomError("secret", "is empty; expected a string, ${{NAME}} or {{file: PATH}}")
    return Secret(str(resolved.strip()))


def _secret_of_file(path: Path) -> Secret:
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "no such file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise _refusal(f"the secret's file {path} cannot be read: {error.strerror}") from error
    try:
        text = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(raw) > MAX_SECRET_BYTES or len(text.splitlines()) != 1:
        raise _refusal(f"the secret's file {path} must hold one line of text")
    return Secret(text, str(path))


def _refusal(message: str) -> PydanticCustomError:
    return PydanticCustomError("secret", "{message}", {"message": message})


# --- YAML, with lines -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain dicts, lists and scalars, and the line on which each of them begins."""

    path: Path
    tree: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def problem(self, at: KeyPath, message: str, severity: Severity = "error") -> Problem:
        """A problem at a place in the file; a place that is not there gets the line of what surrounds it."""
        known = next((at[:n] for n in range(len(at), 0, -1) if at[:n] in self.lines), ())
        return Problem(severity, str(self.path), self.lines.get(known), self._spelled(at), message)

    def _spelled(self, at: KeyPath) -> str:
        """`sources[le-monde].url`: a list's member is called by its id where it has one."""
        node: Any = self.tree
        spelled = ""
        for part in at:
            node = _step(node, part)
            if isinstance(part, int):
                name = node.get("id") if isinstance(node, dict) else None
                spelled += f"[{name if isinstance(name, str) else part}]"
            else:
                spelled += f".{part}" if spelled else part
        return spelled


def _step(node: Any, part: Key) -> Any:
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


# --- from a document to a model -------------------------------------------------------------------


def read(path: Path, model: type[M], environ: Mapping[str, str]) -> M:
    """The file as a value of `model`; ConfigError with all its problems otherwise."""
    return fit(open_document(path), model, environ)


def fit(document: Document, model: type[M], environ: Mapping[str, str]) -> M:
    """Check a document against a model, with `${ENV}` replaced."""
    around = _Surroundings(document.path.parent, environ)
    tree = _resolved(document.tree, environ)
    try:
        value = model.model_validate(tree, context=around)
        problems = []
    except ValidationError as error:
        # not "from error": pydantic's own text repeats the input, and that may be a token
        problems = _problems(document, model, error.errors(include_url=False))
    unset = _unset(document, tree, around.secrets)
    if unset or problems:
        said = {problem.key for problem in unset}
        raise ConfigError([*unset, *(p for p in problems if p.key not in said)]) from None
    return value


def _resolved(node: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _resolved(value, environ) for key, value in node.items()}
    if isinstance(node, list):
        return [_resolved(value, environ) for value in node]
    return _resolve(node, environ) if isinstance(node, str) else node


def _unset(document: Document, node: Any, secrets: set[int], at: KeyPath = ()) -> list[Problem]:
    if isinstance(node, dict):
        return [p for key, value in node.items() for p in _unset(document, value, secrets, (*at, key))]
    if isinstance(node, list):
        return [p for n, value in enumerate(node) for p in _unset(document, value, secrets, (*at, n))]
    if not isinstance(node, _Resolved) or not node.unset or id(node) in secrets:
        return []
    first, names = node.unset[0], ", ".join(node.unset)
    message = f"the environment variable {names} is not set; set it, or give a default: ${{{first}:-…}}"
    return [document.problem(at, message)]


def _problems(document: Document, model: type[BaseModel], errors: Sequence[ErrorDetails]) -> list[Problem]:
    """One problem a place: a union tells once for each of its members, and a person wants to hear it once."""
    told: dict[KeyPath, list[str]] = {}
    for error in errors:
        messages = told.setdefault(_place(document.tree, error), [])
        message = _message(model, error)
        if message not in messages:
            messages.append(message)
    return [document.problem(place, "; or ".join(messages)) for place, messages in told.items()]


def _place(tree: Any, error: ErrorDetails) -> KeyPath:
    """pydantic's location without what is not in the file: names of union members, marks for keys."""
    node = tree
    place: KeyPath = ()
    loc = error["loc"]
    for n, part in enumerate(loc):
        there = part in node if isinstance(node, dict) else isinstance(node, list) and isinstance(part, int)
        if there or (error["type"] == "missing" and n == len(loc) - 1):
            place = (*place, part)
            node = _step(node, part)
    return place


def _message(model: type[BaseModel], error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), _keys_at(model, error["loc"][:-1]))
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    if kind in {"literal_error", "enum"}:
        given = error["input"]
        near = difflib.get_close_matches(str(given), re.findall(r"'([^']*)'", message), 1)
        return f"{message}, not {_shown(given)}" + (f"; did you mean `{near[0]}`?" if near else "")
    return message


def _unknown(key: str, valid: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, [name for name in valid if name != key], 1, cutoff=0.6)
    if near:
        return f"unknown key; did you mean `{near[0]}`?"
    return f"unknown key; possible here: {', '.join(valid)}" if valid else "unknown key"


def _keys_at(model: type[BaseModel], loc: Sequence[Key]) -> list[str]:
    """The keys that the model knows at a place; of several possible models, the keys of all."""
    models = [model]
    for part in loc:
        inner = [found for one in models for found in _models_of(one, part)]
        tagged = [one for one in models if _has_tag(one, part)]
        models = inner or tagged or models
    return list(dict.fromkeys(name for one in models for name in _names(one)))


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, about in model.model_fields.items():
        yield about.alias or name


def _models_of(model: type[BaseModel], part: Key) -> list[type[BaseModel]]:
    for name, about in model.model_fields.items():
        if part == (about.alias or name):
            return list(_models_in(about.annotation))
    return []


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _has_tag(model: type[BaseModel], part: Key) -> bool:
    """Is this the member of a union that pydantic calls by the value of its `kind`?"""
    return any(part in get_args(about.annotation) for about in model.model_fields.values())
