"""The parsing children: what they may not know, what they may not take, and what their death costs."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crawler import child
from crawler.child import Limits, ParseFailed, ParsingChild
from crawler.fetches import Outcome
from crawler.sources import SourceId

SOURCE = SourceId("paper")
BASE = "https://paper.example/feed.xml"
ROOT = Path(__file__).resolve().parents[2]


def item(number: int, more: str = "") -> str:
    return f"<item><title>Story {number}</title><link>https://paper.example/{number}</link>{more}</item>"


def rss(*items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>Paper</title>{"".join(items)}</channel></rss>'.encode()


ARTICLE = "<p>Words about a deal.</p>" * 3
PAGE = f"<html lang='en'><title>Deal</title><body><article>{ARTICLE}</article></body></html>"


@pytest.fixture
async def parser() -> AsyncIterator[ParsingChild]:
    parser = ParsingChild(workers=1)
    yield parser
    await parser.close()


def pid_of(parser: ParsingChild) -> int:
    process = parser._workers[0]._process
    assert process is not None
    return process.pid


def ended(pid: int) -> bool:
    """Gone, or a zombie nobody has asked about yet."""
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


async def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    for _ in range(int(seconds * 50)):
        if true():
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_feed_is_read(parser: ParsingChild) -> None:
    document = await parser.feed(rss(item(1), item(2)), "text/xml", BASE, SOURCE)
    assert [entry.title for entry in document.entries] == ["Story 1", "Story 2"]
    again = await parser.feed(rss(item(3), item(1)), "text/xml", BASE, SOURCE, frozenset(document.shown))
    assert [entry.url for entry in again.entries] == ["https://paper.example/3"]


async def test_a_page_is_read(parser: ParsingChild) -> None:
    page = await parser.page(PAGE.encode(), "text/html", "https://paper.example/1")
    assert (page.title, page.language) == ("Deal", "en")
    assert "Words about a deal." in page.text


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", Outcome.EMPTY),
        (b"<!DOCTYPE html><html/>", Outcome.NOT_A_FEED),
        (b"\x89PNG", Outcome.NOT_A_FEED),
        (b"<rss><chan", Outcome.MALFORMED),
    ],
)
async def test_h30_what_is_no_feed_has_its_outcome(
    parser: ParsingChild, body: bytes, outcome: Outcome
) -> None:
    with pytest.raises(ParseFailed) as failure:
        await parser.feed(body, None, BASE, SOURCE)
    assert failure.value.outcome is outcome
    assert failure.value.detail
    assert "\n" not in failure.value.detail


async def test_what_is_no_page_has_its_outcome(parser: ParsingChild) -> None:
    with pytest.raises(ParseFailed, match="PDF") as failure:
        await parser.page(b"%PDF-1.7", "application/pdf", "https://paper.example/1")
    assert failure.value.outcome is Outcome.MALFORMED


async def test_a_child_knows_no_secret_and_holds_no_file_of_ours(
    parser: ParsingChild, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    with (tmp_path / "database").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        await parser.feed(rss(item(1)), None, BASE, SOURCE)
        environment = Path(f"/proc/{pid_of(parser)}/environ").read_text()
        files = [str(link.readlink()) for link in Path(f"/proc/{pid_of(parser)}/fd").iterdir()]
    assert {pair.partition("=")[0] for pair in environment.split("\0") if pair} == {
        "PYTHONPATH",
        "LANG",
        "TZ",
        "PATH",
        "HOME",
    }
    assert all(name.startswith("pipe:") or name == "/dev/null" for name in files)


async def test_a_child_is_limited(parser: ParsingChild) -> None:
    await parser.feed(rss(item(1)), None, BASE, SOURCE)
    limits = Path(f"/proc/{pid_of(parser)}/limits").read_text()
    values = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert values["Max address space"] == str(1024**3)
    assert values["Max file size"] == values["Max core file size"] == "0"
    assert int(values["Max cpu time"]) < 60


async def test_parsing_code_stays_out_of_the_parent() -> None:
    code = "import crawler.child, sys; print([m for m in ('feedparser', 'trafilatura') if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


async def test_a_child_killed_between_two_jobs_costs_nothing(parser: ParsingChild) -> None:
    await parser.feed(rss(item(1)), None, BASE, SOURCE)
    pid = pid_of(parser)
    os.kill(pid, signal.SIGKILL)
    document = await parser.feed(rss(item(1)), None, BASE, SOURCE)
    assert [entry.title for entry in document.entries] == ["Story 1"]
    assert pid_of(parser) != pid


async def test_a_child_that_hangs_is_killed_and_replaced() -> None:
    parser = ParsingChild(workers=1, limits=Limits(wall=6))
    try:
        await parser.feed(rss(item(1)), None, BASE, SOURCE)
        pid = pid_of(parser)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        document = await parser.feed(rss(item(1)), None, BASE, SOURCE)
        assert 5.5 < time.monotonic() - began < 60
        assert document.problems == ("read entry by entry: not read within 6 seconds",)
        assert ended(pid)
    finally:
        await parser.close()


async def test_h39_a_document_that_takes_too_long_is_unparsable() -> None:
    parser = ParsingChild(workers=1, limits=Limits(wall=0.001))
    with pytest.raises(ParseFailed, match="not read within") as failure:
        await parser.feed(rss(item(1)), None, BASE, SOURCE)
    assert failure.value.outcome is Outcome.UNPARSABLE
    await parser.close()


async def test_a_document_that_takes_too_much_processor_time_ends_its_child() -> None:
    parser = ParsingChild(workers=1, limits=Limits(cpu=1))
    slow = rss(*(item(number, "<description>x</description>" * 8) for number in range(40_000)))
    try:
        with pytest.raises(ParseFailed, match="processor time"):
            await parser.feed(slow, None, BASE, SOURCE)
        document = await parser.feed(rss(item(1)), None, BASE, SOURCE)
        assert len(document.entries) == 1
    finally:
        await parser.close()


async def test_f22_a_document_that_takes_too_much_memory_costs_only_itself() -> None:
    parser = ParsingChild(workers=1, limits=Limits(memory=200 * 1024 * 1024))
    try:
        with pytest.raises(ParseFailed) as failure:
            await parser.feed(rss("<item><x/></item>" * 1_500_000), None, BASE, SOURCE)
        assert failure.value.outcome is Outcome.UNPARSABLE
        assert len((await parser.feed(rss(item(1)), None, BASE, SOURCE)).entries) == 1
    finally:
        await parser.close()


async def test_h35_author_redos_costs_neither_its_feed_nor_time(parser: ParsingChild) -> None:
    began = time.monotonic()
    hostile = item(2, f"<author>a@{'a.' * 64_000}!</author>")
    document = await parser.feed(rss(item(1), hostile, item(3)), None, BASE, SOURCE)
    assert [entry.title for entry in document.entries] == ["Story 1", "Story 2", "Story 3"]
    assert time.monotonic() - began < 20


async def test_an_entry_a_child_dies_of_does_not_silence_its_feed(parser: ParsingChild) -> None:
    """The second, careful reading leaves out the very long entry that the first one died of."""
    deaths = []
    ask = parser._workers[0].ask

    async def dying_once(job: dict[str, object], body: bytes) -> bytes:
        if not job.get("careful"):
            deaths.append(job)
            raise child._ChildDied("the parsing child ended with SIGSEGV")
        return await ask(job, body)

    parser._workers[0].ask = dying_once  # type: ignore[method-assign]
    hostile = item(2, f"<description>{'x' * 100_000}</description>")
    document = await parser.feed(rss(item(1), hostile, item(3)), None, BASE, SOURCE)
    assert [entry.title for entry in document.entries] == ["Story 1", "Story 3"]
    assert (document.skipped, document.total, len(deaths)) == (1, 3, 1)
    assert document.problems == ("read entry by entry: the parsing child ended with SIGSEGV",)


async def test_an_entry_a_parser_stalls_on_is_skipped_without_killing_the_child(parser: ParsingChild) -> None:
    """The patience of the child itself: a regular expression that would run for years."""
    script = (
        "import re, sys; from crawler import child, feeds; told = feeds._feedparser\n"
        "def stalling(document):\n"
        "    if b'poison' in document: re.match('(a+)+$', 'a' * 64 + '!')\n"
        "    return told(document)\n"
        "feeds._feedparser, feeds._BATCH_SECONDS, feeds._ENTRY_SECONDS = stalling, 0.3, 0.2\n"
        "job = dict(job='feed', content_type=None, base='https://a.example/', source='paper', known=[])\n"
        "sys.stdout.buffer.write(child._answer(job, sys.stdin.buffer.read()))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    frame, _ = await process.communicate(rss(item(1), item(2, "<author>poison</author>"), item(3)))
    answer = json.loads(frame.removeprefix(b"ok\n"))
    assert [entry["title"] for entry in answer["entries"]] == ["Story 1", "Story 3"]
    assert answer["skipped"] == 1


async def test_a_slow_document_does_not_hold_up_the_others() -> None:
    parser = ParsingChild(workers=2, limits=Limits(wall=60))
    try:
        await asyncio.gather(*(parser.feed(rss(item(n)), None, BASE, SOURCE) for n in range(2)))
        slow = asyncio.create_task(
            parser.feed(rss(*(item(number) for number in range(5_000))), None, BASE, SOURCE)
        )
        await asyncio.sleep(0)
        documents = await asyncio.gather(*(parser.feed(rss(item(n)), None, BASE, SOURCE) for n in range(20)))
        assert all(len(document.entries) == 1 for document in documents)
        assert not slow.done()
        assert len((await slow).entries) == 5_000
    finally:
        await parser.close()


async def test_a_cancelled_job_does_not_leave_its_answer_to_the_next(parser: ParsingChild) -> None:
    await parser.feed(rss(item(1)), None, BASE, SOURCE)
    long = asyncio.create_task(parser.feed(rss(*(item(n) for n in range(3_000))), None, BASE, SOURCE))
    await asyncio.sleep(0.1)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    document = await parser.feed(rss(item(7)), None, BASE, SOURCE)
    assert [entry.title for entry in document.entries] == ["Story 7"]


async def test_a_worn_child_makes_room_for_a_fresh_one() -> None:
    parser = ParsingChild(workers=1, limits=Limits(jobs=2))
    pids = []
    for number in range(4):
        await parser.feed(rss(item(number)), None, BASE, SOURCE)
        pids.append(pid_of(parser))
    assert pids[0] == pids[1] != pids[2] == pids[3]
    await parser.close()


async def test_closing_ends_the_children_and_what_they_read() -> None:
    parser = ParsingChild(workers=1)
    await parser.feed(rss(item(1)), None, BASE, SOURCE)
    pid = pid_of(parser)
    reading = asyncio.create_task(parser.feed(rss(*(item(n) for n in range(5_000))), None, BASE, SOURCE))
    await asyncio.sleep(0.1)
    await parser.close()
    with pytest.raises(ParseFailed):
        await reading
    with pytest.raises(ParseFailed, match="closed"):
        await parser.feed(rss(item(1)), None, BASE, SOURCE)
    assert ended(pid)


async def test_a_child_dies_with_its_parent() -> None:
    script = (
        "import asyncio, time\n"
        "from crawler.child import ParsingChild\n"
        "async def main():\n"
        "    parser = ParsingChild(workers=1)\n"
        f"    await parser.feed({rss(item(1))!r}, None, {BASE!r}, 'paper')\n"
        "    print(parser._workers[0]._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert not ended(pid)
    parent.kill()
    await parent.wait()
    assert await until(lambda: ended(pid))


# ---- a child that was taken over


def entry(**said: object) -> dict[str, object]:
    return {"source": "paper", "guid": "1", "url": "https://paper.example/1", "title": "x"} | said


def document(*entries: dict[str, object], **said: object) -> dict[str, object]:
    return {"entries": list(entries), "shown": ["ab"], "total": 1, "version": "rss20"} | said


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(document(entry(url="javascript:alert(1)")), id="a script for a link"),
        pytest.param(document(entry(url="https://paper.example/a b")), id="a link that is not clean"),
        pytest.param(document(entry(url="https://paper.example/\r\nX: 1")), id="a header in a link"),
        pytest.param(document(entry(title="x" * 301)), id="a title too long"),
        pytest.param(document(entry(content="x" * 60_001)), id="a content too long"),
        pytest.param(document(entry(tags=["x" * 301])), id="a tag too long"),
        pytest.param(document(entry(title=5)), id="a title that is no text"),
        pytest.param(document(entry(title=None)), id="no title"),
        pytest.param(document(entry(published="2026-11-05T12:00:00")), id="a date without zone"),
        pytest.param(document(entry(published="tomorrow")), id="a date that is none"),
        pytest.param(document(entry(source="other")), id="another source"),
        pytest.param(document(shown=["x" * 301]), id="a hash that is none"),
        pytest.param(document(total="many"), id="no number"),
        pytest.param({"entries": 3}, id="no document"),
        pytest.param([], id="no object"),
    ],
)
async def test_nothing_a_child_says_is_believed(parser: ParsingChild, answer: object) -> None:
    async def taken_over(job: object, body: bytes) -> bytes:
        return b"ok\n" + json.dumps(answer).encode()

    parser._workers[0].ask = taken_over  # type: ignore[method-assign]
    with pytest.raises(ParseFailed) as failure:
        await parser.feed(b"<rss/>", None, BASE, SOURCE)
    assert failure.value.outcome is Outcome.UNPARSABLE


@pytest.mark.parametrize(
    ("frame", "outcome", "detail"),
    [
        (b"no\nnot_a_feed an HTML page", Outcome.NOT_A_FEED, "an HTML page"),
        (b"no\nok everything is fine", Outcome.UNPARSABLE, "everything is fine"),
        (b'no\nmalformed a\n{"level": "info"}\x1b[31m', Outcome.MALFORMED, 'a {"level": "info"}'),
        (b"no\nmalformed " + b"x" * 5_000, Outcome.MALFORMED, "x" * 199 + "…"),
        (b"no\n", Outcome.UNPARSABLE, "no reason given"),
        (b"", Outcome.UNPARSABLE, "no reason given"),
        (b"ok\n", Outcome.UNPARSABLE, "the parsing child answered nonsense"),
        (b"ok\n\xff", Outcome.UNPARSABLE, "the parsing child answered nonsense"),
    ],
)
async def test_h68_a_reason_is_one_short_line(
    parser: ParsingChild, frame: bytes, outcome: Outcome, detail: str
) -> None:
    async def failing(job: object, body: bytes) -> bytes:
        return frame

    parser._workers[0].ask = failing  # type: ignore[method-assign]
    with pytest.raises(ParseFailed) as failure:
        await parser.feed(b"<rss/>", None, BASE, SOURCE)
    assert (failure.value.outcome, failure.value.detail) == (outcome, detail)


async def test_a_frame_too_long_is_not_waited_for(
    parser: ParsingChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    await parser.feed(rss(item(1)), None, BASE, SOURCE)
    monkeypatch.setattr(child, "_MOST_BYTES", 2_000)
    with pytest.raises(ParseFailed) as failure:
        await parser.feed(rss(*(item(number) for number in range(20))), None, BASE, SOURCE)
    assert failure.value.outcome is Outcome.UNPARSABLE


async def test_more_bytes_than_a_child_takes_are_refused(
    parser: ParsingChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_MOST_BYTES", 10)
    with pytest.raises(ParseFailed) as failure:
        await parser.page(b"x" * 11, None, BASE)
    assert failure.value.outcome is Outcome.TOO_LARGE
