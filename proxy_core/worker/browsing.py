"""Browsers that are signed in to the pages of this worker.

A browser holds a random cookie that is good for those pages and nothing else: the API takes bearer
tokens alone. What the cookie stands for is the user's own session, which is asked for afresh at
each request, so that a revoked one is over here too. It is in memory: a worker that restarts asks
people to sign in again.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

IDLE_SECONDS = 900.0
LONGEST_SECONDS = 8 * 3600.0
MOST = 200
_COOKIE_BYTES = 32


@dataclass(slots=True)
class _Browser:
    token: str = field(repr=False)
    began: float
    used: float


class Browsers:
    """`now` answers seconds of a clock that never steps."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)
        self._signed_in: dict[bytes, _Browser] = {}

    @staticmethod
    def new_cookie() -> str:
        """For a browser that has none: nobody is signed in by it."""
        return secrets.token_urlsafe(_COOKIE_BYTES)

    def form_token(self, cookie: str) -> str:
        """What a form has to bring along: no other site can know it."""
        return hmac.new(self._key, cookie.encode(), sha256).hexdigest()

    def is_own_form(self, cookie: str, token: str) -> bool:
        """Whether a form was made for the browser of this cookie."""
        return bool(cookie) and hmac.compare_digest(
            self.form_token(cookie).encode(), token.encode()
        )

    def sign_in(self, token: str) -> tuple[str, list[str]]:
        """A new cookie for a user's session, and the tokens of sessions that nobody uses any more.

        The cookie from before is good for nothing: whoever planted it has not signed in.
        """
        now = self._now()
        ended = [one for one, browser in self._signed_in.items() if self._has_ended(browser, now)]
        if len(self._signed_in) - len(ended) >= MOST:
            ended.append(min(self._signed_in, key=lambda one: self._signed_in[one].used))
        cookie = self.new_cookie()
        left = [self._signed_in.pop(one).token for one in dict.fromkeys(ended)]
        self._signed_in[_digest(cookie)] = _Browser(token, now, now)
        return cookie, left

    def token(self, cookie: str) -> str:
        """The user's token of a browser that is signed in; else empty."""
        browser = self._signed_in.get(_digest(cookie))
        now = self._now()
        if browser is None or self._has_ended(browser, now):
            return ""
        browser.used = now
        return browser.token

    def sign_out(self, cookie: str) -> None:
        """Forget the browser."""
        self._signed_in.pop(_digest(cookie), None)

    @staticmethod
    def _has_ended(browser: _Browser, now: float) -> bool:
        return now - browser.used > IDLE_SECONDS or now - browser.began > LONGEST_SECONDS


def _digest(cookie: str) -> bytes:
    return sha256(cookie.encode()).digest()
