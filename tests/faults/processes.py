"""What the kernel says of a process, and a port that was free a moment ago."""

import os
import socket
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes it started and that still run."""
    listed = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in listed for child in text.split()]


def environ(pid: int) -> str:
    """The environment it was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")


def alive(pid: int) -> bool:
    """Does it run? A zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def nobody() -> int | None:
    """Whom modes of files concern: us, or if we are root, somebody else."""
    return 65534 if os.getuid() == 0 else None
