"""The command line: what a person or a script may ask of Tocsin.

Lives here: commands, their options, exit codes, and how an answer looks in a terminal. Not here: the answers
(`alerts.explanation`, `scheduler.status`, …). docs/contract.md lists what outsiders may hold on to.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from enum import IntEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

import config
from alerts import explanation, ledger, outbox
from alerts.evaluation import CorpusError, Report, evaluate, read_corpus
from alerts.explanation import Why
from alerts.matching import Matcher
from alerts.notifications import DeliveryId
from alerts.query import QueryError, parse
from alerts.silences import Aim, Silence
from alerts.watches import Rule, Watch
from config.reading import ConfigError, Problem, duration
from crawler.articles import Article
from crawler.sources import Source, SourceId
from scheduler import assembly, checking, demo, logs, once, status
from scheduler.daemon import AlreadyRunning, Daemon, sole_daemon_of, sole_instance, utc_now
from scheduler.database import DatabaseUnusable, database_url, open_database
from scheduler.settings import Settings, load

log = structlog.get_logger(__name__)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="An alarm bell for news: watches feeds in many languages and tells a Slack channel, once per story, "
    "with the reason.",
)
sources_app = typer.Typer(
    no_args_is_help=False, invoke_without_command=True, help="The sources and their health."
)
silence_app = typer.Typer(no_args_is_help=True, help="What stays quiet, until when, by whom.")
dead_app = typer.Typer(no_args_is_help=True, help="Deliveries that were given up.")
app.add_typer(sources_app, name="sources")
app.add_typer(silence_app, name="silence")
app.add_typer(dead_app, name="dead")

P = ParamSpec("P")


class Exit(IntEnum):
    """Exit codes, as promised in docs/contract.md."""

    FINE = 0
    UNEXPECTED = 1
    USAGE = 2  # or configuration
    SOMETHING_FAILED = 3  # done, but something failed that the output names
    ALREADY_RUNNING = 4
    INTERRUPTED = 130


def _default_config() -> Path:
    """`config/` of the checkout we stand in, else the one that was installed with us."""
    here = Path("config")
    return here if (here / "sources.yaml").is_file() else Path(str(config.__file__)).parent


def _default_data() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "tocsin"


ConfigDir = Annotated[
    Path,
    typer.Option(
        "--config", envvar="TOCSIN_CONFIG", default_factory=_default_config, help="The four YAML files."
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        "--data", envvar="TOCSIN_DATA", default_factory=_default_data, help="Where the memory lies."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
LogFormat = Annotated[
    logs.Form, typer.Option("--log-format", envvar="TOCSIN_LOG_FORMAT", help="text or json")
]
LogLevel = Annotated[
    logs.Level, typer.Option("--log-level", envvar="TOCSIN_LOG_LEVEL", help="debug, info, warning, error")
]


# ---- errors


def _stop(code: Exit, message: str) -> NoReturn:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(code)


def command(function: Callable[P, None]) -> Callable[P, None]:
    """What may go wrong in any command, said in one line with the exit code that was promised for it."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except (ConfigError, QueryError, CorpusError) as error:
            _stop(Exit.USAGE, str(error))
        except AlreadyRunning as error:
            _stop(Exit.ALREADY_RUNNING, str(error))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has seen enough
        except (DatabaseUnusable, OSError) as error:
            _stop(Exit.UNEXPECTED, str(error))
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None

    return guarded


# ---- what commands share


def _open(data: Path) -> Engine:
    override = os.environ.get("TOCSIN_DATABASE_URL")
    if not override:
        data.mkdir(parents=True, exist_ok=True)
    return open_database(database_url(data, override))


def _print_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _terminal() -> Console:
    """Plain text where it is no terminal or NO_COLOR is set.

    What comes from outside is never read as markup.
    """
    terminal = Console(highlight=False, soft_wrap=True)
    return terminal if terminal.is_terminal else Console(highlight=False, soft_wrap=True, width=200)


