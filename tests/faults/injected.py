"""What a daemon may be told to suffer, patched into its process from outside; the product has no such hooks.

Lives here: death at a boundary (a commit that writes, a call to Slack), and the negative controls: mistakes
of which the tests must notice that they are some. Not here: choosing among them (`test_kills`).
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

from alerts import dispatch, outbox
from alerts.notifiers.slack import SlackNotifier

OURS = ("crawler.", "alerts.", "scheduler.")


def inject(
    boundaries: str | None = None,
    die_at: str | None = None,
    mistake: str | None = None,
    uid: int | None = None,
) -> None:
    """`boundaries`: a file in which each is noted; after `die_at` comes no other. `uid`: whose process."""
    if uid is not None:
        os.setuid(uid)
    if boundaries is not None:
        _watch_boundaries(_Boundaries(boundaries, die_at))
    if mistake is not None:
        MISTAKES[mistake]()


# ---- boundaries


class _Boundaries:
    def __init__(self, path: str, die_at: str | None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._die_at = die_at

    def reached(self, side: str, what: str) -> None:
        name = f"{side} {what} in {_place()}"
        os.write(self._file, f"{name}\n".encode())
        if name == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _place() -> str:
    """The function of ours that is at it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not frame.f_globals["__name__"].startswith(OURS):
        frame = frame.f_back
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"


def _watch_boundaries(boundaries: _Boundaries) -> None:
    commit: Any = DefaultDialect.do_commit

    def changed(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if cursor.rowcount > 0 and statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            connection.info["changed"] = True

    def committing(dialect: DefaultDialect, connection: Any) -> None:
        if not connection.info.pop("changed", False):
            commit(dialect, connection)  # it only looked: dying there is dying elsewhere
            return
        boundaries.reached("before", "commit")
        commit(dialect, connection)
        boundaries.reached("after", "commit")

    event.listen(Engine, "after_cursor_execute", changed)
    DefaultDialect.do_commit = committing  # type: ignore[method-assign]
    for method in ("chat_postMessage", "chat_update", "conversations_history", "conversations_replies"):
        setattr(AsyncWebClient, method, _bounded(boundaries, method))


def _bounded(boundaries: _Boundaries, method: str) -> Any:
    call = getattr(AsyncWebClient, method)

    async def bounded(*arguments: Any, **named: Any) -> Any:
        boundaries.reached("before", method)
        answer = await call(*arguments, **named)
        boundaries.reached("after", method)
        return answer

    return bounded


# ---- mistakes


def _send_again_without_looking() -> None:
    SlackNotifier.reads_back = False


def _let_the_sdk_retry() -> None:
    """What its client does if nobody says otherwise."""
    build = AsyncWebClient.__init__

    def built(self: AsyncWebClient, **named: Any) -> None:
        build(self, **named | {"retry_handlers": [AsyncConnectionErrorRetryHandler()]})

    AsyncWebClient.__init__ = built  # type: ignore[method-assign, assignment]


def _send_before_the_commit() -> None:
    """The attempt is written down with its outcome, in one transaction: one commit saved."""

    async def send_next(self: Any) -> bool:
        def claim(connection: Connection) -> outbox.Claim | None:
            return outbox.claim(connection, self.channel, self.clock(), self.lease, self.notifier.pace)

        with self.engine.connect() as connection:
            looked_at = claim(connection)  # rolled back
        if looked_at is None:
            return False
        receipt = await self.notifier.send(looked_at.delivery)
        with self.engine.begin() as connection:
            claimed = claim(connection)
            if claimed is not None:
                outbox.sent(connection, claimed, receipt.ts, self.clock())
        return True

    dispatch._Work.send_next = send_next  # type: ignore[method-assign]


def _mark_before_sending() -> None:
    """What is marked as sent will not be sent twice; nor once, if we die in between."""

    async def send_next(self: Any) -> bool:
        with self.engine.begin() as connection:
            claim = outbox.claim(connection, self.channel, self.clock(), self.lease, self.notifier.pace)
            if claim is None:
                return False
            outbox.sent(connection, claim, None, self.clock())
        await self.notifier.send(claim.delivery)
        return True

    dispatch._Work.send_next = send_next  # type: ignore[method-assign]


MISTAKES: dict[str, Callable[[], None]] = {
    "send again without looking": _send_again_without_looking,
    "let the SDK retry": _let_the_sdk_retry,
    "send before the commit": _send_before_the_commit,
    "mark before sending": _mark_before_sending,
}
