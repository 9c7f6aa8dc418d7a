"""The demo's providers of logins: they issue tokens, and know whose token they see.

A refresh token is good for one refresh; the next one comes with the answer.
"""

import json
import secrets
import time
from collections.abc import Sequence
from urllib.parse import parse_qs

from vault_tui.demo.quota import header_lines, usage_document
from vault_tui.demo.roles import Grant

USAGE_PATH = "/api/oauth/usage"


class Issuer:
    """Of every login of the demo."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        self.started = time.time()
        self.refreshes = 0
        self._grants = {grant.name: grant for grant in grants}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}

    def tokens(self, name: str) -> dict[str, object]:
        """A new pair for a login."""
        grant = self._grants[name]
        access = f"{grant.prefix}oat01-{secrets.token_hex(20)}"
        refresh = f"{grant.prefix}ort01-{secrets.token_hex(20)}"
        self._access[access], self._refresh[refresh] = grant, grant
        answer: dict[str, object] = {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": grant.life,
        }
        if grant.email:
            answer["account"] = {"uuid": grant.name, "email_address": grant.email}
        return answer

    def answer_token_request(self, host: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the token endpoint's answer; the request is JSON or a form."""
        fields = _fields(body)
        grant = self._refresh.pop(fields.get("refresh_token", ""), None)
        if grant is None or grant.token_host != host:
            return 400, json.dumps({"error": "invalid_grant"}).encode()
        self.refreshes += 1
        return 200, json.dumps(self.tokens(grant.name)).encode()

    def is_token_endpoint(self, host: str, path: str) -> bool:
        """Whether tokens are asked for there."""
        return any((g.token_host, g.token_path) == (host, path) for g in self._grants.values())

    def bearer(self, authorization: str) -> Grant | None:
        """Whose token a request carries."""
        return self._access.get(authorization.removeprefix("Bearer "))

    def strays(self, host: str, head: str) -> bool:
        """Whether the head holds a token that this host must not see."""
        return any(token in head for token, grant in self._access.items() if grant.host != host)

    def quota_lines(self, grant: Grant) -> list[str]:
        """The header lines that tell what is left."""
        now = time.time()
        return header_lines(grant.quota, now - self.started, now) if grant.quota else []

    def usage(self, grant: Grant) -> bytes:
        """The usage endpoint's answer."""
        now = time.time()
        return json.dumps(usage_document(grant.quota, now - self.started, now)).encode()


def _fields(body: bytes) -> dict[str, str]:
    text = body.decode("utf-8", "replace")
    if text.startswith("{"):
        return {name: str(value) for name, value in json.loads(text).items()}
    return {name: values[0] for name, values in parse_qs(text).items()}