def _watch(settings: Settings, named: str | None) -> Watch:
    watches = {watch.id: watch for watch in settings.watches.watches}
    if named is None:
        return next(iter(watches.values()))
    if named not in watches:
        _stop(Exit.USAGE, f"--watch {named}: no such watch; there are: {', '.join(watches)}")
    return watches[named]


# ---- running


@app.command()
@command
def run(
    config_dir: ConfigDir,
    data: DataDir,
    duration_s: Annotated[
        float | None, typer.Option("--duration", min=0.1, help="Stop after so many seconds.")
    ] = None,
    log_format: LogFormat = "text",
    log_level: LogLevel = "info",
) -> None:
    """The daemon in the foreground.

    SIGTERM and SIGINT drain and stop, SIGHUP reads the configuration anew.
    """
    settings = load(config_dir, os.environ)
    logs.configure(log_format, log_level, settings.secrets)
    for remark in checking.fall_backs(settings):
        log.warning("channel falls back to the console", problem=str(remark))
    with sole_instance(data), closing(_Engine(data)) as opened, sole_daemon_of(opened.engine):
        daemon = Daemon(settings, opened.engine, os.environ)
        asyncio.run(_live(daemon, timedelta(seconds=duration_s) if duration_s else None))


async def _live(daemon: Daemon, duration: timedelta | None) -> None:
    """Once all is saved, an impatient second signal must not make a clean end look like a violent one."""
    await daemon.run(duration)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class _Engine:
    """An engine that is closed with its block."""

    def __init__(self, data: Path) -> None:
        self.engine = _open(data)

    def close(self) -> None:
        self.engine.dispose()


@app.command("once")
@command
def run_once(
    config_dir: ConfigDir,
    data: DataDir,
    as_json: AsJson = False,
    log_format: LogFormat = "text",
    log_level: LogLevel = "warning",
) -> None:
    """One pass: crawl every source now, screen, deliver, stop."""
    settings = load(config_dir, os.environ)
    logs.configure(log_format, log_level, settings.secrets)
    with sole_instance(data), closing(_Engine(data)) as opened, sole_daemon_of(opened.engine):
        aside = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
        with aside:  # a channel on the console writes to stdout too
            done = asyncio.run(once.one_pass(settings, opened.engine)).to_json()
    if as_json:
        _print_json(done)
    else:
        read, sent = done["sources"], done["deliveries"]
        typer.echo(
            f"{read['ok']} sources read, {read['not_modified']} unchanged, {read['failed']} failed; "
            f"{done['entries_new']} new entries, {done['matches']} matches, {done['alerts']} alerts; "
            f"{sent['sent']} sent, {sent['waiting']} waiting, {sent['dead']} dead"
        )
    if done["sources"]["failed"] or done["deliveries"]["dead"]:
        raise typer.Exit(Exit.SOMETHING_FAILED)


@app.command("demo")
@command
def run_demo(
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=demo.SHORTEST.total_seconds(), help="How long it takes, at most."),
    ] = demo.LENGTH.total_seconds(),
    log_level: LogLevel = "error",
) -> None:
    """The whole product in a minute, on a built-in world of invented sites: no account, no network."""
    logs.configure("text", log_level, ())
    try:
        asyncio.run(demo.play(timedelta(seconds=seconds), _terminal()))
    except demo.DemoFailed as error:
        _stop(Exit.SOMETHING_FAILED, str(error))


# ---- asking


