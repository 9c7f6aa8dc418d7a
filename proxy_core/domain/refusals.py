"""Refusals of a credential, said so that Claude Code does not ask again and again.

It takes each 401 and 403 of a base URL, and each 403 of Bedrock, for its own token's fault: it gets
that anew and asks ten times more in three or four minutes, unless it is told to wait for longer
than a minute: then it asks twice more at most. It does not look at x-should-retry before.

Where the vault has attached the credential, no token of the client's own would change anything.
"""

from typing import Final

from proxy_core.domain.cloud.aws_hosts import service_of
from proxy_core.domain.gateway import is_anthropic

REFUSALS: Final = (401, 403)
"""Statuses of a credential that isn't good, or not good enough."""
FINAL_SECONDS: Final = 300

_NO_USE: Final = (b"x-should-retry", b"false")
_NOT_SOON: Final = (b"Retry-After", b"%d" % FINAL_SECONDS)

Fields = tuple[tuple[bytes, bytes], ...]


def final_fields(host: str, status: int, *, at_gateway: bool) -> Fields:
    """What to add to an upstream's answer to the vault's credential; `host` is normalised.

    Only where it is needed there is a time to wait: others would put off their own remedy for it.
    """
    if status not in REFUSALS:
        return ()
    if is_anthropic(host):
        return (_NO_USE, _NOT_SOON) if at_gateway else (_NO_USE,)
    return (_NOT_SOON,) if status == 403 and service_of(host) == "bedrock" else ()
