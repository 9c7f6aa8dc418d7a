"""Asks the provider for the quota of accounts that no response tells of.

The endpoint limits how often it may be asked. So it is asked for accounts that were idle for a
while, for refusals that are old enough to be looked at again, and on demand; one after the other,
and long after it has refused.
"""

import json
from collections.abc import Mapping
from typing import Protocol

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import Account, rejecting
from proxy_core.domain.accounts.cooling import probe_due
from proxy_core.domain.accounts.headers import read_headers
from proxy_core.domain.accounts.providers import provider
from proxy_core.domain.accounts.usage import read_usage
from proxy_core.domain.oauth import TokenError
from proxy_core.services.accounts.observer import Observer
from proxy_core.services.accounts.state import AccountState

INTERVAL_SECONDS = 60.0
IDLE_SECONDS = 900.0
"""An account that nothing was heard of for so long is asked about."""
AT_LEAST_SECONDS = 30.0
"""Between two questions about one account, on demand too."""
REFUSED_SECONDS = 1800.0
"""Without another question after the endpoint has refused one."""
MAX_DOCUMENT = 256 * 1024


class Answer(Protocol):
    """Header names are in lower case."""

    @property
    def status(self) -> int: ...  # noqa: D102 - HTTP's
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102 - said by the class
    @property
    def body(self) -> bytes: ...  # noqa: D102 - said by the class


class UsageSource(Protocol):
    """`oauth.GuardedHttp`, as far as polling needs it."""

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Raises TokenError when there is no answer to use."""


class Polling:
    """`tick` asks for what is due. Nothing is asked before a source is attached."""

    def __init__(self, state: AccountState, observer: Observer) -> None:
        self._state = state
        self._observer = observer
        self._source: UsageSource | None = None

    def attach(self, source: UsageSource) -> None:
        """Say how providers are reached."""
        self._source = source

    async def tick(self) -> None:
        """Ask about the accounts that are due."""
        for account in list(self._state.roster.accounts.values()):
            if self._is_due(account):
                await self.ask(account)

    async def ask(self, account: Account) -> None:
        """Ask about one account, unless it was asked about a moment ago or may not be yet."""
        life, now = self._state.lives.of(account.id), self._state.now
        url = provider(account.provider).usage_url
        if self._source is None or not url or now < life.poll_after:
            return
        life.polled_at, life.poll_after = now, now + AT_LEAST_SECONDS
        try:
            answer = await self._answer(self._source, account, url)
        except VaultError as error:
            life.poll_error = str(error)
        except TokenError as error:
            life.poll_error = error.detail
        else:
            self._take(account, answer)

    def _is_due(self, account: Account) -> bool:
        state = self._state
        life, now = state.lives.of(account.id), state.now
        condition = state.condition(account)
        if account.removed_at is not None or not condition.connected:
            return False
        if state.context.sealer.sealed or now - life.polled_at < IDLE_SECONDS:
            return False
        old = [window for window in rejecting(condition, "", now) if probe_due(window, now)]
        return bool(old) or now - life.seen_at >= IDLE_SECONDS

    async def _answer(self, source: UsageSource, account: Account, url: str) -> Answer:
        """Raises VaultError, TokenError."""
        logins = self._state.logins
        access = await logins.access(account.login_id)
        answer = await source.get(url, self._headers(account, access.value))
        if answer.status == 401 and await logins.refused(account.login_id, access.generation):
            access = await logins.access(account.login_id)
            answer = await source.get(url, self._headers(account, access.value))
        return answer

    @staticmethod
    def _headers(account: Account, token: bytes) -> dict[str, str]:
        named = dict(provider(account.provider).usage_headers)
        return {**named, "authorization": f"Bearer {token.decode('latin-1')}"}

    def _take(self, account: Account, answer: Answer) -> None:
        life, now = self._state.lives.of(account.id), self._state.now
        if answer.status != 200:
            life.poll_error = f"the provider answered {answer.status}"
            if answer.status == 429:
                fields = [(key.encode(), text.encode()) for key, text in answer.headers.items()]
                wait = read_headers(fields, now).retry_after or 0.0
                life.poll_after = now + max(wait, REFUSED_SECONDS)
            return
        windows = read_usage(_document(answer.body), now)
        if windows:
            self._observer.polled(account, windows)
        else:
            life.poll_error = "the provider's answer tells no quota"


def _document(body: bytes) -> object:
    try:
        return json.loads(body[:MAX_DOCUMENT])
    except (ValueError, RecursionError):
        return None
