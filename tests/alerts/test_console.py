"""What a person at the terminal sees."""

import io

import pytest
from rich.console import Console

from alerts.channels import Channel
from alerts.notifications import Delivery, DeliveryFailed, Digest, DigestLine, DigestPart, Fault, Kind, Notice
from alerts.notifiers import NOTIFIERS
from alerts.notifiers.console import ConsoleNotifier
from tests.telling import HABITS, Clock, alarm, delivery, drain, enqueue, follow_up, item, memory

CHANNEL = Channel(id="news", kind="console")


async def printed(given: Delivery, *, terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=terminal, color_system="truecolor" if terminal else None, width=60
    )
    await ConsoleNotifier(CHANNEL, HABITS, console).send(given)
    return out.getvalue()


async def test_an_alert_is_a_few_plain_lines() -> None:
    assert await printed(delivery()) == (
        "● OpenAI and Microsoft sign a new pact\n"
        "  It binds OpenAI to Microsoft.\n"
        "  Herald · herald.example · en · published 2026-03-02 12:00 UTC · seen at once\n"
        "  The pact: core\n"
        "  https://herald.example/pact\n"
        "\n"
    )


async def test_a_digest_is_a_list() -> None:
    stories = (
        DigestLine("Talks [go] on", "https://herald.example/1", "Herald", "deep"),
        DigestLine("", None, "Gazette"),
    )
    body = Digest("2 stories held for the digest", (DigestPart("The pact", stories, more=3),))
    assert await printed(delivery(body)) == (
        "≡ 2 stories held for the digest\n"
        "  The pact\n"
        "  • Talks [go] on · Herald · herald.example · deep\n"
        "    https://herald.example/1\n"
        "  • (no headline) · Gazette\n"
        "  … and 3 more\n"
        "\n"
    )


async def test_a_follow_up_is_indented_below_what_it_follows() -> None:
    said = follow_up(item(note="primary source"), item("Now true", was="Not true", link=None), left_out=3)
    assert await printed(delivery(said, kind=Kind.REPLY)) == (
        "  ↳ Follow-up of: OpenAI and Microsoft sign a new pact\n"
        "    primary source: Microsoft confirms it\n"
        "    Gazette · gazette.example · en\n"
        "    https://gazette.example/pact\n"
        "    Not true → Now true\n"
        "    Gazette · en\n"
        "    and 3 more articles\n"
        "\n"
    )


async def test_a_terminal_gets_colour() -> None:
    assert "\x1b[1;31mOpenAI\x1b[0m" in await printed(delivery(), terminal=True)


async def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in await printed(delivery(), terminal=True)


async def test_hostile_words_cannot_steer_the_terminal() -> None:
    words = "\x1b[2J\x1b]0;owned\x07 [red]OpenAI[/red] \u202ereversed [link=file:///etc]x[/link]\r\nnext"
    seen = await printed(delivery(alarm(words, sentence=None, link="javascript:x", source_name=words)))
    assert "\x1b" not in seen
    assert "\u202e" not in seen
    assert "[red]OpenAI[/red]" in seen
    assert "javascript" not in seen
    assert len(seen.splitlines()) == 4


async def test_a_notice_keeps_its_lines() -> None:
    seen = await printed(delivery(Notice("herald is down", "HTTP 500\nWe go on trying.")))
    assert seen == "▲ herald is down\n  HTTP 500\n  We go on trying.\n\n"


async def test_a_closed_pipe_keeps_the_alert() -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with pytest.raises(DeliveryFailed) as failed:
        await ConsoleNotifier(CHANNEL, HABITS, Console(file=Closed())).send(delivery())
    assert failed.value.fault is Fault.STOPPED


async def test_a_terminal_of_another_alphabet_keeps_the_alert() -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with pytest.raises(DeliveryFailed):
        await ConsoleNotifier(CHANNEL, HABITS, Console(file=narrow)).send(delivery())
    narrow.detach()


async def test_the_outbox_tells_the_console_too() -> None:
    out, engine = io.StringIO(), memory()
    enqueue(engine, "a1", "b2")
    await drain(engine, ConsoleNotifier(CHANNEL, HABITS, Console(file=out)), Clock())
    assert out.getvalue().count("●") == 2


def test_each_kind_of_channel_has_its_notifier() -> None:
    assert set(NOTIFIERS) == {"slack", "webhook", "console"}
