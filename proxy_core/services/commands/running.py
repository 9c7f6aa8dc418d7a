"""One run of an approved command, told in words that hold no secret."""

import asyncio
import os
from collections.abc import Mapping

from proxy_core.domain.commands import MAX_OUTPUT, OutputError, environment, value_of
from proxy_core.domain.oauth.redaction import redacted
from proxy_core.external.executable import ExecutableError, check
from proxy_core.external.process import Program, RunError, run
from proxy_core.services.commands.stored import StoredCommand

_COMPLAINT = 300


class CommandError(Exception):
    """The command gave no value. The text holds nothing that it printed.

    `said`: the end of what it wrote to standard error, redacted; for operators and members, since a
    program may tell there what no rule recognises as a secret.
    """

    def __init__(self, text: str, said: str = "") -> None:
        super().__init__(text)
        self.said = said


async def value_from(
    stored: StoredCommand, own_environment: Mapping[str, str] | None = None
) -> bytes:
    """Run it. Raises CommandError."""
    command = stored.command
    passed = environment(command, os.environ if own_environment is None else own_environment)
    try:
        # Again each time: what was safe when it was approved may have been opened up since.
        await asyncio.to_thread(check, stored.executable)
        output = await run(
            Program(stored.executable, command.argv, passed),
            seconds=command.timeout,
            max_output=MAX_OUTPUT,
        )
        return value_of(command, output)
    except ExecutableError as error:
        raise CommandError(str(error)) from None
    except RunError as error:
        said = _said(error, passed, command.env)
        raise CommandError(f"The command failed: {error}.", said) from None
    except OutputError as error:
        raise CommandError(f"The command failed: {error}.") from None


def _said(error: RunError, passed: Mapping[str, str], secret_names: tuple[str, ...]) -> str:
    """What it wrote to standard error, but for the values of the variables it was given."""
    secrets = [passed[name].encode() for name in secret_names if passed.get(name)]
    complaint = error.complaint.decode("utf-8", "replace").strip()
    return redacted(" ".join(complaint.split())[-1000:], secrets, _COMPLAINT)
