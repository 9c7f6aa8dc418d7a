"""Which worker a command talks to, as whom, and about which vault.

An agent's environment comes first: with AGENT_VAULT_TOKEN set, a command is the agent's, whatever
the socket of this machine would allow. Otherwise it is the operator's: `--addr` or VAULT_TUI_ADDR
with VAULT_TUI_TOKEN or the token that `vault-tui login` keeps, else the control socket, with proof
of a key slot when the worker asks for it.
"""

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client.calls import Call
from proxy_core.client.target import Target
from proxy_core.domain.names import DEFAULT_VAULT
from vault_tui.cli import preferences

if TYPE_CHECKING:
    from proxy_core.client.sync_client import SyncClient

T = TypeVar("T")

_AGENT_ADDR = "http://127.0.0.1:14321"


@dataclass(slots=True)
class Connection:
    """Made once a command. `addr`, `ca_file` and `insecure` are what the options of these names
    said; `token` is an operator's, once proved.
    """

    addr: str = ""
    ca_file: str = ""
    insecure: bool = False
    token: str = field(default="", repr=False)

    @property
    def home(self) -> Home:
        """This machine's data directory."""
        return Home.locate()

    @property
    def is_agent(self) -> bool:
        """Whether AGENT_VAULT_TOKEN decides who we are."""
        return bool(os.environ.get(variables.AGENT_TOKEN))

    @property
    def target(self) -> Target:
        """Raises VaultError: bad_request for a malformed address."""
        if self.is_agent:
            address = os.environ.get(variables.AGENT_ADDR) or _AGENT_ADDR
            # Whoever started the agent chose that address for it.
            token = os.environ[variables.AGENT_TOKEN]
            return Target.choose(addr=address, token=token, insecure=True)
        chosen = Target.choose(
            addr=self.addr, token=self.token, ca_file=self.ca_file, insecure=self.insecure
        )
        return self._signed_in(chosen) if chosen.base_url and not chosen.token else chosen

    def _signed_in(self, target: Target) -> Target:
        """As whom `vault-tui login` signed in there, if it did."""
        from vault_tui.cli.people import sign_ins

        kept = sign_ins.of(self.home, target.base_url)
        return target if kept is None else replace(target, token=kept.token)

    @property
    def is_local(self) -> bool:
        """Whether commands go to the control socket."""
        return self.target.socket is not None

    @property
    def client(self) -> "SyncClient":
        """A client as whom we are now."""
        # http.client and ssl cost 50 ms, and the console starts without them.
        from proxy_core.client.sync_client import SyncClient

        return SyncClient(self.target)

    def send(self, call: Call[T]) -> T:
        """Carry out `call`; where the worker asks for an operator, prove a key slot and try again,
        and where it asks for a user's password again, ask for it.

        Raises VaultError with the worker's code.
        """
        try:
            return self.client.send(call)
        except VaultError as error:
            if error.code == "operator_required" and self.can_prove:
                again = self.prove
            elif error.code == "reauth_required" and self._can_ask:
                again = self._reauthenticate
            else:
                raise
        again()
        return self.client.send(call)

    @property
    def can_prove(self) -> bool:
        """Whether a key slot can be proved: by an operator on this machine, once."""
        return self.is_local and not self.target.token

    def prove(self) -> None:
        """Prove a key slot and keep the operator's token for the rest of this command."""
        from vault_tui.cli import proof

        self.token = proof.unlock(self.client, for_command=True).token

    @property
    def _can_ask(self) -> bool:
        from vault_tui.cli import secret_input

        return secret_input.can_prompt()

    def _reauthenticate(self) -> None:
        """Prove the signed-in user's password again. Raises VaultError: login_failed."""
        from proxy_core.client import calls
        from vault_tui.cli import secret_input

        self.client.send(calls.reauth(secret_input.prompt("Your password, once more")))

    def vault(self, named: str | None) -> str:
        """The vault a command is about: named, the agent's, the one in use, or `default`."""
        if named:
            return named
        if self.is_agent:
            return os.environ.get(variables.AGENT_VAULT) or DEFAULT_VAULT
        return preferences.load(self.home).vault or DEFAULT_VAULT

    def at(self, **options: Any) -> "Connection":
        """The same, talking to another worker, or otherwise."""
        return replace(self, **options)
