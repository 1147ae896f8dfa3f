"""Section: a source as `sources.yaml` has it, and how new ones get into the file.

Lives here: ids for new sources, how a section is spelled, where in the file it goes. Not here: where the
sources come from (`crawler.opml`), what the keys mean (`crawler.sources`).

The file belongs to whoever edits it. It is added to as text, so that comments, order and spelling of what is
there stay as they are; nothing is ever taken out of it.
"""

import json
import re
import tempfile
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.documents import Document
from config.reading import ConfigError, Problem, open_document, read
from crawler.plain import clip, line
from crawler.sources import Kind
from crawler.urls import canonical, host
from scheduler.adopting import exchange
from scheduler.settings import SourcesFile

FILE = "sources.yaml"
LONGEST_ID = 60
LONGEST_NAME = 200

# As short and as plain as this, a text needs no quotes in YAML …
_PLAIN = re.compile(r"[A-Za-z][\w ./+-]*[\w.+-]|[A-Za-z]")
# … unless YAML, old or new, takes it for something else.
_TAKEN = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class Section:
    """A source that is new to the file."""

    id: str
    name: str
    kind: Kind
    url: str
    language: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source somebody would like to have, before it has an id."""

    name: str
    url: str
    kind: Kind = "feed"
    language: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SortedOut:
    """What is new of what was wanted, and what is there already."""

    new: tuple[Section, ...]
    known: tuple[tuple[Wanted, str], ...]  # with the id it has


def sort_out(wanted: Iterable[Wanted], there: Mapping[str, str]) -> SortedOut:
    """`there`: the addresses of the sources that are there, by id. An address is wanted once."""
    ids = set(there)
    known_as = {canonical(url) or url: key for key, url in there.items()}
    new: list[Section] = []
    known: list[tuple[Wanted, str]] = []
    for one in wanted:
        address = canonical(one.url) or one.url
        if address in known_as:
            known.append((one, known_as[address]))
            continue
        name = clip(line(one.name), LONGEST_NAME) or host(one.url)
        key = free_id(name, one.url, ids)
        ids.add(key)
        known_as[address] = key
        new.append(Section(key, name, one.kind, one.url, one.language, _tags(one.tags)))
    return SortedOut(tuple(new), tuple(known))


def _tags(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for each in given if (tag := _slug(each) or line(each)[:LONGEST_ID])))


def free_id(name: str, url: str, taken: Collection[str]) -> str:
    """A slug that tells people which source it is: its name, or its host if that is in another script."""
    wanted = _slug(name) or _slug(host(url).removeprefix("www.")) or "source"
    numbered = (f"{wanted}-{n}" for n in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(one for one in numbered if one not in taken)


def _slug(text: str) -> str:
    """`Le Monde — Économie` → `le-monde-economie`; "" where less than half of its letters are Latin ones."""
    letters = [character for character in text if character.isalnum()]
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")
    if 2 * len(slug.replace("-", "")) < len(letters):
        return ""
    return slug[:LONGEST_ID].rstrip("-")


# ---- as text


def spelled(sections: Sequence[Section], indent: int = 2) -> str:
    """The sections as members of the list `sources:`, one key a line, an empty line between them."""
    margin = " " * indent
    return "\n".join(
        "".join(f"{margin}{'  ' if n else '- '}{key}: {value}\n" for n, (key, value) in enumerate(_keys(one)))
        for one in sections
    )


def _keys(section: Section) -> Iterator[tuple[str, str]]:
    yield "id", _scalar(section.id)
    if section.name != section.id:
        yield "name", _scalar(section.name)
    yield "kind", section.kind
    yield "url", _address(section.url)
    if section.language:
        yield "language", _scalar(section.language)
    if section.tags:
        yield "tags", f"[{', '.join(map(_scalar, section.tags))}]"


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.isascii() and text.lower() not in _TAKEN:
        return text
    return _quoted(text)


def _address(url: str) -> str:
    return url if re.fullmatch(r"https?://[\w.:/?=&~+%,;@!*()-]*[\w/]", url) else _quoted(url)


def _quoted(text: str) -> str:
    """JSON's strings are YAML's; and what looks like `${ENV}` is none."""
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)


# ---- into the file


def append(sections: Sequence[Section], directory: Path, environ: Mapping[str, str]) -> None:
    """Adds the sections to the end of `sources:`. Whoever reads meanwhile finds the old file or the new one.

    ConfigError where the file has mistakes, or would have some, or is not written one source below the other.
    """
    path = directory / FILE
    document = open_document(path)
    fresh = _with(document, sections)
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place) / FILE
        trial.write_bytes(fresh)
        _check(trial, path, document, sections, environ)
        exchange(trial, path)


def _check(
    trial: Path, path: Path, before: Document, sections: Sequence[Section], environ: Mapping[str, str]
) -> None:
    """The new file is valid, has all that was there, and the new sections behind it."""
    try:
        read(trial, SourcesFile, environ)
        after = open_document(trial).tree
    except ConfigError as error:
        moved = [Problem(p.severity, str(path), p.line, p.key, p.message) for p in error.problems]
        raise ConfigError(moved) from error
    there, now = before.tree["sources"], after["sources"]
    kept = now[: len(there)] == there and [one["id"] for one in now[len(there) :]] == [s.id for s in sections]
    rest = {k: v for k, v in before.tree.items() if k != "sources"}
    if not kept or {k: v for k, v in after.items() if k != "sources"} != rest:
        raise _cannot_add(before)


def _with(document: Document, sections: Sequence[Section]) -> bytes:
    text = document.path.read_bytes().decode("utf-8-sig")
    rows = text.splitlines(keepends=True)
    first = document.lines.get(("sources", 0))
    dash = re.match(r"( *)-(?: |$)", rows[first - 1].rstrip("\r\n")) if first else None
    if dash is None:
        raise _cannot_add(document)
    end = "\r\n" if rows[0].endswith("\r\n") else "\n"
    at = _end_of_sources(document, rows)
    if at and not rows[at - 1].endswith(("\n", "\r")):
        rows[at - 1] += end
    added = "\n" + spelled(sections, len(dash[1]))
    behind = [end] if at < len(rows) and rows[at].strip() else []
    fresh = [*rows[:at], added.replace("\n", end), *behind, *rows[at:]]
    return "".join(fresh).encode()


def _end_of_sources(document: Document, rows: Sequence[str]) -> int:
    """How many rows stand before the end of the last source: empty rows and comments behind it come after."""
    begins = document.lines["sources",]
    others = [line for place, line in document.lines.items() if len(place) == 1 and line > begins]
    at = min(others) - 1 if others else len(rows)
    while at and (not rows[at - 1].strip() or rows[at - 1].startswith("#")):
        at -= 1
    return at


def _cannot_add(document: Document) -> ConfigError:
    message = "expected one source below the other, each behind a `-`; paste the new ones by hand"
    return ConfigError([document.problem(("sources",), message)])
