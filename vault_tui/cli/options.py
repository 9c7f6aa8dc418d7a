"""Options that many commands share, said once."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage

F = TypeVar("F", bound=Callable[..., Any])

pass_connection = click.make_pass_decorator(Connection)


def _talk_to(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        connection = ctx.find_object(Connection)
        assert connection is not None
        ctx.obj = connection.at(**{str(param.name): value})


def _option(name: str, help: str, **kwargs: Any) -> click.Option:
    return click.Option([name], help=help, expose_value=False, callback=_talk_to, **kwargs)


class Command(click.Command):
    """A command that also takes the options of the worker's address after its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            _option("--addr", "Worker to talk to.", metavar="URL"),
            _option("--ca-file", "Trust its certificate by this CA too, PEM.", metavar="FILE"),
            _option("--insecure", "Talk to it over plain http.", is_flag=True),
        ]


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def json_option(function: F) -> F:
    """`--json`: print the API's object."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def vault_option(function: F) -> F:
    """`--vault NAME`: None when not given; `Connection.vault` decides then."""
    return click.option("--vault", metavar="NAME", help="Vault; default: the one in use.")(function)


def yes_option(function: F) -> F:
    """`--yes`: do not ask for confirmation."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(function)


def confirm(question: str, yes: bool) -> None:
    """Ask before something that can't be undone; scripts have to say `--yes`.

    Raises click.Abort when refused, Usage when there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Usage(f"{question} Say --yes to do it without being asked")
    click.confirm(question, default=False, abort=True, err=True)