@app.command()
@command
def check(
    config_dir: ConfigDir,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask Slack and fetch every source once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The configuration and its rules; with --online also whether Slack and every source answer."""
    logs.configure("text", "error", ())
    problems = checking.check(config_dir, os.environ)
    if online and not any(p.severity == "error" for p in problems):
        problems += asyncio.run(checking.check_online(load(config_dir, os.environ)))
    fine = not any(p.severity == "error" for p in problems)
    if as_json:
        _print_json({"ok": fine, "problems": [_problem_json(p) for p in problems]})
    else:
        for problem in problems:
            typer.echo(f"{problem.severity}: {problem}")
        typer.echo("ok" if fine else "not ok")
    if not fine:
        raise typer.Exit(Exit.USAGE)


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("severity", "file", "line", "key", "message")}


@app.command()
@command
def why(
    what: Annotated[str, typer.Argument(metavar="URL-or-ID", help="Address or number of an article.")],
    config_dir: ConfigDir,
    data: DataDir,
    watch: Annotated[str | None, typer.Option("--watch", help="Default: the first watch.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why an article was alerted, or why not: one answer, the parse tree, the evidence."""
    settings = load(config_dir, os.environ)
    chosen = _watch(settings, watch)
    with closing(_Engine(data)) as opened, opened.engine.connect() as connection:
        answers = explanation.why(connection, assembly.rulebook(settings), what, chosen.id)
    if as_json:
        shown = [_why_json(answer) for answer in answers]
        _print_json(shown[0] if len(shown) == 1 else {"answers": shown})
    else:
        for answer in answers:
            typer.echo("\n".join(_why_lines(answer)))


def _why_json(answer: Why) -> dict[str, Any]:
    article = answer.article
    return {
        "answer": answer.answer.value,
        "sentence": answer.sentence,
        "article": article
        and {
            "id": article.id,
            "url": article.url,
            "link": article.link,
            "title": article.title,
            "source": article.source,
            "language": article.language,
            "published": article.published,
            "seen": article.seen,
            "revision": article.number,
        },
        "page": answer.page,
        "story": answer.story,
        "tie": answer.tie,
        "deliveries": [
            {
                "id": d.id,
                "channel": d.channel,
                "state": d.state.value,
                "attempts": d.attempts,
                "sent_at": d.sent_at,
                "ts": d.ts,
            }
            for d in answer.deliveries
        ],
        "explanation": answer.explanation and answer.explanation.to_json(),
    }


def _why_lines(answer: Why) -> list[str]:
    lines = [f"{answer.answer.value}: {answer.sentence}"]
    article = answer.article
    if article is None or answer.explanation is None:
        return lines
    seen = f"seen {article.seen:%Y-%m-%d %H:%M:%S} UTC"
    lines += [
        f"article {article.id}: {article.title or '(no headline)'}",
        f"  {article.link or 'no link'} · {article.source_name} · {seen} · revision {article.number}",
        f"  page {answer.page}" + (f" · story {answer.story} ({answer.tie})" if answer.story else ""),
    ]
    lines += [
        f"  delivery {d.id} to {d.channel}: {d.state.value}, {d.attempts} attempts"
        + (f", {d.sent_at:%H:%M:%S} UTC" if d.sent_at else "")
        for d in answer.deliveries
    ]
    return [*lines, *("  " + line for line in answer.explanation.lines())]


@app.command("try")
@command
def try_query(
    query: Annotated[str, typer.Argument(help="As in watches.yaml; @sets of the configuration may be used.")],
    config_dir: ConfigDir,
    file: Annotated[
        str,
        typer.Argument(
            metavar="[FILE|-]", help="The text; a first line followed by an empty one is its title."
        ),
    ] = "-",
    as_json: AsJson = False,
) -> None:
    """A query against a text: does it match, where, and which sentence would Slack show?"""
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    sets = load(config_dir, os.environ).watches.members()
    parse(query, sets)
    trial = Watch(
        id="try", name="try", rules=(Rule(id="query", level="alert", query=query),), channels=("console",)
    )
    explained = Matcher([trial], sets).explain(_article(text), "try")
    if as_json:
        _print_json(explained.to_json())
    else:
        typer.echo("match" if explained.match else "no match")
        typer.echo("\n".join(explained.lines()))
    if not explained.match:
        raise typer.Exit(Exit.SOMETHING_FAILED)


def _article(text: str) -> Article:
    head, parted, rest = text.partition("\n\n")
    title, body = (head, rest) if parted and "\n" not in head.strip() else ("", text)
    return Article(
        id=0,
        revision=0,
        number=1,
        url=None,
        link=None,
        title=title.strip(),
        text=body.strip(),
        language=None,
        author=None,
        tags=(),
        source=SourceId("try"),
        source_name="try",
        publisher="press",
        tier=2,
        published=None,
        seen=utc_now(),
        baseline=False,
    )


@app.command("evaluate")
@command
def evaluate_corpus(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="Labelled items, one JSON object a line.")
    ],
    config_dir: ConfigDir,
    watch: Annotated[str | None, typer.Option("--watch", help="Default: the first watch.")] = None,
    as_json: AsJson = False,
) -> None:
    """A watch against a labelled corpus: how much is found, how much of what is told is right."""
    settings = load(config_dir, os.environ)
    chosen = _watch(settings, watch)
    report = evaluate(read_corpus(file), assembly.rulebook(settings).matcher, chosen.id)
    if as_json:
        _print_json(report.to_json())
    else:
        _print_report(report)


