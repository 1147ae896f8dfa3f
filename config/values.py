"""Values a person writes: durations, `${ENV}`, secrets.

Lives here: their spelling, and that a secret never shows. Not here: files (`documents`, `reading`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import PydanticCustomError, core_schema

MAX_SECRET_BYTES = 64 * 1024

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s?([smhdw])", re.ASCII)
_LONGEST = 36500 * 86400


def duration(value: object) -> timedelta:
    """`30s`, `5m`, `24h`, `30d`, `2w` or 0 as a timedelta; ValueError says what was expected."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip() == "0":
        return timedelta(0)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"expected a duration such as 30s, 5m, 24h or 30d, not {shown(value)}")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST:
        raise ValueError(f"expected a duration of at most 100 years, not {shown(value)}")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(duration)]


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Resolved(str):
    """A string in which `${ENV}` was replaced; `unset` names the variables that had no value."""

    __slots__ = ("unset",)
    unset: tuple[str, ...]


def resolve(text: str, environ: Mapping[str, str]) -> str:
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

    resolved = Resolved(_REFERENCE.sub(value, text))
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
class Surroundings:
    """What validators may need to know of the file being read; pydantic hands it to them as the context."""

    directory: Path
    environ: Mapping[str, str]
    secrets: set[int] = field(default_factory=set)  # id() of the strings that went into a Secret


def _secret(value: object, validation: ValidationInfo) -> Secret:
    """Error messages here never contain the value: it may be the token itself, in the wrong shape."""
    around = validation.context if isinstance(validation.context, Surroundings) else None
    if isinstance(value, Secret):
        return value
    if isinstance(value, Mapping) and set(value) == {"file"} and isinstance(value["file"], str):
        return _secret_of_file((around.directory if around else Path()) / value["file"])
    if not isinstance(value, str):
        raise PydanticCustomError("secret", "expected a string, ${{NAME}} or {{file: PATH}}")
    resolved = value if around else resolve(value, {})
    if around:
        around.secrets.add(id(value))
    if isinstance(resolved, Resolved) and resolved.unset:
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
