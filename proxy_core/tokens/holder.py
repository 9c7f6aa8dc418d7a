"""The token to print: from the cache, from its safe, or refreshed, exactly once."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from proxy_core.base.errors import VaultError
from proxy_core.base.os_keyring import TIMEOUT_SECONDS
from proxy_core.base.paths import Home
from proxy_core.tokens import kernel_cache
from proxy_core.tokens.login import Login, LoginDirectory
from proxy_core.tokens.safes import safe_of, store
from proxy_core.tokens.tokens import Tokens

if TYPE_CHECKING:
    from proxy_core.domain.oauth.failures import TokenError
    from proxy_core.tokens.issuer import Answer

ENDLESS_SECONDS = 3600.0
"""A token whose end nobody tells stays in the kernel's memory so long."""

_HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

FILE_SENTENCE = (
    "They are kept in an encrypted file of the login's directory instead. A copy of it elsewhere"
    " opens nothing; programs of yours on this machine can read it."
)


class Holder:
    """The login of one home. `say` gets sentences for a person, `clock` tells epoch seconds."""

    def __init__(
        self, home: Home, say: Callable[[str], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = LoginDirectory(home)
        self._cache_name = str(home.path)
        self._say = say
        self._clock = clock

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self._clock()

    @property
    def login(self) -> Login | None:
        """What is known of the login. Raises VaultError home_unusable."""
        return self._directory.load()

    def secret(self, of: Login) -> str:
        """The secret of that login's client, as far as it is kept; else empty."""
        login = self._directory.load()
        if login is None or (login.issuer, login.client_id) != (of.issuer, of.client_id):
            return ""
        try:
            return self._read(login).secret if login.kept else ""
        except VaultError:  # whatever it is, the secret can still be typed
            return ""

    def token(self) -> str:
        """A token that is good for a while, refreshed if it has to be.

        Raises VaultError: not_signed_in (there is none, or the issuer takes its refresh token no
        longer), oauth_refresh_failed (not now), keyring_unavailable, home_unusable.
        """
        login = self._kept()
        if login.refresh_at is None or self._clock() < login.refresh_at:
            tokens = self._read(login)
            if tokens.is_fresh(self._clock()):
                return self._cached(tokens)
        elif not login.refreshable:
            return self._last(self._read(login))
        asked_at = time.time()
        with self._directory.locked():
            # Whoever had the lock before may have done it.
            return kernel_cache.cached(self._cache_name) or self._current(asked_at)

    def renewed(self, refused_since: float) -> str:
        """Another token than the one that was there at that time, in epoch seconds: it is refused.

        Whoever refreshes first does so for all. A token of `YOUNG_SECONDS`, and one that nothing
        follows, stay as they are. Raises VaultError as `token`.
        """
        login = self._kept()
        if not login.refreshable and not login.vault:
            self._say("Nothing follows this token: `vault-tui auth login` gets another one.")
        asked_at = time.time()
        with self._directory.locked():
            return self._current(asked_at, refused_since)

    def keep(self, login: Login, tokens: Tokens, patience: float = TIMEOUT_SECONDS) -> Login:
        """Take the place of whatever login there was; `patience` as for `safes.store`.

        Raises VaultError home_unusable, OSError.
        """
        with self._directory.locked(), _uninterrupted():
            kernel_cache.forget(self._cache_name)
            old = self._directory.load()
            kept = self._store(replace(login, kept="", backend=""), tokens, patience)
            if old is not None and (old.kept, old.backend) != (kept.kept, kept.backend):
                self._empty(old)
            self._directory.end_refresh()
        self._cached(tokens)
        return kept

    def end(self, refused: str) -> None:
        """The login is over, unless it has another token than `refused` by now: that one is of no
        use, and how to sign in stays known. Raises VaultError home_unusable.
        """
        with self._directory.locked():
            login = self._directory.load()
            if login is not None and login.kept and self._read(login).printed == refused:
                self._clear(login)

    def forget(self, revoke: Callable[[Login, Tokens], None]) -> Login | None:
        """Remove the login here, everywhere; `revoke` ends it where it came from, before that.

        The login that there was, or None. Raises VaultError home_unusable.
        """
        with self._directory.locked():
            kernel_cache.forget(self._cache_name)
            login = self._directory.load()
            if login is None:
                return None
            if login.kept:
                try:
                    revoke(login, self._read(login))
                except VaultError as error:
                    self._say(error.detail)
            self._empty(login)
            self._directory.forget()
        return login

    # --- within the lock ---------------------------------------------------------------------

    def _current(self, asked_at: float, refused_since: float | None = None) -> str:
        login = self._kept()
        tokens = self._read(login)
        if tokens.is_fresh(self._clock()) and not self._directory.made_before(refused_since):
            self._directory.end_refresh()
            return self._cached(tokens)
        if not tokens.refresh:
            return self._last(tokens)
        # One attempt is for all who waited for it, though it failed.
        if reason := self._directory.failure_since(asked_at):
            return self._old(tokens, reason)
        with _uninterrupted():
            return self._refreshed(login, tokens)

    def _refreshed(self, login: Login, old: Tokens) -> str:
        """Intent, call, durable store; then it may be used."""
        from proxy_core.domain.oauth.failures import TokenError
        from proxy_core.tokens.issuer import Issuer, client_of

        interrupted = self._directory.refresh_begun
        self._directory.begin_refresh()
        try:
            issuer = Issuer.of(login, old.secret, self._clock)
            answer = issuer.refresh(client_of(login), old.refresh)
        except TokenError as error:
            return self._not_refreshed(login, old, error, interrupted)
        tokens = self._renewed(login, old, answer)
        self._directory.use_room()
        self._store(login, tokens)
        self._directory.end_refresh()
        if tokens.is_fresh(self._clock()):
            return self._cached(tokens)
        if tokens.lives(self._clock()):
            return tokens.printed
        detail = "The issuer gave no new token of the kind that is printed: see `--use`."
        raise VaultError("oauth_refresh_failed", detail)

    def _renewed(self, login: Login, old: Tokens, answer: "Answer") -> Tokens:
        """The new pair. Where only an ID token is missing, the old one is printed on."""
        from proxy_core.tokens.issuer import obtained

        refresh = (answer.tokens.refresh_token or b"").decode("ascii")
        access = answer.tokens.access_token.decode("ascii")
        if login.printed == "id" and not answer.id_token:
            return replace(old, access=access, refresh=refresh)
        return obtained(login, answer, self._clock(), old.secret)

    def _not_refreshed(
        self, login: Login, old: Tokens, error: "TokenError", interrupted: bool
    ) -> str:
        if error.final and not error.code.startswith("http_"):
            self._clear(login)
            why = " An earlier refresh broke off, and its tokens are lost." if interrupted else ""
            raise VaultError(
                "not_signed_in", f"The issuer has ended this login ({error.code}).{why}"
            )
        if error.status >= 400:  # a refusal: the refresh token has not been used up
            self._directory.end_refresh()
        reason = f"The token could not be refreshed: {error.detail} ({error.code})."
        self._directory.note_failure(reason)
        return self._old(old, reason)

    def _old(self, old: Tokens, reason: str) -> str:
        """What there is when a refresh fails. Raises VaultError oauth_refresh_failed."""
        if old.lives(self._clock()):
            self._say(f"{reason} The old one lives a little longer.")
            return old.printed
        advice = "Try again; if that does not help, `vault-tui auth login`."
        raise VaultError("oauth_refresh_failed", reason, {"help": advice})

    def _store(self, login: Login, tokens: Tokens, patience: float = TIMEOUT_SECONDS) -> Login:
        kept, backend, problem = store(self._directory, login, tokens.text(), patience)
        if problem:
            self._say(f"The tokens are not in the OS keyring: {problem} {FILE_SENTENCE}")
        known = replace(
            login,
            kept=kept,
            backend=backend,
            expires_at=tokens.expires_at,
            refresh_at=tokens.refresh_at,
            refreshable=bool(tokens.refresh),
        )
        self._directory.save(known)
        return known

    def _clear(self, login: Login) -> None:
        """No tokens any more; how to sign in stays known."""
        kernel_cache.forget(self._cache_name)
        self._empty(login)
        self._directory.save(replace(login, kept="", backend="", refreshable=False))
        self._directory.end_refresh()

    def _empty(self, login: Login) -> None:
        if not login.kept:
            return
        try:
            safe_of(self._directory, login).delete()
        except VaultError as error:
            self._say(f"The old tokens could not be removed: {error.detail}")

    # --- anywhere ------------------------------------------------------------------------------

    def _kept(self) -> Login:
        login = self._directory.load()
        if login is None:
            advice = "Sign in with `vault-tui auth login --issuer URL --client-id ID`."
            raise VaultError("not_signed_in", "Nobody has signed in here.", {"help": advice})
        if not login.kept:
            raise VaultError("not_signed_in", "The login has ended.")
        return login

    def _read(self, login: Login) -> Tokens:
        try:
            text = safe_of(self._directory, login).read()
        except VaultError as error:
            if error.code != "keyring_unavailable":
                raise
            advice = "Unlock it, or sign in again in this session: `vault-tui auth login`."
            raise VaultError(error.code, error.detail, {"help": advice}) from None
        if text is None:
            raise VaultError("not_signed_in", "The tokens are no longer where they were kept.")
        return Tokens.parsed(text)

    def _last(self, tokens: Tokens) -> str:
        """A token that nothing follows is good to its end."""
        if not tokens.lives(self._clock()):
            raise VaultError("not_signed_in", "The login has ended.")
        return tokens.printed

    def _cached(self, tokens: Tokens) -> str:
        until = tokens.refresh_at
        if until is None:
            until = self._clock() + ENDLESS_SECONDS
        kernel_cache.keep(self._cache_name, tokens.printed, until)
        return tokens.printed


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Signals that would end us come afterwards: a rotated token must be stored first."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
