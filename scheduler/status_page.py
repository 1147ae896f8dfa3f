"""The status page for people, and the metrics for a monitor: a picture as text. Pure.

Lives here: HTML and the Prometheus text format. Everything in a picture may come from outside, so all of it
is escaped, and the page needs no script. Not here: the figures (`status`), serving them (`health`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any

from scheduler.status import Picture, SourceStanding

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
tr { border-bottom: 1px solid #8884 }
th { font-weight: 600 } .quiet { opacity: .7 }
.ok::before { content: "●"; color: #2a8f4a; padding-right: .5rem }
.failing::before { content: "▲"; color: #c0392b; padding-right: .5rem }
""".strip()


# --- for people


def page(
    reasons: Sequence[str], ticks: Mapping[str, datetime], picture: Picture | None, now: datetime
) -> str:
    """A self-contained page; the state is in words and shape, not in colour alone."""
    state = "failing" if reasons else "ok"
    body = [
        f'<h1 class="{state}">Tocsin: {state}</h1>',
        _list(reasons),
        *(_about(picture, now) if picture is not None else []),
        "<h2>Jobs</h2>",
        _table(("job", "last tick"), ([job, _ago(at, now)] for job, at in sorted(ticks.items()))),
        f'<p class="quiet">Drawn {now:%Y-%m-%d %H:%M:%S} UTC.</p>',
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="30">'
        f"<title>Tocsin: {state}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body></html>\n"
    )


def _about(picture: Picture, now: datetime) -> list[str]:
    waiting = f", the oldest since {_ago(picture.oldest_waiting, now)}" if picture.oldest_waiting else ""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(picture.deliveries.items())) or "none"
    states = ", ".join(f"{count} {state}" for state, count in sorted(picture.by_state.items())) or "none"
    return [
        "<h2>Recent alerts</h2>",
        _table(("told", "headline", "source", "rule"), (_alert(alert, now) for alert in picture.alerts)),
        "<h2>Deliveries</h2>",
        f"<p>{escape(counts)}{escape(waiting)}. Last sent: {_ago(picture.last_sent, now)}.</p>",
        _table(("channel", "state"), ([c.id, _channel_state(c, now)] for c in picture.channels)),
        *_held(picture),
        *_turned(picture, now),
        "<h2>Sources</h2>",
        f"<p>{escape(states)}</p>",
        _table(
            ("source", "state", "last asked", "due", "entries in 24 h"),
            (_source(source, now) for source in sorted(picture.sources, key=_failing_first)),
        ),
    ]


def _held(picture: Picture) -> list[str]:
    """What is told together, and when."""
    rows = ([one.channel, str(one.brief or ""), str(one.digest or "")] for one in picture.held)
    return ["<h2>Held</h2>", _table(("channel", "next brief", "next digest"), rows)] if picture.held else []


def _turned(picture: Picture, now: datetime) -> list[str]:
    """What people changed, from within Slack or at the command line."""
    control = picture.control
    if control is None and not picture.deeds:
        return []
    connected = control is not None and control.connected_at is not None
    state = (
        "Buttons are heard." if connected else f"Buttons are not heard: {control.reason}." if control else ""
    )
    rows = (
        [_ago(a.at, now), a.actor_name, a.said, f"taken back by {a.undone_by}" if a.undone_by else ""]
        for a in picture.deeds
    )
    return ["<h2>Turned by people</h2>", f"<p>{escape(state)}</p>", _table(("when", "who", "what", ""), rows)]


def _failing_first(source: SourceStanding) -> tuple[bool, str]:
    return source.state == "ok", source.id


def _source(source: SourceStanding, now: datetime) -> list[str]:
    trouble = " ".join(filter(None, (source.outcome, source.detail, source.advice)))
    states = {"ok": "ok", "new": "new", "silent": source.trouble}
    state = states.get(source.state, f"{source.state}: {trouble}")
    asked, due = _ago(source.fetched_at, now), _ago(source.next_due_at, now)
    return [source.name or source.id, state, asked, due, str(source.entries_24h)]


def _channel_state(channel: Any, now: datetime) -> str:
    if channel.stopped_at:
        return f"stopped {_ago(channel.stopped_at, now)}: {channel.stopped_reason}"
    if channel.held_until and channel.held_until > now:
        return f"asked to wait, goes on {_ago(channel.held_until, now)}"
    return "open"


