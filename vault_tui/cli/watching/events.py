"""`vault-tui events`: what the worker remembers of its life, or what happens as it happens."""

import http.client
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from proxy_core.client import calls
from proxy_core.client.sse import EventReader
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain.events import Event
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.cli.options import Command, json_option, pass_connection

# The worker sends what it remembers at once; silence for this long means that this was all.
_QUIET_SECONDS = 0.5


@click.command(cls=Command)
@click.option("--follow", "-f", is_flag=True, help="Show new events, without end.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Such as credential.changed.")
@json_option
@pass_connection
def events(connection: Connection, follow: bool, types: tuple[str, ...], as_json: bool) -> None:
    """Show the worker's recent events, or with -f the new ones. --json: one object a line."""
    client = connection.client
    for event in _new(client, types) if follow else _remembered(client, types):
        if as_json:
            output.emit_json_line(event)
        else:
            output.emit(_line(event))


def _new(client: SyncClient, types: Sequence[str]) -> Iterator[Event]:
    from proxy_core.client.stream import Connected, Disconnected, Lost
    from vault_tui.cli.watching.following import follow

    for note in follow(client, types):
        if isinstance(note, Lost):
            say(f"{note.count or 'Some'} events were missed.")
        elif isinstance(note, Disconnected):
            say(f"{note.reason} Waiting for the worker…")
        elif not isinstance(note, Connected):
            yield note


def _remembered(client: SyncClient, types: Sequence[str]) -> Iterator[Event]:
    reader = EventReader()
    accepts = {"Accept": "text/event-stream"}
    connection, answer = client.open(calls.event_stream(0, types), _QUIET_SECONDS, accepts)
    try:
        while data := answer.read1(65536):
            yield from (note for note in reader.feed(data) if isinstance(note, Event))
    except TimeoutError:
        return
    except (OSError, http.client.HTTPException) as error:
        say(f"The stream broke off ({type(error).__name__}).")
    finally:
        connection.close()


def _line(event: Event) -> str:
    at = datetime.fromtimestamp(event.at, UTC).strftime("%H:%M:%S")
    facts = event.data if isinstance(event.data, dict) else {"data": event.data}
    said = " ".join(
        f"{output.safe(name)}={_value(value)}" for name, value in facts.items() if value
    )
    return f"{at}  {output.styled(output.safe(event.type), 'bold')}  {said}"


def _value(value: object) -> str:
    return output.safe(value if isinstance(value, str) else json.dumps(value))
