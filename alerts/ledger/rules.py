"""Rules in force, and how their shadows differ from them.

Lives here: since when a rule runs in its version. Not here: what counts as a difference (`alerts.shadows`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from alerts.alerting import Reason
from alerts.ledger.schema import matches, rules_in_force
from alerts.shadows import Difference, Holding, difference
from alerts.watches import Watch


def note_rules(connection: Connection, versions: Mapping[tuple[str, str], str], now: datetime) -> None:
    """These rules run from now on, by (watch, rule); a version that was in force already keeps its date."""
    known = {(row.watch, row.rule): row.version for row in connection.execute(select(rules_in_force))}
    for watch, rule in known.keys() - versions.keys():
        connection.execute(delete(rules_in_force).where(*_is_rule(watch, rule)))
    for (watch, rule), version in versions.items():
        if (watch, rule) not in known:
            added = insert(rules_in_force).values(watch=watch, rule=rule, version=version, since=now)
            connection.execute(added)
        elif known[watch, rule] != version:
            changed = update(rules_in_force).where(*_is_rule(watch, rule))
            connection.execute(changed.values(version=version, since=now))


def _is_rule(watch: str, rule: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return rules_in_force.c.watch == watch, rules_in_force.c.rule == rule


def differences(
    connection: Connection, watches: Iterable[Watch], after: datetime, until: datetime
) -> list[Difference]:
    """How each shadow rule differed from what it stands for, as far as both were in force in this time."""
    since = {(row.watch, row.rule): row.since for row in connection.execute(select(rules_in_force))}
    found = []
    for watch in watches:
        for rule in (one for one in watch.rules if one.shadow):
            begin = since.get((watch.id, rule.id))
            compared = since.get((watch.id, rule.instead_of)) if rule.instead_of else begin
            if begin is not None and compared is not None:
                from_ = max(after, begin, compared)
                found.append(difference(watch, rule, from_, _holdings(connection, watch.id, from_, until)))
    return found


def _holdings(connection: Connection, watch: str, after: datetime, until: datetime) -> list[Holding]:
    which = (matches.c.watch == watch, matches.c.at >= after, matches.c.at <= until)
    rows = connection.execute(
        select(matches.c.article, matches.c.rule, matches.c.reason).where(*which).order_by(matches.c.id)
    )
    return [Holding(row.article, row.rule, row.reason == Reason.SHADOW.value) for row in rows]
