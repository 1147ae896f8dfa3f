"""What comes together is committed together."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from crawler.commits import Commits


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    return engine


def insert(number: int, connection: Connection) -> int:
    connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
    return number * 10


def numbers(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return [row.n for row in connection.execute(text("SELECT n FROM t ORDER BY n"))]


async def test_ten_pieces_of_work_take_one_commit(engine: Engine) -> None:
    made: list[int] = []
    event.listen(engine, "commit", lambda _: made.append(1))
    commits = Commits(engine)
    results = await asyncio.gather(*(commits.write(lambda c, n=n: insert(n, c)) for n in range(10)))  # type: ignore[misc]
    assert results == [n * 10 for n in range(10)]
    assert len(made) == 1


async def test_whoever_writes_knows_only_when_it_is_committed(engine: Engine) -> None:
    commits = Commits(engine)
    task = asyncio.create_task(commits.write(lambda c: insert(1, c)))
    await asyncio.sleep(0)
    assert numbers(engine) == []
    await task
    assert numbers(engine) == [1]


async def test_work_that_fails_costs_nobody_else_theirs(engine: Engine) -> None:
    commits = Commits(engine)

    def broken(connection: Connection) -> int:
        insert(7, connection)
        raise ValueError("a defect")

    results = await asyncio.gather(
        commits.write(lambda c: insert(1, c)),
        commits.write(broken),
        commits.write(lambda c: insert(2, c)),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == (10, 20)
    assert isinstance(results[1], ValueError)
    assert numbers(engine) == [1, 2]


async def test_whoever_has_gone_is_written_all_the_same(engine: Engine) -> None:
    commits = Commits(engine)
    task = asyncio.create_task(commits.write(lambda c: insert(1, c)))
    await asyncio.sleep(0)
    task.cancel()
    await commits.write(lambda c: insert(2, c))
    assert numbers(engine) == [1, 2]
