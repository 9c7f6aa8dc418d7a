"""What Claude Code is told that signs in where no gateway leads to Anthropic.

Of what it is answered before it has a code, it shows one thing: the description of a refused device
authorization. So discovery, which comes before that, has nothing to say to it and is no failure.

A prefix that is nobody's and one that leads elsewhere are answered alike: what else there is, no
stranger learns.
"""

import json
from typing import Any, Final

from proxy_core.base.text import display_safe
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.gateway import MAX_PREFIX
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.setup_services import ANTHROPIC_PREFIX

_STEPS: Final = frozenset(
    {
        ("GET", protocol.DISCOVERY_PATH),
        ("HEAD", protocol.DISCOVERY_PATH),
        ("POST", protocol.DEVICE_PATH),
        ("POST", protocol.TOKEN_PATH),
        ("POST", protocol.REVOCATION_PATH),
    }
)
_CLIENT: Final = "claude-code/"
_SETUP: Final = "vault-tui setup claude-code --mode gateway"
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


class Nowhere:
    """One of the gateway's `LocalAnswers`, to be asked when no other covers the path.

    Requests with a token are not its own: they are somebody's, who is told what they may know.
    """

    def covers(self, request: LocalRequest) -> LocalPath | None:
        """Whether it is a step of a sign-in."""
        if request.has_token or _step(request) is None:
            return None
        return LocalPath("gateway sign-in", public=True)

    async def answer(self, local: Local) -> LocalAnswer | None:
        """No, and what to do: to Claude Code where it shows that."""
        found = _step(local.request)
        if found is None:
            return None
        prefix, path = found
        is_shown = local.request.header(b"user-agent").startswith(_CLIENT)
        if path == protocol.DISCOVERY_PATH and is_shown:
            return _json(200, {})  # it goes on to the device authorization
        return _json(404, OAuthRefusal("invalid_request", _why(prefix)).document)


def _step(request: LocalRequest) -> tuple[str, str] | None:
    """Prefix and path of a step; an address without a prefix has an empty one."""
    for prefix, path in (
        (request.prefix, request.path),
        ("", f"/{request.prefix}{request.path}"),
    ):
        if (request.method, path) in _STEPS:
            return prefix, path
    return None


def _why(prefix: str) -> str:
    """At most 300 characters: more is not shown."""
    if not prefix:
        made = f"/{ANTHROPIC_PREFIX} where `{_SETUP}` made it"
        return f"A gateway's address ends with a prefix, which is missing: {made}."
    known = "" if prefix == ANTHROPIC_PREFIX else f" Its prefix is {ANTHROPIC_PREFIX}."
    shown = display_safe(prefix, MAX_PREFIX)
    return (
        f"No service that leads to Anthropic has the gateway prefix {shown}. "
        f"On the worker's machine: `{_SETUP}`.{known}"
    )


def _json(status: int, body: dict[str, Any]) -> LocalAnswer:
    return LocalAnswer(status, json.dumps(body).encode(), _JSON)
