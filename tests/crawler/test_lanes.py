"""Who goes next."""

from datetime import UTC, datetime, timedelta

from crawler.archive import Claim, PageClaim
from crawler.lanes import Lanes
from crawler.sources import Source, SourceId, SourceState

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def claim(name: str, host: str) -> Claim:
    return Claim(
        Source(id=name, kind="feed", url=f"http://{host}/feed"), SourceState(source=SourceId(name)), 1
    )


def page(article: int, host: str) -> PageClaim:
    return PageClaim(article, f"http://{host}/{article}", claim("s", host).source, 1, 0)


def names(claims: list[Claim | PageClaim]) -> list[str | int]:
    return [c.article if isinstance(c, PageClaim) else c.source.id for c in claims]


def test_a_host_has_one_at_a_time_and_the_others_do_not_wait_for_it() -> None:
    lanes = Lanes(10, 1)
    for c in (claim("a1", "a"), claim("a2", "a"), claim("b1", "b")):
        lanes.add(c, LATER)
    assert names(lanes.ready(NOW)) == ["a1", "b1"]
    assert names(lanes.ready(NOW)) == []
    lanes.leave(claim("a1", "a"))
    assert names(lanes.ready(NOW)) == ["a2"]


def test_ports_and_spellings_of_a_host_share_a_lane() -> None:
    lanes = Lanes(10, 1)
    lanes.add(claim("a1", "Host.example:8080"), LATER)
    lanes.add(claim("a2", "host.example.:81"), LATER)
    assert len(lanes.ready(NOW)) == 1


def test_no_more_than_the_concurrency_is_under_way() -> None:
    lanes = Lanes(2, 1)
    for name in "abc":
        lanes.add(claim(name, name), LATER)
    assert names(lanes.ready(NOW)) == ["a", "b"]
    lanes.leave(claim("b", "b"))
    assert names(lanes.ready(NOW)) == ["c"]


def test_pages_overtake_sources_of_their_host_and_then_take_turns() -> None:
    lanes = Lanes(10, 1)
    for c in (claim("a1", "a"), claim("a2", "a"), page(7, "a"), page(8, "a")):
        lanes.add(c, LATER)
    order = []
    while started := lanes.ready(NOW):
        order += names(started)
        lanes.leave(started[0])
    assert order == [7, "a1", 8, "a2"]


def test_a_flood_of_pages_leaves_room_for_sources() -> None:
    lanes = Lanes(4, 1)
    for number in range(10):
        lanes.add(page(number, f"p{number}"), LATER)
    lanes.add(claim("a1", "a"), LATER)
    started = lanes.ready(NOW)
    assert names(started) == [0, 1, 2, "a1"]
    lanes.leave(started[0])
    assert names(lanes.ready(NOW)) == [3]


def test_a_claim_whose_lease_would_end_too_early_is_left_to_the_next_tick() -> None:
    lanes = Lanes(10, 1)
    lanes.add(claim("a1", "a"), NOW)
    assert lanes.ready(NOW) == []
    assert not lanes.knows(claim("a1", "a"))
    assert len(lanes) == 0


def test_what_was_not_finished_is_listed_for_giving_back() -> None:
    lanes = Lanes(10, 1)
    for c in (claim("a1", "a"), claim("a2", "a"), claim("b1", "b"), claim("c1", "c")):
        lanes.add(c, LATER)
    lanes.ready(NOW)
    lanes.leave(claim("b1", "b"), unfinished=True)
    lanes.leave(claim("c1", "c"))
    lanes.stop()
    assert lanes.ready(NOW) == []
    assert sorted(names(lanes.unfinished()), key=str) == ["a1", "a2", "b1"]


def test_leaving_twice_counts_once() -> None:
    lanes = Lanes(10, 1)
    lanes.add(claim("a1", "a"), LATER)
    lanes.ready(NOW)
    lanes.leave(claim("a1", "a"))
    lanes.leave(claim("a1", "a"))
    assert lanes.under_way == 0
