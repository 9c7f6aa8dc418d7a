"""What placeholders ask for in one request: a new target, a body read whole, frames looked into.

Header fields are replaced where they are rendered (`http1.render`). `rewritten` does it all for a
request that is here whole.
"""

from collections.abc import Sequence

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.placeholders import Placeholders, Replacing
from proxy_core.domain.substitution import substitute_path, substitute_query
from proxy_core.domain.text_substitution import (
    FRAME_GROWTH,
    FrameText,
    body_kind,
    body_placeholders,
)
from proxy_core.mitm.http1 import (
    Framing,
    RequestHead,
    Target,
    field_values,
    render_request,
    without_digests,
    without_field,
)
from proxy_core.mitm.websocket_frames import MAX_TEXT, ClientFrames

Substitutions = Sequence[SecretSubstitution]


def onward_target(target: Target, substitutions: Substitutions) -> bytes:
    """The target in origin form with every declared placeholder replaced.

    Raises VaultError: substitution_invalid, headers_too_large.
    """
    if not substitutions:
        return target.origin_form
    path = substitute_path(target.path, substitutions)
    if target.query is None:
        return path
    return path + b"?" + substitute_query(target.query, substitutions)


def onward_head(head: RequestHead, substitutions: Substitutions) -> RequestHead:
    """The head, without extensions for a WebSocket whose frames have to stay readable."""
    if head.websocket_key is None or not FrameText(substitutions):
        return head
    kept = without_field(head.headers, b"sec-websocket-extensions")
    return msgspec.structs.replace(head, headers=kept)


def in_body(head: RequestHead, injection: Injection) -> Placeholders | None:
    """What is to be replaced in the request's body; None: it passes unread."""
    if not injection.substitutions or not head.framing.has_body:
        return None

    def sent(name: bytes) -> list[bytes]:
        return field_values(injection.headers, name) or field_values(head.headers, name)

    kind = body_kind(sent(b"content-type"), sent(b"content-encoding"))
    return None if kind is None else body_placeholders(injection.substitutions, kind)


def in_frames(substitutions: Substitutions) -> ClientFrames | None:
    """What looks into a WebSocket client's frames; None: they pass unread."""
    texts = FrameText(substitutions)
    if not texts:
        return None
    return ClientFrames(lambda text: texts.replace(text, FRAME_GROWTH * MAX_TEXT))


def rewritten(
    head: RequestHead, target: Target, host: bytes, body: bytes, injection: Injection, limit: int
) -> bytes | None:
    """Head and body to send for a request that expects nothing and is no WebSocket's.

    None for what is to be refused, and for a body that grows beyond `limit` bytes: who reads it
    piece by piece knows what to do then.
    """
    try:
        origin_form = onward_target(target, injection.substitutions)
        placeholders = in_body(head, injection)
        if placeholders is None:
            return render_request(head, origin_form, host, injection) + body
        replacing = Replacing(placeholders, limit)
        body = replacing.feed(body) + replacing.finish()
        if replacing.found:
            head = msgspec.structs.replace(head, headers=without_digests(head.headers))
        framing = Framing.of_length(len(body))
        return render_request(head, origin_form, host, injection, framing=framing) + body
    except VaultError:
        return None
