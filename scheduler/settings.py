"""Settings: the four files of the configuration, read together and checked against each other.

Lives here: `daemon.yaml` as a whole, the defaults of `sources.yaml`, what one file says of another, and what
is accepted although its capability is not there yet. Not here: what the keys mean (`crawler.sources`,
`crawler.network`, `alerts.watches`, `alerts.channels`, …), the YAML itself (`config.reading`).

`load` builds everything anew or raises with all problems it found: a reload either replaces the settings as a
whole or changes nothing.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

import config
from alerts.alerting import Backlog, Limits
from alerts.channels import Channel, ChannelsFile, DeliveryHabits, falls_back
from alerts.features import EventsFile
from alerts.query import Members, QueryError, Sets, parse
from alerts.routes import Destination, channel_of
from alerts.stories import StoryHabits
from alerts.watches import WatchesFile
from config.documents import Document, KeyPath
from config.reading import ConfigError, Duration, Keys, Problem, Secret, fit, open_document, read
from crawler.network import USER_AGENT, Network
from crawler.packs import Use
from crawler.sources import FetchArticles, HeaderName, HeaderValue, Publisher, Source, SourceId
from crawler.urls import absolute

FILES = ("sources.yaml", "watches.yaml", "channels.yaml", "daemon.yaml", "events.yaml")
_MAY_BE_MISSING = frozenset({"channels.yaml", "daemon.yaml", "events.yaml"})

M = TypeVar("M", bound=BaseModel)


# --- daemon.yaml


def _listening(value: str) -> str:
    """`127.0.0.1:8765`, `[::1]:8765`; ValueError says what was expected."""
    try:
        parts = urlsplit(f"//{value}")
        fine = parts.netloc == value and bool(parts.hostname) and parts.port is not None and "@" not in value
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"expected an address and a port such as 127.0.0.1:8765, not {value!r:.60}")
    return value


class Http(Keys):
    """The `http:` part: where /healthz, /metrics and the status page are served."""

    listen: Annotated[str, AfterValidator(_listening)] | None = "127.0.0.1:8765"

    @property
    def address(self) -> tuple[str, int] | None:
        parts = urlsplit(f"//{self.listen}") if self.listen else None
        return (parts.hostname or "", parts.port or 0) if parts else None


class Retention(Keys):
    """The `retention:` part: how long what we know is kept, and the raw documents it came from."""

    entries: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=365)
    raw: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(days=30)


class Daemon(Keys):
    """`daemon.yaml`."""

    network: Network = Network()
    http: Http | None = Http()  # None: no port is opened
    retention: Retention = Retention()
    delivery: DeliveryHabits = DeliveryHabits()
    stories: StoryHabits = StoryHabits()
    limits: Limits = Limits()
    backlog: Backlog = Backlog()


# --- sources.yaml


class SourceDefaults(Keys):
    """What a source says of itself unless its own section says otherwise."""

    every: Duration | None = None
    timeout: Duration | None = None
    articles: FetchArticles | None = None
    publisher: Publisher | None = None
    tier: Annotated[int, Field(ge=1, le=3)] | None = None
    headers: dict[HeaderName, HeaderValue] | None = None


class SourcesFile(Keys):
    """`sources.yaml`."""

    defaults: SourceDefaults = SourceDefaults()
    use: Use = Use()
    sources: tuple[Source, ...] = Field(min_length=1)

    def in_use(self) -> tuple[dict[SourceId, Source], dict[SourceId, str]]:
        """All of them, and by which key of `use:` some are left out; those are switched off."""
        complete = {SourceId(source.id): source for source in self.with_defaults()}
        found = ((name, self.use.leaves_out(source)) for name, source in complete.items())
        left_out = {name: key for name, key in found if key is not None}
        off = {name: complete[name].model_copy(update={"enabled": False}) for name in left_out}
        return {**complete, **off}, left_out

    def with_defaults(self) -> tuple[Source, ...]:
        """`every` is not copied: in a source it is the user's word, in the defaults a pace to adapt."""
        given = {k: v for k, v in self.defaults if v is not None and k != "every"}
        pace = self.defaults.every
        return tuple(_completed(source, given, pace) for source in self.sources)


def _completed(source: Source, given: Mapping[str, Any], pace: timedelta | None) -> Source:
    missing = {k: v for k, v in given.items() if k not in source.model_fields_set}
    completed = source.model_copy(update=missing)
    return completed.at_pace(pace) if pace is not None else completed


# --- together


