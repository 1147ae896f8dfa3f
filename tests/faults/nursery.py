"""A process in which everything is imported, and from which daemons are forked.

A daemon spends most of its start on imports, when there is nothing it could lose; forked, it can be killed
fifty times in half a minute. Lives here: both ends of that process. Not here: what a daemon is told to suffer
(`injected`), the world around it (`rig`).
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


# ---- the tests' end


class Nursery:
    """Starts daemons and knows how they ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C ends the tests, and they end us
            text=True,
        )

    def start(
        self, arguments: Sequence[str], environ: Mapping[str, str], log: Path, injected: Mapping[str, Any]
    ) -> int:
        """The process id of `tocsin` with these arguments."""
        given = {"arguments": list(arguments), "environ": dict(environ), "log": str(log)}
        return int(self._ask({"start": given | {"injected": dict(injected)}}))

    def ended(self, pid: int) -> int | None:
        """Its exit code, negative for a signal; None: it runs. After its end it may be asked once."""
        code: int | None = self._ask({"ended": pid})
        return code

    def close(self) -> None:
        """All that still runs is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


# ---- the nursery's end


def main() -> None:
    from alembic import command  # noqa: F401  the imports that a fork need not repeat

    from scheduler import cli

    cli.command_named("run")
    children: set[int] = set()
    while line := sys.stdin.readline():
        match json.loads(line):
            case {"start": given}:
                pid = os.fork()
                if pid == 0:
                    _live(**given)
                children.add(pid)
                answer: int | None = pid
            case {"ended": pid}:
                done, status = os.waitpid(pid, os.WNOHANG)
                children -= {done}
                answer = os.waitstatus_to_exitcode(status) if done else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _live(arguments: list[str], environ: dict[str, str], log: str, injected: dict[str, Any]) -> None:
    """The life of one daemon. Does not return."""
    code = 70
    try:
        os.setsid()
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDWR)
        for there, here in ((null, 0), (written, 1), (written, 2)):
            os.dup2(there, here)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv = ["tocsin", *arguments]
        code = _run(injected)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(injected: dict[str, Any]) -> int:
    from scheduler import cli
    from tests.faults.injected import inject

    inject(**injected)
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
