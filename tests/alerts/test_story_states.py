"""The life of a story in a channel: every move of docs/stories.md, in any order, against a small model.

Lives here: a machine whose rules are the lettered moves, through the real doors (`screen`, `sum_up`,
`dispatch`); the letters of page and machine are the same. Not here: the doors' surroundings (`lives`), what a
message says (`test_slack_blocks`, `test_telling`), a real kill of a real process (`tests/faults`).

    TOCSIN_LIVES=2000 python -m pytest tests/alerts/test_story_states.py

After every move each story stands where the letters of that move lead; in the end everything that was to be
told is in the channel, once.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from alerts import ledger
from alerts.alerting import Reason
from alerts.hushing import hold_back
from alerts.notifications import (
    Alarm,
    FollowUp,
    Kind,
)
from alerts.silences import Aim
from alerts.stories import HEADLINE_LIFE
from crawler.fetches import Outcome
from crawler.revisits import CONFIRM, WHILE_GONE
from tests.alerts.lives import FAULTS, MADE, MOVES, TOLD, At, Life, Tale, letters, links_of
from tests.builders import DAY, HOUR, MINUTE

LIVES = int(os.environ.get("TOCSIN_LIVES", "15"))
PAGE = Path(__file__).parents[2] / "docs" / "stories.md"
EVENING = 18  # later than that it might be night before a look at a page is over


# --- the moves --------------------------------------------------------------------------------------


class Moves(Life):
    """Each rule is one or more letters of the drawing."""

    @precondition(lambda self: self.unused() and self.begins() is Reason.FIRST_OF_STORY)
    @rule(of=st.sampled_from(["herald", "gazette", "sec"]))
    @letters("a")
    def a_story_begins(self, of: str) -> None:
        self._begin(of, Reason.FIRST_OF_STORY)

    @precondition(lambda self: self.unused() and self.begins() is Reason.BUDGET)
    @rule(of=st.sampled_from(["herald", "sec"]))
    @letters("o")
    def a_story_is_beyond_the_limits(self, of: str) -> None:
        self._begin(of, Reason.BUDGET)

    def _begin(self, of: str, wants: Reason) -> Tale:
        event = self.unused()
        assert event
        tale = Tale(event, filed=of == "sec")
        self.tales.append(tale)
        tale.headline = self.words(tale)
        tale.address, tale.headline_at = self.bring(tale, tale.headline, of, wants=wants), self.clock()
        return tale

    @precondition(lambda self: any(self.waits_for_better(tale) for tale in self.tales))
    @rule(data=st.data())
    @letters("b")
    def a_better_source_comes_while_the_root_waits(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.waits_for_better(one)]))
        address = self.bring(tale, self.words(tale), "sec", wants=self.reason(tale, Reason.PROMOTED))
        if self.reason(tale, Reason.PROMOTED) is Reason.PROMOTED:
            tale.filed = True
            (root,) = [one.body for one in self.records(tale) if one.kind is Kind.ROOT]
            assert isinstance(root, Alarm)
            assert root.link == address

    def waits_for_better(self, tale: Tale) -> bool:
        return self.is_unseen(tale) and not tale.filed

    def is_unseen(self, tale: Tale) -> bool:
        unseen = [one.attempts == 0 for one in self.records(tale) if one.kind is Kind.ROOT]
        return tale.at is At.CANDIDATE and unseen == [True]

    @precondition(lambda self: self.is_there(At.CANDIDATE, At.UPDATING))
    @rule()
    @letters("c", "i", "j")
    def what_waits_is_said(self) -> None:
        self.channel.faults.clear()
        self.deliver()
        assert not {self.seen(tale) for tale in self.tales} & {At.CANDIDATE, At.UPDATING}

    @precondition(lambda self: any(map(self.is_open, self.tales)))
    @rule(data=st.data(), of=st.sampled_from(["gazette", "echo"]))
    @letters("d")
    def somebody_else_reports_it(self, data: st.DataObject, of: str) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.is_open(one)]))
        self.bring(tale, self.words(tale), of, wants=self.reason(tale, Reason.FOLLOW_UP))

    @precondition(lambda self: any(not t.denied and self.is_open(t) for t in self.tales))
    @rule(data=st.data())
    @letters("e")
    def it_is_denied(self, data: st.DataObject) -> None:
        open_ = [one for one in self.tales if not one.denied and self.is_open(one)]
        tale = data.draw(st.sampled_from(open_))
        wants = self.reason(tale, Reason.PROMOTED)
        title = f"{self.words(tale)}, which Microsoft denies"
        self.bring(tale, title, "echo", wants=wants)
        tale.denied = wants is Reason.PROMOTED

    @precondition(lambda self: any(self.is_fresh(tale) for tale in self.tales))
    @rule(data=st.data())
    @letters("f")
    def it_is_copied(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.is_fresh(one)]))
        self.bring(tale, f"{tale.headline} - Mirror {self.word()}", "mirror", wants=Reason.ALREADY_TOLD)
        tale.headline_at = self.clock()

    def is_fresh(self, tale: Tale) -> bool:
        """Is its headline known as that of its story? After two days it may head something new."""
        return self.is_open(tale) and self.clock() - tale.headline_at < HEADLINE_LIFE - MINUTE

    @precondition(lambda self: any(self.may_be_retitled(tale) for tale in self.tales))
    @rule(data=st.data())
    @letters("g")
    def its_headline_is_changed(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.may_be_retitled(one)]))
        wants = self.reason(tale, Reason.RETITLED)
        tale.headline = self.words(tale)
        self.bring(tale, tale.headline, self.host(tale), wants=wants, url=tale.address)
        tale.retitled, tale.headline_at = wants is Reason.RETITLED, self.clock()
        tale.mended = True  # by more than a slip

    def may_be_retitled(self, tale: Tale) -> bool:
        return tale.at in (*TOLD, At.DEAD) and not tale.retitled

    @precondition(lambda self: any(self.may_be_mended(tale) for tale in self.tales))
    @rule(data=st.data())
    @letters("h")
    def a_slip_of_the_pen_is_mended(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.may_be_mended(one)]))
        before = self.records(tale)
        tale.mended, tale.headline = True, re.sub(r"^(\w+)", lambda word: word[0] + "h", tale.headline)
        self.bring(tale, tale.headline, self.host(tale), wants=Reason.ALREADY_TOLD, url=tale.address)
        tale.headline_at = self.clock()
        assert self.records(tale) == before

    def may_be_mended(self, tale: Tale) -> bool:
        return self.may_be_retitled(tale) and not tale.mended

    def host(self, tale: Tale) -> str:
        return tale.address.split("/")[2].partition(".")[0]

    @precondition(lambda self: self.is_there(*TOLD, At.DEAD, At.SUMMED_UP))
    @rule()
    @letters("j", "c", "i", "m")
    def two_quiet_days_pass(self) -> None:
        self.channel.faults.clear()
        began = self.clock()
        while self.clock() <= began + self.rulebook.stories.quiet:
            self.next_digest()
            self.deliver()
        assert not {self.seen(tale) for tale in self.tales} & {*TOLD, At.DEAD, At.SUMMED_UP}

    @precondition(lambda self: self.is_there(At.CLOSED) and self.begins() is Reason.FIRST_OF_STORY)
    @rule(data=st.data())
    @letters("k")
    def it_is_spoken_of_again_after_it_was_closed(self, data: st.DataObject) -> None:
        old = self.some(data, At.CLOSED)
        again = Tale(old.event)
        self.tales[self.tales.index(old)] = again
        self.past.append(old)
        again.headline = self.words(again)
        again.address = self.bring(again, again.headline, "gazette", wants=Reason.FIRST_OF_STORY)
        again.headline_at = self.clock()
        with self.engine.connect() as connection:
            row = ledger.story_row(connection, again.story)
        assert row is not None
        before = [one for one in self.past if one.event == again.event]
        only_touched_on = not any(one.headline for one in before)  # lost among many that are closed too
        assert row.follows in {one.story for one in before} or (row.follows is None and only_touched_on)
        assert row.follows != again.story

    @precondition(lambda self: self.unused())
    @rule()
    @letters("l")
    def a_story_is_only_touched_on(self) -> None:
        event = self.unused()
        assert event
        tale = Tale(event)
        self.tales.append(tale)
        self.bring(
            tale, f"{self.word()} {event.paper}", "echo", wants=Reason.DIGEST_LEVEL, summary=self.words(tale)
        )

    @precondition(lambda self: self.is_there(At.HELD))
    @rule()
    @letters("m", "c", "i", "j")
    def the_digest_is_due(self) -> None:
        self.channel.faults.clear()
        self.next_digest()
        self.deliver()
        assert not {self.seen(tale) for tale in self.tales} & {At.HELD}

    @precondition(lambda self: any(map(self.may_ring, self.tales)) and self.begins() is Reason.FIRST_OF_STORY)
    @rule(data=st.data())
    @letters("n")
    def a_story_that_was_held_becomes_worth_a_ring(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.may_ring(one)]))
        self._ring(tale, self.reason(tale, Reason.FIRST_OF_STORY))

    def _ring(self, tale: Tale, wants: Reason) -> None:
        headline = self.words(tale)
        address = self.bring(tale, headline, "gazette", wants=wants)
        if wants is Reason.FIRST_OF_STORY:
            tale.headline, tale.headline_at, tale.address = headline, self.clock(), address

    def may_ring(self, tale: Tale) -> bool:
        return tale.at in (At.HELD, At.SUMMED_UP) and not tale.briefed and self.is_young(tale)

    @precondition(lambda self: any(tale.story and not tale.silenced_until for tale in self.tales))
    @rule(data=st.data())
    @letters("p")
    def a_silence_begins(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if not one.silenced_until]))
        tale.silenced_until = self.clock() + DAY
        with self.engine.begin() as connection:
            ledger.add_silence(
                connection, Aim.STORY, tale.story, self.clock(), tale.silenced_until, "ann", ""
            )
            hold_back(connection, self.rulebook, self.clock())
        self.note_held()
        tale.spoken = self.spoken(tale)

    @precondition(lambda self: any(tale.silenced_until for tale in self.tales))
    @rule(data=st.data())
    @letters("q", "c", "i")
    def a_silence_ends(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if one.silenced_until]))
        with self.engine.begin() as connection:
            for silence in ledger.list_silences(connection, self.clock()):
                if silence.conditions == ((Aim.STORY, tale.story),):
                    ledger.end_silence(connection, silence.id, self.clock())
        tale.silenced_until = None
        self.channel.faults.clear()
        self.deliver()
        assert not tale.waiting or tale.at is At.HELD or tale.waiting & self.channel.links

    @precondition(lambda self: self.unused())
    @rule(of=st.sampled_from(["herald", "gazette"]))
    @letters("t", "u", "c", "i", "m")
    def a_night_passes_in_which_a_story_begins(self, of: str) -> None:
        self.channel.faults.clear()
        self.night_falls()
        said = len(self.channel.posts)
        tale = self._begin(of, Reason.QUIET_HOURS)
        self.turn()
        assert self.seen(tale) is At.HELD
        assert len(self.channel.posts) == said
        self.day_breaks()
        tale.briefed = True
        assert tale.address in self.channel.links

    @precondition(lambda self: any(self.is_only_briefed(tale) and not tale.denied for tale in self.tales))
    @rule(data=st.data())
    @letters("v")
    def what_a_brief_told_is_denied(self, data: st.DataObject) -> None:
        open_ = [one for one in self.tales if self.is_only_briefed(one) and not one.denied]
        tale = data.draw(st.sampled_from(open_))
        wants = self.reason(tale, Reason.PROMOTED)
        self.bring(tale, f"{self.words(tale)}, which Microsoft denies", "echo", wants=wants)
        tale.denied = wants is Reason.PROMOTED
        tale.briefed = not tale.denied

    @precondition(lambda self: any(self.is_only_briefed(tale) for tale in self.tales))
    @rule(data=st.data())
    @letters("w")
    def what_a_brief_told_is_reported_by_others(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.is_only_briefed(one)]))
        self.bring(tale, self.words(tale), "echo", wants=self.reason(tale, Reason.FOLLOW_UP))

    def is_only_briefed(self, tale: Tale) -> bool:
        return tale.briefed and tale.at in (At.HELD, At.SUMMED_UP) and self.is_young(tale)

    @precondition(lambda self: self.clock().hour < EVENING and any(map(self.may_vanish, self.tales)))
    @rule(data=st.data())
    @letters("x")
    def the_page_of_a_told_article_is_gone(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.may_vanish(one)]))
        self.clock.now += HOUR
        self.look(tale, Outcome.NOT_FOUND, None)
        self.clock.now += CONFIRM
        self.hear_of_the_page(tale, Outcome.NOT_FOUND)
        tale.gone_at = self.clock()

    def may_vanish(self, tale: Tale) -> bool:
        return self.is_open(tale) and tale.gone_at is None

    @precondition(lambda self: any(map(self.may_come_back, self.tales)))
    @rule(data=st.data())
    @letters("x", "c", "i", "m", "q")
    def the_page_is_there_again(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.may_come_back(one)]))
        assert tale.gone_at
        self.channel.faults.clear()
        self.next_digest()
        self.deliver()
        self.clock.now = max(self.clock(), tale.gone_at + WHILE_GONE)
        self.hear_of_the_page(tale, Outcome.NOT_MODIFIED)
        tale.back = True

    def may_come_back(self, tale: Tale) -> bool:
        return self.is_open(tale) and tale.gone_at is not None and not tale.back

    def hear_of_the_page(self, tale: Tale, answer: Outcome) -> None:
        """Its thread hears of it, once, and nobody is sent to a page that is not there."""
        before, wants = self.said_of_the_page(tale), self.reason(tale, Reason.REMOVED)
        self.clock.pass_by(5)
        self.look(tale, answer, wants)
        new = self.said_of_the_page(tale)[len(before) :]
        link = None if answer is Outcome.NOT_FOUND else tale.address
        assert new == ([link] if wants is Reason.REMOVED else [])

    def said_of_the_page(self, tale: Tale) -> list[str | None]:
        """The links of what was said of the page."""
        bodies = [one.body for one in self.records(tale)]
        items = [item for body in bodies if isinstance(body, FollowUp) for item in body.items]
        return [item.link for item in items if item.note.startswith("The page is ")]

    @precondition(lambda self: self.unused())
    @rule(of=st.sampled_from(["herald", "sec"]), told_meanwhile=st.booleans())
    @letters("o", "n", "y", "c", "i")
    def a_source_brings_too_much_at_once(self, of: str, told_meanwhile: bool) -> None:
        event = self.unused()
        assert event
        tale, usual = Tale(event), self.rulebook
        self.tales.append(tale)
        self.rulebook = replace(usual, limits=usual.limits.model_copy(update={"flood": 1}))
        titles = [self.words(tale), self.words(tale)]
        brought = self.bring_at_once(tale, titles, of, wants=Reason.FLOOD)
        self.rulebook = usual
        self.channel.faults.clear()
        self.turn()
        assert self.seen(tale) is At.HELD
        rings = told_meanwhile and self.begins() is Reason.FIRST_OF_STORY
        if rings:  # its thread leaves to the message of the flood what came in it
            self._ring(tale, Reason.FIRST_OF_STORY)
        self.clock.now += self.rulebook.stories.group_wait
        self.deliver()
        assert self.seen(tale) in (TOLD if rings else (At.SUMMED_UP,))
        named = [link for post in self.channel.posts for link in set(links_of(post.wordings[-1]))]
        assert any(link in named for link in brought)
        assert all(named.count(link) <= 1 for link in brought)

    @precondition(lambda self: any(map(self.is_unseen, self.tales)))
    @rule(data=st.data())
    @letters("z", "c", "i")
    def its_root_is_refused_for_good(self, data: st.DataObject) -> None:
        tale = data.draw(st.sampled_from([one for one in self.tales if self.is_unseen(one)]))
        before = self.records(tale)
        self.channel.faults.clear()
        self.channel.refuses |= {one.id for one in before if one.kind is Kind.ROOT}
        self.deliver()
        replaced = any(one.kind is Kind.REPLY for one in before)
        assert (self.seen(tale) is At.DEAD) is not replaced

    def spoken(self, tale: Tale) -> int:
        """Roots and what replies name."""
        bodies = [one.body for one in self.records(tale) if one.kind is not Kind.EDIT]
        return sum(len(body.items) if isinstance(body, FollowUp) else 1 for body in bodies)

    @precondition(lambda self: self.is_there(At.CANDIDATE, At.UPDATING))
    @rule(
        faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3), wait=st.sampled_from([5, 150, 400])
    )
    @letters("r", "c", "i", "j")
    def slack_answers_oddly_or_not_at_all(self, faults: list[str], wait: int) -> None:
        self.channel.faults = list(faults)
        self.clock.pass_by(wait)
        self.turn()

    @precondition(lambda self: not self.doomed)
    @rule()
    @letters("s")
    def the_next_door_is_killed_before_its_commit(self) -> None:
        self.doomed = True

    @invariant()
    def a_story_has_one_root_in_the_channel(self) -> None:
        roots = [post.story for post in self.channel.posts if post.kind is Kind.ROOT and post.story]
        assert len(roots) == len(set(roots))

    @invariant()
    def nothing_is_told_twice(self) -> None:
        known = [post.delivery for post in self.channel.posts]
        assert len(known) == len(set(known))

    @invariant()
    def what_is_silenced_says_nothing_new(self) -> None:
        for tale in self.tales:
            if tale.silenced_until and self.clock() < tale.silenced_until:
                assert self.spoken(tale) == tale.spoken


# --- run --------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Hundreds of lives would fill it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


SETTINGS = settings(
    max_examples=LIVES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shorten a life takes minutes; few are long
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_a_story_moves_only_as_it_is_drawn() -> None:
    run_state_machine_as_test(Moves, settings=SETTINGS)


def drawn() -> tuple[set[str], set[str]]:
    """The letters of the drawing, and those of the table below it."""
    page = PAGE.read_text(encoding="utf-8")
    drawing = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert drawing
    return set(re.findall(r"\(([a-z])\)", drawing[1])), set(re.findall(r"(?m)^\| ([a-z]) \|", page))


def test_the_drawing_its_table_and_the_machine_have_the_same_letters() -> None:
    drawing, table = drawn()
    assert drawing == table == set(MOVES) == MADE
