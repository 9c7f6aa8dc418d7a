"""What consoles hear of refreshes, and what agents are told when there is no token for them."""

from math import ceil
from shlex import quote
from typing import Any

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.services.context import Context
from proxy_core.services.logins.login import Login, LoginState


class Announcements:
    """Events don't keep the vault from sealing itself: nobody has done anything."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.ended: dict[str, int] = {"succeeded": 0, "failed": 0, "reconnect": 0}
        """This worker's refreshes by how they ended, since it started."""

    def started(self, login: Login, by: str, reason: str) -> None:
        """The token endpoint is about to be asked."""
        self._publish(EventType.REFRESH_STARTED, login, by, reason=reason)

    def succeeded(self, login: Login, by: str) -> None:
        """New tokens are stored and in use."""
        self.ended["succeeded"] += 1
        self._publish(
            EventType.REFRESH_SUCCEEDED,
            login,
            by,
            generation=login.generation,
            refresh_count=login.refresh_count,
            expires_at=login.expires_at,
            next_refresh_at=login.next_refresh_at,
        )

    def failed(self, login: Login, by: str) -> None:
        """There are none, and it will be tried again; `serving`: the old token is still good."""
        self.ended["failed"] += 1
        self._publish(
            EventType.REFRESH_FAILED,
            login,
            by,
            error=login.last_error,
            failures=login.failures,
            retry_at=login.retry_at,
            serving=login.valid(self._context.clock.time()),
        )

    def reconnect(self, login: Login, by: str) -> None:
        """A person has to connect it anew."""
        self.ended["reconnect"] += 1
        self._publish(
            EventType.REFRESH_RECONNECT,
            login,
            by,
            error=login.last_error,
            serving=login.valid(self._context.clock.time()),
            remedy=remedy(login, self.vault(login)),
        )

    def problem(self, login: Login, sentence: str) -> None:
        """Something stands between new tokens and the database."""
        self._publish(EventType.WORKER_PROBLEM, login, "worker", problem=sentence)

    def vault(self, login: Login) -> str:
        """The present name of its vault."""
        entry = self._context.snapshot.by_id.get(login.vault_id)
        return "" if entry is None else entry.name

    def refusal(self, login: Login) -> VaultError:
        """Why an agent gets no token now, with the remedy as a command."""
        vault, now = self.vault(login), self._context.clock.time()
        whose = f"OAuth credential {login.key}" if login.key else f"account {login.nickname}"
        extra = {"remedy": remedy(login, vault), **_names(login)}
        todo = f"An operator mends it with `{extra['remedy']}`."
        if login.state is LoginState.PENDING:
            return VaultError(
                "oauth_not_connected",
                f"The {whose} of vault {vault} is not connected. {todo}",
                extra,
            )
        why = login.last_error or "no reason is known"
        if login.state is LoginState.RECONNECT:
            text = f"The {whose} of vault {vault} has to be connected anew ({why}). {todo}"
            return VaultError("oauth_refresh_failed", text, extra)
        if not login.refreshable:
            text = f"The {whose} of vault {vault} has no refresh token, so its token"
            text = f"{text} can't be renewed: it {_end_of(login, now)}. {todo}"
            return VaultError("oauth_refresh_failed", text, extra)
        if login.valid(now):
            text = (
                f"Refreshing the {whose} of vault {vault} failed ({why}); its token still serves."
            )
        else:
            text = f"The token of {whose} of vault {vault} has expired; refreshing failed ({why})."
        wait = ceil(login.backing_off(now)) or 1
        return VaultError("oauth_refresh_failed", f"{text} {todo}", extra, retry_after=wait)

    def unreadable(self, login: Login, error: VaultError) -> VaultError:
        """The stored token can't be decrypted; any other error is told as it is."""
        if error.code != "credential_unreadable":
            return error
        extra = {"remedy": _connecting(login, self.vault(login)), **_names(login)}
        return VaultError(
            error.code,
            f"The token of {login.name} cannot be decrypted. "
            f"An operator mends it with `{extra['remedy']}`.",
            extra,
        )

    def _publish(self, type: EventType, login: Login, by: str, **data: Any) -> None:
        facts = {"vault": self.vault(login), "name": login.name, "login": login.id}
        self._context.bus.publish(type.value, {**facts, **_names(login), **data, "by": by})


def remedy(login: Login, vault: str) -> str:
    """The command that mends the login, ready for a shell: nicknames come from e-mails."""
    if login.state is not LoginState.CONNECTED or not login.refreshable:
        return _connecting(login, vault)
    if login.key:
        return f"vault-tui credential oauth refresh {login.key} --vault {vault}"
    return f"vault-tui account refresh {quote(login.nickname)} --vault {vault}"


def _end_of(login: Login, now: float) -> str:
    """When its token ends, as far as is known."""
    if login.expires_at is None:
        return "ends when the provider says so"
    return f"{'ends' if now < login.expires_at else 'has ended'} at {rfc3339(login.expires_at)}"


def _connecting(login: Login, vault: str) -> str:
    if login.key:
        return f"vault-tui credential oauth connect {login.key} --vault {vault}"
    return f"vault-tui account add --reconnect {quote(login.nickname)} --vault {vault}"


def _names(login: Login) -> dict[str, str]:
    return {"credential_key": login.key} if login.key else {"account": login.nickname}
