"""Asking: `tocsin check`, `why`, `evaluate` and `status`, and how an answer looks in a terminal.

Not here: the answers (`scheduler.checking`, `alerts.explanation`, `alerts.evaluation`, `scheduler.status`),
the page that `check --report` writes (`scheduler.source_report`).
"""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from alerts import explanation, grouping, ledger
from alerts.evaluation import LabelledItem, Report, evaluate, read_corpus
from alerts.explanation import Why
from alerts.marks import Judgement
from alerts.watches import Watch
from config.reading import Problem
from scheduler import checking, logs, rulebooks, source_report, status
from scheduler.clock import utc_now
from scheduler.settings import Settings, load
from scheduler.terminal import (
    AsJson,
    ConfigDir,
    DataDir,
    Exit,
    command,
    console,
    database_of,
    database_to_read,
    print_json,
    stop,
    url_of,
    watch_named,
)

app = typer.Typer()


@app.command()
@command
def check(
    config_dir: ConfigDir,
    data: DataDir,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask Slack and fetch every source once.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="With --online: every source, by what is to be done."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The configuration, its rules, and what the archive says of them; online also who answers."""
    if report is not None:
        _may_be_written(report, online)
    logs.configure("text", "error", ())
    settings, problems = checking.check(config_dir, os.environ)
    if settings:
        problems += checking.check_past(settings, url_of(data), utc_now())
        if online:
            problems += _who_answers(settings, report)
    fine = not any(p.severity == "error" for p in problems)
    if as_json:
        print_json({"ok": fine, "problems": [_problem_json(p) for p in problems]})
    else:
        for problem in problems:
            typer.echo(f"{problem.severity}: {problem}")
        typer.echo("ok" if fine else "not ok")
    if not fine:
        raise typer.Exit(Exit.USAGE)


def _may_be_written(report: Path, online: bool) -> None:
    """Said before minutes are spent on asking."""
    if not online:
        stop(Exit.USAGE, "--report goes with --online: it says what the sources answered")
    if report.is_dir() or not report.absolute().parent.is_dir():
        stop(Exit.USAGE, f"--report {report}: expected a file in a directory that is there")


def _who_answers(settings: Settings, report: Path | None) -> list[Problem]:
    from scheduler import online  # noqa: PLC0415 - seconds of vendors that no other check needs

    heard = asyncio.run(online.who_answers(settings))
    if report is not None:
        page = source_report.report(heard.sources, settings.directory / "sources.yaml", utc_now())
        report.write_text(page, encoding="utf-8")
        typer.echo(f"every source is in {report}", err=True)
    return heard.problems


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
    chosen = watch_named(settings, watch)
    with database_of(data) as engine, engine.connect() as connection:
        answers = explanation.why(connection, rulebooks.rulebook(settings), what, chosen.id)
    if as_json:
        shown = [_why_json(answer) for answer in answers]
        print_json(shown[0] if len(shown) == 1 else {"answers": shown})
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
        "decided": answer.decided and {name: getattr(answer.decided, name) for name in _DECIDED},
        "explanation": answer.explanation and answer.explanation.to_json(),
    }


_DECIDED = (
    "rule",
    "version",
    "level",
    "score",
    "at",
    "action",
    "reason",
    "detail",
    "evidence",
)  # columns of a match


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


@app.command("evaluate")
@command
def evaluate_corpus(
    config_dir: ConfigDir,
    data: DataDir,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE.jsonl]", help="Labelled items, one JSON object a line. Default: the marks."
        ),
    ] = None,
    watch: Annotated[str | None, typer.Option("--watch", help="Default: the first watch.")] = None,
    as_json: AsJson = False,
) -> None:
    """A watch against a labelled corpus, or its marks: how much is found and how much of it right."""
    settings = load(config_dir, os.environ)
    chosen = watch_named(settings, watch)
    items = list(read_corpus(file)) if file else _marked(data, chosen)
    book = rulebooks.rulebook(settings)
    report = evaluate(items, book.matcher, chosen.id)
    order = grouping.arrivals(items, book.reader, book.matcher)
    report.stories = grouping.figures(order, book.stories) if order else None
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report)


def _marked(data: Path, watch: Watch) -> list[LabelledItem]:
    with database_to_read(data) as engine, engine.connect() as connection:
        items = [mark.item for mark in ledger.list_marks(connection, watch.id)]
    if not items:
        stop(Exit.USAGE, f"nothing is marked for {watch.id}: name a file, or begin with `tocsin mark add`")
    return items


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
    terminal = console()
    terminal.print(table)
    terminal.print(
        f"recall with digest {document['recall_with_digest']}, "
        f"borderline alerted {document['borderline_alerted']}"
    )
    for line in grouping.described(report.stories) if report.stories else ():
        terminal.print(line)
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
    with database_of(data) as engine, engine.connect() as connection:
        watches, channels = settings.watches.watches, settings.channels.channels
        picture = status.picture(connection, settings.sources, utc_now(), watches, channels)
    if as_json:
        print_json(picture.to_json())
    else:
        console().print("\n".join(map(escape, _status_lines(picture))))


def _status_lines(picture: status.Picture) -> list[str]:
    known = picture.to_json()
    counted = ", ".join(f"{count} {state}" for state, count in sorted(picture.by_state.items())) or "none yet"
    lines = [f"sources     {counted}"]
    lines += [
        f"  {s.id}: {s.trouble}{f': {s.advice}' if s.advice else ''}" for s in picture.sources if s.trouble
    ]
    oldest = known["oldest_waiting_s"]
    lines.append(
        "deliveries  "
        + ", ".join(f"{count} {state}" for state, count in known["deliveries"].items())
        + (f"; the oldest has waited {oldest:.0f} s" if oldest is not None else "")
    )
    lines += [f"  channel {c.id} is stopped: {c.stopped_reason}" for c in picture.channels if c.stopped_at]
    lines += _held_lines(picture)
    lines.append(
        f"archive     {picture.archive['entries']} entries, {picture.archive['articles']} articles, "
        f"{picture.archive['unscreened']} unscreened"
    )
    lines.append(
        "verdicts    "
        + (", ".join(f"{count} {reason}" for reason, count in picture.verdicts_24h.items()) or "none in 24 h")
    )
    if picture.marks:
        said = (f"{sum(getattr(t, one) for t in picture.marks)} {one.replace('_', ' ')}" for one in Judgement)
        lines.append(f"marks       {', '.join(said)}")
    told = picture.seen_to_told
    if told["p50"] is not None:
        lines.append(
            f"latency     seen to told: median {told['p50']} s, 95 % {told['p95']} s, longest {told['max']} s"
        )
    lines += [
        f"{'alerts' if n == 0 else '':11} {a.at:%Y-%m-%d %H:%M} {a.source}: {a.title[:90]}"
        for n, a in enumerate(picture.alerts[:5])
    ]
    lines += _control_lines(picture)
    return [*lines, *(line for shadow in picture.shadows for line in _shadow_lines(shadow))]


def _held_lines(picture: status.Picture) -> list[str]:
    """What is told together, and when; nothing of channels in which nothing waits."""
    waiting = [
        f"{one.channel}: " + ", ".join(f"{what} with {ones}" for what, ones in _named(one) if ones.stories)
        for one in picture.held
        if any(ones.stories for _, ones in _named(one))
    ]
    return [f"{'held' if n == 0 else '':11} {line}" for n, line in enumerate(waiting)]


def _named(held: status.HeldStanding) -> list[tuple[str, status.Waiting]]:
    return [(what, ones) for what, ones in (("brief", held.brief), ("digest", held.digest)) if ones]


def _control_lines(picture: status.Picture) -> list[str]:
    """Whether presses reach us, and what was turned last."""
    control, lines = picture.control, []
    if control is not None:
        since = f"connected since {control.connected_at:%Y-%m-%d %H:%M}" if control.connected_at else ""
        heard = f"; last heard {control.heard_at:%Y-%m-%d %H:%M}" if control.heard_at else ""
        lines.append(f"buttons     {since or f'not connected: {control.reason}'}{heard}")
    return lines + [
        f"{'turned' if n == 0 else '':11} {a.at:%Y-%m-%d %H:%M} {a.actor_name}: {a.said[:120]}"
        + (f" (taken back by {a.undone_by})" if a.undone_by else "")
        for n, a in enumerate(picture.deeds[:5])
    ]


def _shadow_lines(shadow: status.ShadowStanding) -> list[str]:
    rule = f"{shadow.watch}/{shadow.rule}" + (f" instead of {shadow.instead_of}" if shadow.instead_of else "")
    counts = f"{shadow.both} alike, {shadow.only_new} only new, {shadow.only_old} only old"
    shown = [("only new", a) for a in shadow.named_new] + [("only old", a) for a in shadow.named_old]
    return [
        f"shadow      {rule}, since {shadow.since:%Y-%m-%d %H:%M} UTC: {counts}",
        *(f"{'':11} {how}: {a.source}: {a.title[:90]} ({a.id})" for how, a in shown),
    ]
