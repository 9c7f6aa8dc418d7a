"""A strict token server: refresh tokens rotate, and one used twice ends its family (RFC 9700).

`reuse == 0` is the verdict that a client never sent a refresh token that had been replaced.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proxy_core.domain.oauth import OAuthClient
from tests.oauth.servers import Received, listening, reply


@dataclass
class _Family:
    """All tokens that descend from one login."""

    live: str = ""
    access: set[str] = field(default_factory=set)
    revoked: bool = False


@dataclass
class RotatingServer:
    """The server's state, to be set before and looked at after.

    `drop`: so many refreshes are carried out and never answered. `fail`: statuses to answer the
    next refreshes with. `leak`: errors quote the token that was sent.
    """

    port: int = 0
    expires_in: int = 3600
    drop: int = 0
    fail: list[int] = field(default_factory=list)
    leak: bool = False
    rotate: bool = True
    retry_after: str = ""
    refreshes: int = 0
    reuse: int = 0
    requests: int = 0
    _families: dict[str, _Family] = field(default_factory=dict)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def client(self, **changes: object) -> OAuthClient:
        """A public client's configuration for this server."""
        base = f"http://127.0.0.1:{self.port}"
        values = {"token_url": f"{base}/token", "client_id": "cli", **changes}
        return OAuthClient(authorization_url=f"{base}/authorize", **values)

    def seed(self) -> tuple[bytes, bytes]:
        """Access and refresh token of a new login."""
        access, refresh = self._issue(_Family())
        return access.encode(), refresh.encode()

    def code(self, challenge: str, redirect_uri: str) -> str:
        """An authorization code, as if a person had agreed."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = {"challenge": challenge, "redirect_uri": redirect_uri}
        return code

    def accepts(self, access: bytes) -> bool:
        """Whether the API behind this server would take the access token."""
        token = access.decode()
        return any(token in each.access and not each.revoked for each in self._families.values())

    @property
    def revoked(self) -> bool:
        """Whether any login has been ended for reuse."""
        return any(each.revoked for each in self._families.values())

    def _issue(self, family: _Family) -> tuple[str, str]:
        access, refresh = f"AT_{secrets.token_urlsafe(24)}", f"RT_{secrets.token_urlsafe(24)}"
        family.live = refresh
        family.access.add(access)
        self._families[refresh] = family
        return access, refresh

    async def __call__(self, request: Received) -> bytes | None:
        """Answer a request to the token endpoint."""
        self.requests += 1
        fields = request.form
        if request.target != "/token":
            return reply(status=404)
        if fields.get("grant_type") == "authorization_code":
            return self._exchange(fields)
        if fields.get("grant_type") == "refresh_token":
            return self._refresh(fields.get("refresh_token", ""))
        return _error("unsupported_grant_type")

    def _exchange(self, fields: dict[str, str]) -> bytes:
        known = self._codes.pop(fields.get("code", ""), None)
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        sent = {"challenge": proof, "redirect_uri": fields.get("redirect_uri", "")}
        if known != sent:
            return _error("invalid_grant")
        return self._tokens(*self._issue(_Family()))

    def _refresh(self, token: str) -> bytes | None:
        if self.fail:
            more = {"Retry_After": self.retry_after} if self.retry_after else {}
            return reply('{"error":"temporarily_unavailable"}', self.fail.pop(0), **more)
        family = self._families.get(token)
        said = f"the token {token} is not usable" if self.leak else ""
        if family is None or family.revoked:
            return _error("invalid_grant", said)
        if token != family.live:
            self.reuse += 1
            family.revoked = True
            return _error("invalid_grant", said)
        self.refreshes += 1
        if not self.rotate:
            access = f"AT_{secrets.token_urlsafe(24)}"
            family.access.add(access)
            return self._tokens(access, None)
        access, refresh = self._issue(family)
        if self.drop:
            self.drop -= 1
            return None
        return self._tokens(access, refresh)

    def _tokens(self, access: str, refresh: str | None) -> bytes:
        fields = {"access_token": access, "token_type": "Bearer", "expires_in": self.expires_in}
        return reply(json.dumps({**fields, "refresh_token": refresh} if refresh else fields))


def _error(code: str, description: str = "") -> bytes:
    return reply(json.dumps({"error": code, "error_description": description}), 400)


@asynccontextmanager
async def rotating_server(**options: object) -> AsyncIterator[RotatingServer]:
    """A running server with these settings."""
    server = RotatingServer(**options)
    async with listening(server) as server.port:
        yield server
