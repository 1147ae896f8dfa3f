"""Read a configuration file as a model, and say exactly where a mistake is.

Lives here: the way from pydantic's errors to a file, a line, a key and what was expected. Not here: the YAML
dialect (`documents`), durations and secrets (`values`), and what the keys mean: those models live with their
owners (`Source` in `crawler.sources`, `Watch` in `alerts.watches`), and `scheduler.settings` joins the files.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.documents import ConfigError, Document, Key, KeyPath, Problem, Severity, open_document, step
from config.values import Duration, Resolved, Secret, Surroundings, duration, resolve, shown

__all__ = [
    "ConfigError",
    "Duration",
    "Keys",
    "Problem",
    "Secret",
    "Severity",
    "duration",
    "fit",
    "open_document",
    "read",
]

M = TypeVar("M", bound=BaseModel)


class Keys(BaseModel):
    """What every part of the configuration has in common: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read(path: Path, model: type[M], environ: Mapping[str, str]) -> M:
    """The file as a value of `model`; ConfigError with all its problems otherwise."""
    return fit(open_document(path), model, environ)


def fit(document: Document, model: type[M], environ: Mapping[str, str]) -> M:
    """Check a document against a model, with `${ENV}` replaced."""
    around = Surroundings(document.path.parent, environ)
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
    return resolve(node, environ) if isinstance(node, str) else node


def _unset(document: Document, node: Any, secrets: set[int], at: KeyPath = ()) -> list[Problem]:
    if isinstance(node, dict):
        return [p for key, value in node.items() for p in _unset(document, value, secrets, (*at, key))]
    if isinstance(node, list):
        return [p for n, value in enumerate(node) for p in _unset(document, value, secrets, (*at, n))]
    if not isinstance(node, Resolved) or not node.unset or id(node) in secrets:
        return []
    first, names = node.unset[0], ", ".join(node.unset)
    message = f"the environment variable {names} is not set; set it, or give a default: ${{{first}:-…}}"
    return [document.problem(at, message)]


def _problems(document: Document, model: type[BaseModel], errors: Sequence[ErrorDetails]) -> list[Problem]:
    """One problem a place: a union tells once for each of its members, and a person wants to hear it once."""
    told: dict[KeyPath, list[str]] = {}
    places = [_place(document.tree, error) for error in errors]
    for error, place in zip(errors, places, strict=True):
        if error["type"] == "too_short" and any(p[: len(place)] == place != p for p in places):
            continue  # short of the members that are wrong, and that is told already
        messages = told.setdefault(place, [])
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
            node = step(node, part)
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
        return f"{message}, not {shown(given)}" + (f"; did you mean `{near[0]}`?" if near else "")
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
