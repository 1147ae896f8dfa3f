"""`tocsin dead`: deliveries that were given up, and how they are tried again.

Not here: what gives one up (`alerts.dispatch`), its table (`alerts.outbox`).
"""

from typing import Annotated

import typer

from alerts import outbox
from alerts.notifications import DeliveryId
from scheduler.clock import utc_now
from scheduler.terminal import AsJson, DataDir, Exit, command, database_of, print_json, stop

app = typer.Typer(no_args_is_help=True, help="Deliveries that were given up.")


@app.command("list")
@command
def list_dead(data: DataDir, as_json: AsJson = False) -> None:
    """Deliveries the channel refused for their content."""
    with database_of(data) as engine, engine.connect() as connection:
        dead = outbox.dead_list(connection)
    if as_json:
        print_json(
            [
                {
                    "id": d.id,
                    "channel": d.channel,
                    "title": d.body.title,
                    "reason": d.reason,
                    "attempts": d.attempts,
                    "created_at": d.created_at,
                }
                for d in dead
            ]
        )
    else:
        for d in dead:
            typer.echo(
                f"{d.id}  {d.channel}  {d.created_at:%Y-%m-%d %H:%M} UTC  {d.body.title}\n  {d.reason}"
            )


@app.command("retry")
@command
def retry_dead(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Their ids, or `all`.")], data: DataDir
) -> None:
    """Put them into the outbox again."""
    wanted = None if ids == ["all"] else [DeliveryId(one) for one in ids]
    with database_of(data) as engine, engine.begin() as connection:
        revived = outbox.retry_dead(connection, wanted, utc_now())
    typer.echo(f"{len(revived)} waiting again")
    if wanted and len(revived) < len(wanted):
        stop(Exit.SOMETHING_FAILED, "not dead: " + ", ".join(sorted(set(wanted) - set(revived))))
