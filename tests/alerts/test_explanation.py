"""Why: one answer of a closed list for whatever may have happened to an article."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, delete, select
from sqlalchemy.pool import StaticPool

from alerts import ledger, outbox
from alerts.alerting import Action, Backlog, Reason
from alerts.channels import Channel
from alerts.explanation import OF_REASON, Answer, Why, why
from alerts.matching import Matcher
from alerts.notifications import DeliveryFailed, Fault, Plainness
from alerts.outbox import State
from alerts.rulebook import Rulebook
from alerts.silences import Aim
from alerts.sum_up import sum_up
from alerts.watches import Rule, Watch
from crawler import archive
from crawler.entries import Entry
from crawler.fetches import Outcome
from crawler.sources import SourceId
from tests.alerts.test_screen import PACT, WATCH, Desk
from tests.builders import AT_ONCE, DAY, HOUR, MINUTE, NOW, article, entry, fetch, source

PAGE = "https://herald.example/it"
LEAD = (
    "OpenAI met Microsoft for a day of talks about nothing in particular, as the two of them often do on "
    "a Monday morning."
)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def asked(desk: Desk, what: str = PAGE, watch: str = "pact") -> Why:
    with desk.engine.connect() as connection:
        (answer,) = why(connection, desk.rulebook, what, watch)
    return answer


def answered(desk: Desk, what: str = PAGE) -> tuple[Answer, str]:
    answer = asked(desk, what)
    return answer.answer, answer.sentence


def use(desk: Desk, *rules: Rule, **changes: Any) -> None:
    """The rules are edited."""
    watch = WATCH.model_copy(update={"rules": rules or WATCH.rules, **changes})
    desk.rulebook = Rulebook(desk.sources, {"pact": watch}, Matcher([watch]), Backlog(), AT_ONCE)


def deliver(desk: Desk, now: datetime = NOW) -> None:
    """Everything that waits is taken by its channel."""
    _attempt(desk, lambda connection, claim: outbox.sent(connection, claim, None, now), now)


def refuse(desk: Desk) -> None:
    """Everything that waits is refused in every dress."""
    failure = DeliveryFailed(Fault.CONTENT, "invalid_blocks")
    for _ in Plainness:
        _attempt(
            desk,
            lambda connection, claim: outbox.failed(
                connection, claim, failure, NOW, settle=MINUTE, readable=False, rng=Random(1)
            ),
        )


def _attempt(desk: Desk, end: Callable[[Any, Any], object], now: datetime = NOW) -> None:
    with desk.engine.begin() as connection:
        for channel in ("news", "desk"):
            for _ in outbox.records(connection, states=[State.WAITING]):
                claim = outbox.claim(connection, channel, now, MINUTE, timedelta(0))
                if claim:
                    end(connection, claim)


# ---- the list


def test_every_reason_of_a_verdict_has_its_answer() -> None:
    assert set(OF_REASON) == set(Reason)


def silence(desk: Desk, aim: Aim, value: str) -> None:
    with desk.engine.begin() as connection:
        ledger.add_silence(connection, aim, value, NOW - MINUTE, NOW + HOUR, "ann", "enough of it")


@pytest.mark.parametrize(
    ("title", "changes", "answer", "says"),
    [
        pytest.param(PACT, {}, Answer.WAITING, "fired on 2026-03-02 12:00 UTC", id="told"),
        pytest.param(
            "OpenAI rents an office", {}, Answer.NO_MATCH, "core lacks Microsoft in the title", id="no"
        ),
        pytest.param("Nothing", {"summary": LEAD}, Answer.HELD_FOR_DIGEST, "level digest", id="digest"),
        pytest.param(PACT, {"published": NOW - 30 * DAY}, Answer.TOO_OLD, "published 2026-01-31", id="old"),
    ],
)
def test_why_has_one_answer(
    desk: Desk, title: str, changes: dict[str, Any], answer: Answer, says: str
) -> None:
    desk.bring(title, url=PAGE, **changes)
    given, sentence = answered(desk)
    assert given is answer
    assert says in sentence


def test_why_waits_for_the_last_wording(desk: Desk) -> None:
    desk.read(entry("A day of talks", guid="g", url=PAGE))
    desk.read(entry(PACT, guid="g", url=PAGE))
    assert asked(desk).answer is Answer.NOT_SCREENED
    desk.screen()
    assert asked(desk).answer is Answer.WAITING
    desk.read(entry(PACT + ", at last", guid="g", url=PAGE))
    use(desk, Rule(id="late", query="title:last", level="digest"))
    assert asked(desk).answer is Answer.WAITING  # what was told was told


def test_a_told_article_names_its_channels_and_what_became_of_its_rule(desk: Desk) -> None:
    desk.bring(PACT, url=PAGE)
    deliver(desk)
    version = desk.rulebook.matcher.versions()["pact", "core"]
    said = f"Rule core (version {version}) fired on 2026-03-02 12:00 UTC, and told news, desk."
    assert answered(desk) == (Answer.TOLD, said)
    use(desk, Rule(id="core", query="title:(OpenAI AND Google)"))
    assert "today it does not hold: it lacks Google in the title" in asked(desk).sentence
    use(desk, Rule(id="core", query="OpenAI", shadow=True), Rule(id="other", query="Google"))
    assert "in the shadow today" in asked(desk).sentence
    use(desk, Rule(id="other", query="Google"))
    given, sentence = answered(desk)
    assert given is Answer.TOLD
    assert "no such rule any more" in sentence


def test_a_refused_message_says_by_whom_and_why(desk: Desk) -> None:
    desk.bring(PACT, url=PAGE)
    refuse(desk)
    given, sentence = answered(desk)
    assert given is Answer.DEAD
    assert "news: invalid_blocks" in sentence


def test_an_alert_without_a_channel_reaches_nobody(desk: Desk) -> None:
    use(desk, channels=())
    desk.bring(PACT, url=PAGE)
    given, sentence = answered(desk)
    assert given is Answer.DEAD
    assert "nobody was told" in sentence


@pytest.mark.parametrize(
    ("title", "summary", "shared"),
    [
        pytest.param(PACT + " | Gazette", "", "Its headline is that of", id="headline"),
        pytest.param("Both in talks", LEAD, "It shares a passage with", id="passage"),
    ],
)
def test_a_duplicate_names_the_article_that_was_told(
    desk: Desk, title: str, summary: str, shared: str
) -> None:
    use(desk, Rule(id="core", query="OpenAI AND Microsoft"))
    desk.bring(PACT, url=PAGE, summary=LEAD)
    told = asked(desk).article
    assert told
    desk.bring(title, of="gazette", url="https://gazette.example/it", summary=summary)
    given, sentence = answered(desk, "https://gazette.example/it")
    assert given is Answer.DUPLICATE_OF
    assert sentence.startswith(f"{shared} article {told.id}, “{PACT}” of herald, told on 2026-03-02")


def test_the_founder_of_a_story_that_another_told_is_no_duplicate(desk: Desk) -> None:
    use(desk, Rule(id="core", query="OpenAI AND Microsoft AND pact"), WATCH.rules[1])
    desk.bring("Both in talks", guid="g", url=PAGE, summary=LEAD)
    assert asked(desk).answer is Answer.HELD_FOR_DIGEST
    desk.bring(PACT, of="gazette", url="https://gazette.example/it", summary=LEAD)
    assert "its story was told meanwhile, on 2026-03-02 12:00 UTC" in asked(desk).sentence
    desk.read(entry("Both in talks on a pact", guid="g", url=PAGE, summary=LEAD))
    desk.screen()
    given, sentence = answered(desk)
    assert given is Answer.IN_THREAD
    assert f"“{PACT}” of gazette" in sentence


def test_what_was_told_before_threads_were_kept_takes_nothing_along(desk: Desk) -> None:
    use(desk, Rule(id="core", query="OpenAI AND Microsoft AND pact"), WATCH.rules[1])
    desk.bring("Both in talks", guid="g", url=PAGE, summary=LEAD)
    desk.bring(PACT, of="gazette", url="https://gazette.example/it", summary=LEAD)
    with desk.engine.begin() as connection:
        connection.execute(delete(ledger.tables.tables["told_articles"]))
    desk.read(entry("Both in talks on a pact", guid="g", url=PAGE, summary=LEAD))
    desk.screen()
    given, sentence = answered(desk)
    assert given is Answer.FOLDED_INTO_STORY
    assert f"“{PACT}” of gazette" in sentence


def test_a_silence_is_named_with_who_wanted_it_and_until_when(desk: Desk) -> None:
    silence(desk, Aim.SOURCE, "herald")
    desk.bring(PACT, url=PAGE)
    given, sentence = answered(desk)
    assert given is Answer.SILENCED
    assert "by ann, until 2026-03-02 13:00 UTC (enough of it)" in sentence


def test_a_baseline_article_is_named_as_one(engine: Engine) -> None:
    desk = Desk(engine)
    desk.sources[SourceId("new")] = source("new")
    with engine.begin() as connection:
        archive.enrol(connection, desk.sources.values())
    desk.read(Entry(SourceId("new"), "g", PAGE, PACT, published=NOW - 2 * DAY), of="new")
    desk.screen()
    given, sentence = answered(desk)
    assert given is Answer.BASELINE
    assert "first read" in sentence


def test_what_only_a_shadow_finds_is_told_to_nobody(desk: Desk) -> None:
    use(desk, Rule(id="trial", query="office", shadow=True), *WATCH.rules)
    desk.bring("OpenAI rents an office", url=PAGE)
    given, sentence = answered(desk)
    assert given is Answer.SHADOW
    assert "rule trial runs in the shadow" in sentence


@pytest.mark.parametrize("was_shadow", [False, True])
def test_a_rule_newer_than_the_screening_is_an_answer_of_its_own(desk: Desk, was_shadow: bool) -> None:
    if was_shadow:
        use(desk, Rule(id="rent", query="office", shadow=True), *WATCH.rules)
    desk.bring("OpenAI rents an office", url=PAGE)
    use(desk, Rule(id="rent", query="office"))
    given, sentence = answered(desk)
    assert given is Answer.NEWER_RULE
    assert "screened on 2026-03-02 12:00 UTC" in sentence
    assert "rent (level alert) holds today" in sentence
    assert "tocsin watch pact --catch-up" in sentence


@pytest.mark.parametrize(
    "what", ["https://nobody.example/", "4711", "9" * 40, "a headline", "herald:guid", ""]
)
def test_what_nobody_announced_was_not_fetched(desk: Desk, what: str) -> None:
    assert asked(desk, what).answer is Answer.NOT_FETCHED


def test_what_was_not_announced_names_the_sources_of_that_site(desk: Desk) -> None:
    desk.sources[SourceId("gazette")] = source("gazette", enabled=False)
    assert "herald, which is read" in asked(desk, "https://www.herald.example/unknown").sentence
    assert "gazette, which is switched off" in asked(desk, "https://gazette.example/unknown").sentence


@pytest.mark.parametrize(
    "spelling",
    [
        PAGE,
        PAGE + "/",
        PAGE + "?utm_source=mail&utm_medium=x",
        PAGE + "#comments",
        PAGE + "/amp",
        PAGE.replace("https", "http"),
        PAGE.replace("herald", "www.herald"),
        PAGE.replace("herald", "HERALD"),
    ],
)
def test_any_spelling_of_an_address_will_do(desk: Desk, spelling: str) -> None:
    desk.bring("OpenAI rents an office", url=PAGE)
    assert asked(desk, spelling).answer is Answer.NO_MATCH


# ---- what else a person should know


@pytest.mark.parametrize(
    ("outcome", "attempts", "says"),
    [
        pytest.param(None, 0, "Its page is yet to be read: only headline and summary", id="waiting"),
        pytest.param(Outcome.TIMEOUT, 1, "Its page is yet to be read (last outcome: timeout)", id="again"),
        pytest.param(Outcome.ROBOTS, 1, "Its page could not be read (last outcome: robots)", id="robots"),
    ],
)
def test_a_page_that_was_not_read_is_mentioned(
    desk: Desk, outcome: Outcome | None, attempts: int, says: str
) -> None:
    desk.read(entry("OpenAI rents", url=PAGE), want_page=lambda _: True)
    if outcome:
        _try_page(desk, outcome)
    desk.screen(NOW + MINUTE)
    given, sentence = answered(desk)
    assert given is Answer.NO_MATCH
    assert says in sentence


def _try_page(desk: Desk, outcome: Outcome) -> None:
    with desk.engine.begin() as connection:
        for claim in archive.claim_pages(connection, desk.sources, NOW, MINUTE, 10):
            again = None if outcome is Outcome.ROBOTS else NOW + HOUR
            archive.record_page(connection, claim, fetch(outcome), again)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda known: known.pop("herald"), "not in sources.yaml any more", id="gone"),
        pytest.param(
            lambda known: known.update(herald=source(enabled=False)), "herald is switched off", id="off"
        ),
    ],
)
def test_a_source_that_is_gone_or_off_is_mentioned(
    desk: Desk, change: Callable[[dict[Any, Any]], object], says: str
) -> None:
    desk.bring("OpenAI rents an office", url=PAGE)
    change(desk.sources)
    assert says in asked(desk).sentence


# ---- any history at all

RULES = (
    WATCH.rules,
    (Rule(id="core", query="title:OpenAI"), Rule(id="trial", query="talks", shadow=True)),
    (Rule(id="core", query="title:(OpenAI AND Microsoft)", shadow=True), Rule(id="deep", query="talks")),
    (Rule(id="late", query="NOT office", level="digest"),),
)
ENTRIES = st.tuples(
    st.sampled_from(["herald", "gazette"]),
    st.sampled_from([PACT, PACT + " - Gazette", "Both in talks", "OpenAI rents an office"]),
    st.integers(1, 3),  # which page
    st.sampled_from(["", LEAD]),
    st.sampled_from([0, 0, 0, 20]),  # days ago
    st.booleans(),  # its page is wanted
)
MOVES = st.one_of(
    st.tuples(st.just("read"), ENTRIES),
    st.tuples(st.just("bring"), ENTRIES),
    st.tuples(st.just("bring"), ENTRIES),
    st.tuples(st.just("screen"), st.none()),
    st.tuples(st.just("silence"), st.sampled_from([(Aim.SOURCE, "herald"), (Aim.TERM, "Microsoft")])),
    st.tuples(st.just("page"), st.sampled_from([Outcome.ROBOTS, Outcome.TIMEOUT, Outcome.NOT_FOUND])),
    st.tuples(st.just("send"), st.booleans()),
    st.tuples(st.just("digest"), st.none()),
    st.tuples(st.just("rules"), st.sampled_from(RULES)),
    st.tuples(st.just("sources"), st.sampled_from(["herald", "gazette"])),
)


def in_memory() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    for notebook in (archive, ledger, outbox):
        notebook.tables.create_all(engine)
    return engine


def move(desk: Desk, kind: str, how: Any) -> None:
    if kind in {"read", "bring"}:
        of, title, n, summary, days, want = how
        told = {"guid": f"g{n}", "url": f"https://{of}.example/{n}", "published": NOW - days * DAY}
        new = entry(title, source=SourceId(of), summary=summary, **told)
        if SourceId(of) in desk.sources:
            desk.read(new, of=of, want_page=lambda _: want)
        if kind == "bring":
            desk.screen(NOW + MINUTE)
    elif kind == "screen":
        desk.screen()
    elif kind == "silence":
        silence(desk, *how)
    elif kind == "page":
        _try_page(desk, how)
    elif kind == "send":
        deliver(desk) if how else refuse(desk)
    elif kind == "digest":
        sum_up(desk.engine, desk.rulebook, Channel(id="news", kind="console"), NOW + DAY)
    elif kind == "rules":
        use(desk, *how)
    else:
        desk.sources[SourceId(how)] = source(how, enabled=not desk.sources[SourceId(how)].enabled)


@settings(deadline=None, max_examples=60)
@given(st.lists(MOVES, min_size=3, max_size=16))
def test_whatever_happened_there_is_exactly_one_answer_and_it_is_true(moves: list[tuple[str, Any]]) -> None:
    engine = in_memory()
    desk = Desk(engine)
    for kind, how in moves:
        move(desk, kind, how)
    with engine.connect() as connection:
        for number in connection.scalars(select(archive.tables.tables["articles"].c.id)).all():
            (answer,) = why(connection, desk.rulebook, str(number), "pact")
            _check(answer, ledger.matches_of(connection, number))
    engine.dispose()


def _check(answer: Why, rows: Any) -> None:
    assert answer.article
    assert answer.explanation
    assert answer.sentence.strip()
    assert "None" not in answer.sentence
    told = any(row.action == Action.TELL for row in rows)
    assert (answer.answer in {Answer.TOLD, Answer.WAITING, Answer.DEAD}) == told
    if answer.answer is Answer.TOLD:
        assert {one.state for one in answer.deliveries} == {State.SENT}
    if answer.answer in {Answer.NO_MATCH, Answer.NOT_SCREENED}:
        assert not [row for row in rows if row.reason != Reason.SHADOW]
    if answer.answer in {Answer.NO_MATCH, Answer.NEWER_RULE}:
        assert (answer.explanation.match is None) == (answer.answer is Answer.NO_MATCH)
    if answer.answer in {Answer.DUPLICATE_OF, Answer.FOLDED_INTO_STORY}:
        assert answer.story


# ---- the parse tree


def test_an_exclusion_shows_what_it_struck_out() -> None:
    matcher = Matcher(
        [Watch(id="w", rules=(Rule(id="r", query='OpenAI EXCEPT "Azure OpenAI" AND NOT lawsuit'),))]
    )
    explained = matcher.explain(article("Azure OpenAI grows", text="OpenAI is glad of the lawsuit."), "w")
    tree = explained.rules[0].to_json()["tree"]
    except_, not_ = tree["steps"]
    assert [one["text"] for one in except_["struck"]] == ["OpenAI"]
    assert [(one["field"], one["start"]) for one in except_["evidence"]] == [("body", 0)]
    assert [one["text"] for one in not_["struck"]] == ["lawsuit"]
    assert any("struck out: 'OpenAI' title 6–12" in line for line in explained.lines())


def test_the_rule_that_was_nearest_comes_first_with_the_part_it_lacked() -> None:
    rules = (
        Rule(id="far", query="Google AND Oracle AND OpenAI"),
        Rule(id="apart", query="OpenAI NEAR/1 talks", level="digest"),
        Rule(id="half", query="OpenAI AND Oracle"),
    )
    explained = Matcher([Watch(id="w", rules=rules)]).explain(
        article("OpenAI and others meet, and call it talks"), "w"
    )
    assert [rule.rule for rule in explained.rules] == ["apart", "half", "far"]
    assert [rule.failed for rule in explained.rules] == ["OpenAI NEAR/1 talks", "Oracle", "Google"]


def test_a_look_alike_is_named_in_the_tree() -> None:
    matcher = Matcher([Watch(id="w", rules=(Rule(id="r", query="OpenAI"),))])
    explained = matcher.explain(replace(article(), title="ОpenAI moves"), "w")
    assert explained.to_json()["look_alike"] is True
    assert any("in look-alike letters" in line for line in explained.lines())