@dataclass(frozen=True, slots=True)
class Settings:
    """All a person configured, checked."""

    directory: Path
    sources: Mapping[SourceId, Source]
    watches: WatchesFile
    channels: ChannelsFile
    daemon: Daemon
    events: EventsFile = field(default_factory=EventsFile, repr=False)
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False, compare=False)  # by file name
    left_out: Mapping[SourceId, str] = field(
        default_factory=dict
    )  # sources by the key of `use:` that does it

    @property
    def crawled(self) -> dict[SourceId, Source]:
        """The sources that are read."""
        return {key: s for key, s in self.sources.items() if s.enabled}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear in no log."""
        given = [s for channel in self.channels.channels for s in (channel.token, channel.url)]
        found = (s.reveal() for s in [*given, self.channels.control.app_token] if s)
        return tuple(value for value in found if value)


def load(directory: Path, environ: Mapping[str, str]) -> Settings:
    """Read, check and join the four files; ConfigError with all that is wrong."""
    for _ in range(3):
        before = _fingerprint(directory)
        settings = _load(directory, environ)
        if _fingerprint(directory) == before:
            return settings
    raise ConfigError([Problem("error", str(directory), None, "", "changes while it is read; try again")])


def _fingerprint(directory: Path) -> list[tuple[int, int, int] | None]:
    """Old channels with new watches may fit together and yet be nothing anybody wrote."""
    found: list[tuple[int, int, int] | None] = []
    for name in FILES:
        try:
            about = (directory / name).stat()
            found.append((about.st_ino, about.st_size, about.st_mtime_ns))
        except OSError:
            found.append(None)
    return found


def _load(directory: Path, environ: Mapping[str, str]) -> Settings:
    reading = _Reading(directory, environ)
    sources = reading.file("sources.yaml", SourcesFile)
    watches = reading.file("watches.yaml", WatchesFile)
    channels = reading.file("channels.yaml", ChannelsFile, console_only)
    daemon = reading.file("daemon.yaml", Daemon, Daemon)
    events = reading.file("events.yaml", EventsFile, shipped_events)
    if sources is not None:
        reading.problems += _about_sources(reading.documents["sources.yaml"], sources)
    if watches is not None and channels is not None:
        reading.problems += _about_watches(reading.documents["watches.yaml"], watches, channels)
    if (
        reading.problems
        or sources is None
        or watches is None
        or channels is None
        or daemon is None
        or events is None
    ):
        raise ConfigError(reading.problems)
    by_id, left_out = sources.in_use()
    return Settings(directory, by_id, watches, channels, daemon, events, reading.documents, left_out)


def with_watches(settings: Settings, path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings as they would be with this file for watches.yaml; ConfigError with all that is wrong."""
    reading = _Reading(path.parent, environ)
    watches = reading.file(path.name, WatchesFile)
    if watches is not None:
        reading.problems += _about_watches(reading.documents[path.name], watches, settings.channels)
    if watches is None or reading.problems:
        raise ConfigError(reading.problems)
    documents = {**settings.documents, "watches.yaml": reading.documents[path.name]}
    return replace(settings, watches=watches, documents=documents)


def shipped_events() -> EventsFile:
    """Without an events.yaml, the lists that came with us."""
    return read(Path(str(config.__file__)).parent / "events.yaml", EventsFile, {})


def console_only() -> ChannelsFile:
    """Without a channels.yaml, everybody is told on the console."""
    here = tuple(Channel(id=name, kind="console") for name in ("news", "ops"))
    return ChannelsFile(channels=here, ops="ops")


