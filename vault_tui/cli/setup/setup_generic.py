"""`vault-tui setup generic`: variables for any program, to be taken over by a shell."""

import shlex
from collections.abc import Mapping

from proxy_core.base.errors import VaultError
from proxy_core.base.variables import AGENT_TOKEN
from proxy_core.client import calls
from proxy_core.domain.gateway import by_prefix, is_anthropic
from proxy_core.domain.service_document import parse_services
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.cli.running.run import DEFAULT_TTL, open_worker, session_facts, write_ca_files
from vault_tui.cli.running.run_env import build_environment
from vault_tui.setup.tools import GATEWAY

_LABEL = "setup generic"


def print_variables(
    connection: Connection, mode: str, vault: str, shell: str, as_json: bool
) -> None:
    """Print the variables of a session of one day. Raises VaultError."""
    status = open_worker(connection)
    write_ca_files(connection)
    prefixes = _gateways(connection, vault) if mode == GATEWAY else {}
    session = connection.send(calls.create_session(vault, DEFAULT_TTL, _LABEL))
    facts = session_facts(connection, status, vault, session)
    if mode == GATEWAY:
        origin = f"{'https' if facts.proxy_tls else 'http'}://{facts.proxy}"
        variables = _base_urls(origin, prefixes, session.token)
    else:
        variables = build_environment({}, facts, {})
    if as_json:
        output.emit_json({"variables": variables, "expires_at": session.expires_at})
    else:
        for name, value in variables.items():
            output.emit(line(shell, name, value))
    say(f"The token ends at {session.expires_at}; `vault-tui session list` shows it.")


def line(shell: str, name: str, value: str) -> str:
    """One assignment in a shell's own quoting."""
    if shell == "fish":
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{escaped}'"
    if shell == "pwsh":
        return f"$Env:{name} = '{value.replace(chr(39), 2 * chr(39))}'"
    return f"export {name}={shlex.quote(value)}"


def _gateways(connection: Connection, vault: str) -> dict[str, str]:
    """Prefix by upstream host. Raises VaultError not_found without any."""
    services = parse_services(connection.send(calls.services(vault)).services)
    found = {one.gateway.host: prefix for prefix, one in by_prefix(services).items() if one.gateway}
    if not found:
        help = "`vault-tui service add … --gateway-prefix P` makes one."
        raise VaultError("not_found", f"Vault {vault} has no gateway.", {"help": help})
    return found


def _base_urls(origin: str, prefixes: Mapping[str, str], token: str) -> dict[str, str]:
    """The variables that the providers' own programs read."""
    variables = {AGENT_TOKEN: token}
    for host, prefix in prefixes.items():
        if is_anthropic(host):
            variables |= {
                "ANTHROPIC_BASE_URL": f"{origin}/{prefix}",
                "ANTHROPIC_AUTH_TOKEN": token,
            }
        elif host == "api.openai.com":
            variables |= {"OPENAI_BASE_URL": f"{origin}/{prefix}/v1", "OPENAI_API_KEY": token}
        else:
            name = f"{prefix.replace('-', '_').upper()}_BASE_URL"
            variables[name] = f"{origin}/{prefix}"
    return variables
