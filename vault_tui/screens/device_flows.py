"""Devices that ask to sign in, on the screen of what waits: shown, approved, denied."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.claude_gateway import check_email, normal_code
from vault_tui.screens.form import FormDialog
from vault_tui.state import Level
from vault_tui.strings import agents as strings_agents
from vault_tui.strings import common as strings
from vault_tui.strings import devices as words
from vault_tui.widgets.record_detail import field
from vault_tui.widgets.words import plain, when

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

_TO_CORRECT = frozenset(("bad_request", "vault_not_found", "vault_forbidden"))


@dataclass(frozen=True, slots=True)
class Approval:
    """What the form says; `agent` empty: a new one."""

    agent: str = ""
    vault: str = "default"
    role: str = "proxy"
    email: str = ""
    code: str = ""


class DeviceForm(FormDialog[Approval]):
    """As which agent, in which vault; `note` above the lines says what was wrong with it.

    The code has to be typed: so it is compared, and nobody approves with a key too many.
    """

    def __init__(
        self,
        found: wire.DeviceRequest,
        agents: Sequence[str],
        vaults: Sequence[str],
        start: Approval,
        note: str,
    ) -> None:
        super().__init__(words.FORM_TITLE.format(client=found.client), words.FORM_KEYS, note)
        self._agents, self._vaults, self._start = agents, vaults, start
        self._code = found.code

    def fields(self) -> Iterable[Widget]:
        """What is compared first, then whose it is and what it may do."""
        start = self._start
        agents = {"": words.NEW_AGENT, **_shown(self._agents)}
        yield self.line("code", words.CODE, value=start.code)
        yield self.line("email", words.EMAIL, words.EMAIL_HINT, start.email)
        yield self.choice("agent", words.AGENT, agents, start.agent)
        yield self.choice("vault", words.VAULT, _shown(self._vaults), start.vault)
        yield self.choice("role", words.ROLE, strings_agents.VAULT_ROLES, start.role)

    def read(self) -> Approval:
        """Raises VaultError bad_request: the code, the e-mail address."""
        code = self.value("code")
        if normal_code(code) != self._code:
            raise VaultError("bad_request", words.WRONG_CODE)
        return Approval(
            agent=self.value("agent"),
            vault=self.value("vault"),
            role=self.value("role"),
            email=check_email(self.value("email")),
            code=code,
        )


async def approve_device(console: "ConsoleApp", found: wire.DeviceRequest) -> None:
    """Ask as which agent, and let it sign in."""
    start = Approval(vault=console.state.vault)
    note = words.FORM_NOTE.format(address=display_safe(found.address, 60))
    agents = [one.name for one in console.state.agents or ()]
    vaults = [one.name for one in console.state.vaults] or [console.state.vault]
    while True:
        form = DeviceForm(found, agents, vaults, start, note)
        wanted = await console.push_screen_wait(form)
        if wanted is None:
            return
        call = calls.approve_device(
            found.code, wanted.vault, wanted.agent, wanted.role, wanted.email
        )
        try:
            done = await console.send_as_operator(call)
        except VaultError as error:
            if error.code not in _TO_CORRECT:
                raise
            start, note = wanted, str(error)
            continue
        if done is not None:
            _say(console, words.APPROVED, done, Level.GOOD)
        return


async def deny_device(console: "ConsoleApp", found: wire.DeviceRequest) -> None:
    """Refuse it, this once."""
    done = await console.send_as_operator(calls.deny_device(found.code))
    if done is not None:
        _say(console, words.DENIED, done, Level.WARNING)


def device_cells(found: wire.DeviceRequest) -> dict[str, Content]:
    """A row's cells, without the time that is left."""
    nothing = Content.styled(strings.NEVER, "$faint")
    return {
        "agent": plain(found.client, "bold"),
        "method": Content.styled(words.METHOD, "$accent"),
        "url": plain(words.ROW.format(code=found.code, address=found.address)),
        "service": nothing,
        "vault": nothing,
    }


def describe_device(found: wire.DeviceRequest) -> Content:
    """Everything that helps to decide."""
    lines = [
        plain(words.TITLE.format(client=found.client), "bold"),
        Content(""),
        field(words.CODE, found.code),
        field(words.ADDRESS, found.address),
        field(words.SINCE, when(found.created_at)),
        Content(""),
        Content.styled(words.ADVICE, "$muted"),
    ]
    return Content("\n").join(lines)


def _say(console: "ConsoleApp", text: str, done: wire.DeviceResolved, level: Level) -> None:
    agent = display_safe(done.agent, 64)
    console.notice(text.format(code=done.code, agent=agent), level)
    console.sync.reload("holds")


def _shown(names: Sequence[str]) -> Mapping[str, str]:
    return {name: display_safe(name, 64) for name in names}