def _print_report(report: Report) -> None:
    document = report.to_json()
    table = Table("", "items", "recall", "precision", "f1", "tp", "fp", "fn", "tn", box=None)
    for name, row in [("all", document), *document["by_language"].items()]:
        figures = [row[key] for key in ("recall", "precision", "f1", "tp", "fp", "fn", "tn")]
        table.add_row(
            name,
            str(row.get("items", "")),
            *("–" if f is None else f"{f:.3f}" if isinstance(f, float) else str(f) for f in figures),
        )
    terminal = _terminal()
    terminal.print(table)
    terminal.print(
        f"recall with digest {document['recall_with_digest']}, "
        f"borderline alerted {document['borderline_alerted']}"
    )
    for decision in document["decisions"]:
        if decision["label"] == "positive" and decision["verdict"] != "alert":
            terminal.print(
                f"missed ({decision['verdict']}): {decision['id']} {decision['reason']}", markup=False
            )
        elif decision["label"] == "negative" and decision["verdict"] == "alert":
            terminal.print(f"false: {decision['id']} {decision['rule']} {decision['reason']}", markup=False)


@app.command("status")
@command
def show_status(config_dir: ConfigDir, data: DataDir, as_json: AsJson = False) -> None:
    """How things stand: sources, deliveries, the last alerts, latency."""
    settings = load(config_dir, os.environ)
    with closing(_Engine(data)) as opened, opened.engine.connect() as connection:
        picture = status.picture(connection, settings.sources, utc_now())
    if as_json:
        _print_json(picture.to_json())
    else:
        _terminal().print("\n".join(map(escape, _status_lines(picture))))


def _status_lines(picture: status.Picture) -> list[str]:
    known = picture.to_json()
    counted = ", ".join(f"{count} {state}" for state, count in sorted(picture.by_state.items())) or "none yet"
    lines = [f"sources     {counted}"]
    lines += [
        f"  {s.id}: {s.outcome}, {s.failures} in a row{f' ({s.detail})' if s.detail else ''}: {s.advice}"
        for s in picture.sources
        if s.state == "failing"
    ]
    oldest = known["oldest_waiting_s"]
    lines.append(
        "deliveries  "
        + ", ".join(f"{count} {state}" for state, count in known["deliveries"].items())
        + (f"; the oldest has waited {oldest:.0f} s" if oldest is not None else "")
    )
    lines += [f"  channel {c.id} is stopped: {c.stopped_reason}" for c in picture.channels if c.stopped_at]
    lines.append(
        f"archive     {picture.archive['entries']} entries, {picture.archive['articles']} articles, "
        f"{picture.archive['unscreened']} unscreened"
    )
    lines.append(
        "verdicts    "
        + (", ".join(f"{count} {reason}" for reason, count in picture.verdicts_24h.items()) or "none in 24 h")
    )
    told = picture.seen_to_told
    if told["p50"] is not None:
        lines.append(
            f"latency     seen to told: median {told['p50']} s, 95 % {told['p95']} s, longest {told['max']} s"
        )
    lines += [
        f"{'alerts' if n == 0 else '':11} {a.at:%Y-%m-%d %H:%M} {a.source}: {a.title[:90]}"
        for n, a in enumerate(picture.alerts[:5])
    ]
    return lines


