"""What hosts asked of us, at hand: Retry-After and robots.txt, remembered in the archive and over restarts.

Lives here: the memory in front of the archive's `hosts` table. Not here: what robots.txt says (`robots`),
how long Retry-After is (`pacing`), where both are asked for (`download`, `spiders`).
"""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Engine

from crawler import archive
from crawler.archive import HostRules

KEPT = 4096  # hosts at hand; the others are one SELECT away

_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Scheme, host and port: what a robots.txt is valid for. ValueError for what is no address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{parts.port or _PORTS.get(parts.scheme, 0)}"


class Hosts:
    """Reads through to the archive and writes through at once, so that a kill forgets nothing a server
    asked.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._at_hand: OrderedDict[str, HostRules] = OrderedDict()

    def rules(self, of: str) -> HostRules:
        known = self._at_hand.get(of)
        if known is None:
            with self._engine.connect() as connection:
                known = archive.host_rules(connection, of) or HostRules()
            self._keep(of, known)
        return known

    def remember(self, of: str, rules: HostRules) -> None:
        with self._engine.begin() as connection:
            archive.remember_host(connection, of, rules)
        self._keep(of, rules)

    def held_until(self, of: str, now: datetime) -> datetime | None:
        until = self.rules(of).held_until
        return until if until is not None and until > now else None

    def hold(self, of: str, until: datetime) -> None:
        """No request before `until`. A later end that is already known stays."""
        rules = self.rules(of)
        if rules.held_until is None or rules.held_until < until:
            self.remember(of, replace(rules, held_until=until))

    def _keep(self, of: str, rules: HostRules) -> None:
        self._at_hand[of] = rules
        self._at_hand.move_to_end(of)
        while len(self._at_hand) > KEPT:
            self._at_hand.popitem(last=False)