class _Reading:
    """Reads file after file and goes on after a mistake, so that a person hears of all of them at once."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self.directory, self.environ = directory, environ
        self.documents: dict[str, Document] = {}
        self.problems: list[Problem] = []

    def file(self, name: str, model: type[M], fall_back: Callable[[], M] | None = None) -> M | None:
        path = self.directory / name
        if fall_back is not None and name in _MAY_BE_MISSING and not path.exists():
            return fall_back()
        try:
            document = self.documents[name] = open_document(path)
        except ConfigError as error:
            self.problems += error.problems
            return None
        exact = [*_duplicates(document), *(_about_queries(document) if model is WatchesFile else ())]
        try:
            value = fit(document, model, self.environ)
        except ConfigError as error:
            # models that look at their whole file can say what is wrong with it, not on which line
            exact += [problem for problem in error.problems if problem.key or not exact]
        self.problems += exact
        return value if not exact else None


# --- what one part says of another


def _duplicates(document: Document) -> Iterator[Problem]:
    """Two sections of one id, in any of the files that are lists of sections."""
    for name, rows in document.tree.items():
        first: dict[str, KeyPath] = {}
        for n, row in enumerate(rows if isinstance(rows, list) else ()):
            given = row.get("id") if isinstance(row, dict) else None
            at: KeyPath = (name, n, "id")
            if isinstance(given, str) and given in first:
                line = document.lines[first[given]]
                yield document.problem(at, f"the id `{given}` is given twice (first on line {line})")
            elif isinstance(given, str):
                first[given] = at


def _about_queries(document: Document) -> Iterator[Problem]:
    """Queries that cannot be read, each with its line; all else that is wrong is left to the model."""
    tree = document.tree
    listed = tree.get("sets", {})
    members: dict[str, Members] = listed if isinstance(listed, dict) else {}
    sets = Sets({name: given for name, given in members.items() if _could_be_members(given)})
    for name in sets.members:
        try:
            sets.node(name)
        except ValueError as error:
            yield document.problem(("sets", name), str(error))
    for at, text in _queries(tree):
        try:
            parse(text, sets)
        except QueryError as error:
            yield document.problem(at, str(error))


def _could_be_members(given: object) -> bool:
    if isinstance(given, dict):
        return all(isinstance(v, list) and _could_be_members(v) for v in given.values())
    return isinstance(given, str) or (isinstance(given, list) and all(isinstance(v, str) for v in given))


def _queries(tree: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    watches = tree.get("watches")
    for n, watch in enumerate(watches if isinstance(watches, list) else ()):
        rules = watch.get("rules") if isinstance(watch, dict) else None
        for m, rule in enumerate(rules if isinstance(rules, list) else ()):
            if isinstance(rule, dict) and isinstance(rule.get("query"), str):
                yield ("watches", n, "rules", m, "query"), rule["query"]


def _about_sources(document: Document, file: SourcesFile) -> Iterator[Problem]:
    for n, source in enumerate(file.sources):
        at: KeyPath = ("sources", n)
        if absolute(source.url) is None:
            yield document.problem((*at, "url"), "expected an address such as https://example.org/feed.xml")
        if source.kind == "api" and source.api is None:
            yield document.problem(
                (*at, "kind"), "`kind: api` needs `api:`, with a preset or keys of your own"
            )
        for kind in ("page", "api"):
            if getattr(source, kind) is not None and source.kind != kind:
                yield document.problem(
                    (*at, kind), f"these keys belong to `kind: {kind}`, not to `{source.kind}`"
                )
    yield from _about_use(document, file)


def _about_use(document: Document, file: SourcesFile) -> Iterator[Problem]:
    """What no source answers to would leave out everything, or nothing, and nobody would notice."""
    complete = file.with_defaults()
    tags = {tag for source in complete for tag in source.tags}
    there: Mapping[str, tuple[str, set[Any]]] = {
        "languages": ("language", {source.language for source in complete if source.language}),
        "tiers": ("tier", {source.tier for source in complete}),
        "tags": ("tag", tags),
        "without": ("tag", tags),
    }
    unknown = False
    for key, (what, known) in there.items():
        for n, value in enumerate(getattr(file.use, key) or ()):
            if value not in known:
                unknown = True
                said = f"no source has the {what} `{value}`; {_meant(str(value), sorted(map(str, known)))}"
                yield document.problem(("use", key, n), said)
    read, left_out = file.in_use()
    if left_out and not unknown and not any(source.enabled for source in read.values()):
        yield document.problem(("use",), f"leaves out all of the {len(left_out)} sources")


def _meant(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given.casefold(), known, 1)
    return f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known) or 'none'}"


def _about_watches(document: Document, file: WatchesFile, channels: ChannelsFile) -> Iterator[Problem]:
    known = {channel.id for channel in channels.channels}
    for n, watch in enumerate(file.watches):
        at: KeyPath = ("watches", n)
        yield from _unknown_channels(document, (*at, "channels"), watch.channels, known)
        for m, rule in enumerate(watch.rules):
            yield from _unknown_channels(document, (*at, "rules", m, "channels"), rule.channels or (), known)


def _unknown_channels(
    document: Document, at: KeyPath, named: Iterable[Destination], known: Iterable[str]
) -> Iterator[Problem]:
    for n, destination in enumerate(named):
        name = channel_of(destination)
        if name not in known:
            there = ", ".join(sorted(known))
            where = (*at, n) if isinstance(destination, str) else (*at, n, "to")
            yield document.problem(where, f"channels.yaml has no channel `{name}`; there are: {there}")


# --- accepted, but


def remarks(settings: Settings) -> list[Problem]:
    """No mistakes, and yet worth a word: what is not in force, what falls back, what lies open."""
    return [
        *not_yet_in_force(settings),
        *_about_contact(settings),
        *_about_channels(settings),
        *_about_control(settings),
        *_about_nobody(settings),
        *_about_digests(settings),
    ]


def not_yet_in_force(settings: Settings) -> list[Problem]:
    """What the files say and this version does not do yet; only what a person wrote, not our defaults."""
    return [
        document.problem(at, f"not yet in force: {what}", "note")
        for name, at, what in _not_in_force(settings)
        if (document := settings.documents.get(name)) is not None and at in document
    ]


_LATER_IN_DAEMON: Mapping[KeyPath, str] = {
    ("retention",): "nothing is deleted yet",
}


def _not_in_force(settings: Settings) -> Iterator[tuple[str, KeyPath, str]]:
    for at, what in _LATER_IN_DAEMON.items():
        yield "daemon.yaml", at, what


def _about_contact(settings: Settings) -> Iterator[Problem]:
    """Who has to know whom to write to; the SEC turns others away."""
    document = settings.documents.get("sources.yaml")
    if document is None or settings.daemon.network.user_agent != USER_AGENT:
        return
    for n, source in enumerate(settings.sources.values()):
        if source.enabled and source.api is not None and source.api.preset == "edgar":
            said = "the SEC refuses whoever names no contact; set `network: user_agent` in daemon.yaml"
            yield document.problem(("sources", n, "api"), said, "warning")


def _about_channels(settings: Settings) -> Iterator[Problem]:
    document = settings.documents.get("channels.yaml")
    if document is None:
        return
    for n, channel in enumerate(settings.channels.channels):
        key = {"slack": "token", "webhook": "url"}.get(channel.kind, "")
        secret: Secret | None = getattr(channel, key) if key else None
        if falls_back(channel):
            yield document.problem(
                ("channels", n, key), "is not set; this channel writes to the console", "note"
            )
        elif secret and _is_written_out(document, ("channels", n, key)):
            yield document.problem(
                ("channels", n, key),
                "lies open in this file; ${NAME} or {file: PATH} keeps it apart",
                "warning",
            )


def _about_control(settings: Settings) -> Iterator[Problem]:
    document, at = settings.documents.get("channels.yaml"), ("control", "app_token")
    if document is None or ("control",) not in document:
        return
    if not settings.channels.control.in_force:
        yield document.problem(at, "is not set; alerts have no buttons", "note")
    elif _is_written_out(document, at):
        yield document.problem(
            at, "lies open in this file; ${NAME} or {file: PATH} keeps it apart", "warning"
        )


def _is_written_out(document: Document, at: KeyPath) -> bool:
    node: Any = document.tree
    for part in at:
        node = node[part]
    return isinstance(node, str) and "${" not in node


def _about_nobody(settings: Settings) -> Iterator[Problem]:
    document = settings.documents["watches.yaml"]
    for n, watch in enumerate(settings.watches.watches):
        for m, rule in enumerate(watch.rules):
            at = ("watches", n, "rules", m)
            if not watch.destinations(rule.id):
                said = "has no channels, nor has its watch: nobody is told of it"
                yield document.problem(at, said, "warning")
            elif not watch.may_be_told(rule):
                said = f"none of its channels takes the level {rule.level}: nobody is told of it"
                yield document.problem(at, said, "warning")


def _about_digests(settings: Settings) -> Iterator[Problem]:
    """When the digest is sent where nobody said it, and where none will be although one is waited for."""
    told = {
        name
        for watch in settings.watches.watches
        for rule in watch.rules
        if rule.level == "digest" and not rule.shadow
        for name in watch.may_be_told(rule)
    }
    document = settings.documents.get("channels.yaml")
    for n, channel in enumerate(settings.channels.channels):
        if channel.id not in told or document is None:
            continue
        at = ("channels", n, "digest")
        if channel.digest is None:
            yield document.problem(at, "null: what rules of level digest hold is never sent", "warning")
        elif "digest" not in channel.model_fields_set:
            said = f"not given; the digest is sent at {channel.digest.at:%H:%M} {channel.digest.timezone}"
            yield document.problem(("channels", n), said, "note")