# ---- sources


@sources_app.callback()
def sources_default(
    context: typer.Context, config_dir: ConfigDir, data: DataDir, as_json: AsJson = False
) -> None:
    """The sources and their health; without a command, the list."""
    if context.invoked_subcommand is None:
        list_sources(config_dir, data, as_json)


@sources_app.command("list")
@command
def list_sources(config_dir: ConfigDir, data: DataDir, as_json: AsJson = False) -> None:
    """Every source as it stands."""
    settings = load(config_dir, os.environ)
    with closing(_Engine(data)) as opened, opened.engine.connect() as connection:
        standing: dict[str, status.SourceStanding] = {
            s.id: s for s in status.picture(connection, settings.sources, utc_now()).sources
        }
    if as_json:
        _print_json([_source_json(s, standing.get(s.id)) for s in settings.sources.values()])
        return
    table = Table("id", "kind", "language", "state", "last fetch", "new in 24 h", "what to do", box=None)
    for source in settings.sources.values():
        s = standing.get(source.id)
        state = (
            (f"{s.state} ({s.outcome})" if s.state == "failing" else s.state)
            if s
            else "off"
            if not source.enabled
            else "new"
        )
        fetched = f"{s.fetched_at:%m-%d %H:%M:%S}" if s and s.fetched_at else ""
        table.add_row(
            source.id,
            source.kind,
            source.language or "",
            state,
            fetched,
            str(s.entries_24h) if s else "",
            s.advice if s else "",
        )
    _terminal().print(table)


def _source_json(source: Source, standing: status.SourceStanding | None) -> dict[str, Any]:
    known = {
        name: getattr(source, name) for name in ("kind", "url", "language", "publisher", "tier", "enabled")
    }
    return {
        "id": source.id,
        "name": source.name,
        **known,
        **(standing.to_json() if standing else {"state": "new" if source.enabled else "off"}),
    }


@sources_app.command("show")
@command
def show_source(
    source_id: Annotated[str, typer.Argument(metavar="ID")],
    config_dir: ConfigDir,
    data: DataDir,
    as_json: AsJson = False,
) -> None:
    """One source: what is configured, how it stands, what it announced last."""
    settings = load(config_dir, os.environ)
    source = settings.sources.get(SourceId(source_id))
    if source is None:
        _stop(Exit.USAGE, f"no source {source_id} in {config_dir / 'sources.yaml'}")
    with closing(_Engine(data)) as opened, opened.engine.connect() as connection:
        standing, entries = status.source_standing(connection, source, utc_now())
    document = _source_json(source, standing) | {"latest": entries}
    if as_json:
        _print_json(document)
    else:
        latest = document.pop("latest")
        typer.echo(
            "\n".join(f"{key:14} {value}" for key, value in document.items() if value not in (None, ""))
        )
        typer.echo(
            "\n".join(
                f"  {entry['seen_at']:%Y-%m-%d %H:%M} {entry['title']} {entry['url'] or ''}"
                for entry in latest
            )
        )


@sources_app.command("test")
@command
def fetch_source(url: str, config_dir: ConfigDir, as_json: AsJson = False) -> None:
    """Fetch an address once, as the daemon would, and show what it announces."""
    logs.configure("text", "error", ())
    settings = load(config_dir, os.environ)
    source = Source(id="test", name=url, kind="feed", url=url, articles="never")
    trial = asyncio.run(once.try_sources({SourceId("test"): source}, settings.daemon.network))["test"]
    found = {
        "outcome": trial.source.outcome,
        "detail": trial.source.detail,
        "advice": status.advice(trial.source.outcome),
        "entries": [{"title": e.title, "url": e.url, "published": e.published_at} for e in trial.entries],
    }
    if as_json:
        _print_json(found)
    else:
        typer.echo(f"{found['outcome']} {found['detail'] or ''} {found['advice']}".rstrip())
        typer.echo(
            "\n".join(
                f"  {e['published'] or 'no date'}  {e['title']}  {e['url'] or ''}" for e in found["entries"]
            )
        )
    if trial.source.failures:
        raise typer.Exit(Exit.SOMETHING_FAILED)