def _alert(alert: Any, now: datetime) -> list["str | _Link"]:
    headline = alert.title or "(without a headline)"
    return [
        _ago(alert.at, now),
        _Link(headline, alert.link),
        alert.source or "",
        f"{alert.watch}, {alert.rule}",
    ]


class _Link:
    """Text that leads somewhere, if the address is a web address."""

    def __init__(self, text: str, address: str | None) -> None:
        self.text = text
        self.address = address if address and address.startswith(("https://", "http://")) else None

    def html(self) -> str:
        text = f"<bdi>{escape(self.text)}</bdi>"
        return (
            f'<a rel="noopener noreferrer" href="{escape(self.address)}">{text}</a>' if self.address else text
        )


def _table(heads: Sequence[str], rows: Iterable[Sequence["str | _Link"]]) -> str:
    made = ["<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows]
    if not made:
        return '<p class="quiet">none</p>'
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(made) + "\n</tbody></table>"


def _cell(value: "str | _Link") -> str:
    return f"<td>{value.html() if isinstance(value, _Link) else f'<bdi>{escape(value)}</bdi>'}</td>"


def _list(texts: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>" if texts else ""


def _ago(moment: datetime | None, now: datetime) -> str:
    """`3 minutes ago`, `in 2 hours`, `never`."""
    if moment is None:
        return "never"
    words = _words(abs(now - moment))
    return f"{words} ago" if moment <= now else f"in {words}"


def _words(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size or size == 1:
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return ""


# --- for a monitor


def metrics(healthy: bool, ticks: Mapping[str, datetime], picture: Picture | None) -> str:
    """The same figures in Prometheus' text format, version 0.0.4."""
    lines = [
        *_family("tocsin_healthy", "1 if /healthz says ok.", [({}, int(healthy))]),
        *_family(
            "tocsin_last_tick_timestamp_seconds",
            "When a job last finished a tick.",
            [({"job": job}, at.timestamp()) for job, at in sorted(ticks.items())],
        ),
        *(_figures(picture) if picture is not None else []),
    ]
    return "\n".join(lines) + "\n"


def _figures(picture: Picture) -> list[str]:
    waiting = (picture.at - picture.oldest_waiting).total_seconds() if picture.oldest_waiting else 0
    sent: list[tuple[dict[str, str], float]] = (
        [({}, picture.last_sent.timestamp())] if picture.last_sent else []
    )
    delay = [({"quantile": q}, value) for q, value in picture.seen_to_told.items() if value is not None]
    return [
        *_family("tocsin_sources", "Sources by state.", _counts("state", picture.by_state)),
        *_family(
            "tocsin_source_failures",
            "Failures in a row, of sources that fail.",
            [
                ({"source": s.id, "outcome": s.outcome or ""}, s.failures)
                for s in picture.sources
                if s.failures
            ],
        ),
        *_family("tocsin_archive", "Rows of the archive by kind.", _counts("kind", picture.archive)),
        *_family("tocsin_verdicts_24h", "Verdicts of a day.", _counts("verdict", picture.verdicts_24h)),
        *_family("tocsin_deliveries", "Deliveries by state.", _counts("state", picture.deliveries)),
        *_family("tocsin_oldest_waiting_seconds", "Age of the oldest waiting delivery.", [({}, waiting)]),
        *_family("tocsin_last_sent_timestamp_seconds", "When a delivery was last sent.", sent),
        *_family(
            "tocsin_channel_stopped",
            "1 for a channel that a person has to mend.",
            [({"channel": c.id}, int(c.stopped_at is not None)) for c in picture.channels],
        ),
        *_family("tocsin_seen_to_told_seconds", "From an article's first sight to its message.", delay),
    ]


def _counts(label: str, counts: Mapping[Any, int]) -> list[tuple[dict[str, str], float]]:
    return [({label: str(key)}, count) for key, count in sorted(counts.items())]


def _family(name: str, about: str, samples: Sequence[tuple[Mapping[str, str], float]]) -> list[str]:
    if not samples:
        return []
    return [f"# HELP {name} {about}", f"# TYPE {name} gauge", *(_sample(name, *sample) for sample in samples)]


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{key}="{_label(text)}"' for key, text in labels.items())
    return f"{name}{{{shown}}} {value:.16g}" if shown else f"{name} {value:.16g}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