# ---- silences


@silence_app.command("add")
@command
def add_silence(
    aim: Annotated[Aim, typer.Argument(help="What to look at.")],
    value: Annotated[str, typer.Argument(help="Which one: an id, a domain, a word.")],
    config_dir: ConfigDir,
    data: DataDir,
    lasting: Annotated[str, typer.Option("--for", help="How long, for example 2h or 7d.")] = "24h",
    author: Annotated[str, typer.Option("--author", envvar="USER", help="Who asks for it.")] = "unknown",
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep something quiet for a while. What it holds is counted and stays on record."""
    load(config_dir, os.environ)
    try:
        length = duration(lasting)
    except ValueError as error:
        _stop(Exit.USAGE, f"--for: {error}")
    now = utc_now()
    with closing(_Engine(data)) as opened, opened.engine.begin() as connection:
        silence = ledger.add_silence(connection, aim, value, now, now + length, author, comment)
    _print_silences([silence], as_json)


@silence_app.command("list")
@command
def list_silences(
    data: DataDir,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """The silences in force."""
    with closing(_Engine(data)) as opened, opened.engine.connect() as connection:
        _print_silences(ledger.list_silences(connection, utc_now(), ended=every), as_json)


@silence_app.command("remove")
@command
def remove_silence(number: int, data: DataDir) -> None:
    """End a silence now."""
    with closing(_Engine(data)) as opened, opened.engine.begin() as connection:
        ended = ledger.end_silence(connection, number, utc_now())
    if not ended:
        _stop(Exit.USAGE, f"no silence {number} in force; `tocsin silence list` shows them")


def _print_silences(silences: Sequence[Silence], as_json: bool) -> None:
    if as_json:
        _print_json([{name: getattr(s, name) for name in s.__slots__} for s in silences])
        return
    for s in silences:
        typer.echo(
            f"{s.id}  {s.aim} {s.value}  until {s.ends_at:%Y-%m-%d %H:%M} UTC, by {s.author}  "
            f"held {s.held}  {s.comment}".rstrip()
        )


# ---- the dead


@dead_app.command("list")
@command
def list_dead(data: DataDir, as_json: AsJson = False) -> None:
    """Deliveries the channel refused for their content."""
    with closing(_Engine(data)) as opened, opened.engine.connect() as connection:
        dead = outbox.dead_list(connection)
    if as_json:
        _print_json(
            [
                {
                    "id": d.id,
                    "channel": d.channel,
                    "title": d.body.title,
                    "reason": d.reason,
                    "attempts": d.attempts,
                    "created_at": d.created_at,
                }
                for d in dead
            ]
        )
    else:
        for d in dead:
            typer.echo(
                f"{d.id}  {d.channel}  {d.created_at:%Y-%m-%d %H:%M} UTC  {d.body.title}\n  {d.reason}"
            )


@dead_app.command("retry")
@command
def retry_dead(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Their ids, or `all`.")], data: DataDir
) -> None:
    """Put them into the outbox again."""
    wanted = None if ids == ["all"] else [DeliveryId(one) for one in ids]
    with closing(_Engine(data)) as opened, opened.engine.begin() as connection:
        revived = outbox.retry_dead(connection, wanted, utc_now())
    typer.echo(f"{len(revived)} waiting again")
    if wanted and len(revived) < len(wanted):
        _stop(Exit.SOMETHING_FAILED, "not dead: " + ", ".join(sorted(set(wanted) - set(revived))))


def main() -> None:
    """Entry point of the `tocsin` command."""
    app()
