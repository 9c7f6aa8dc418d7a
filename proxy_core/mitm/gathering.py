"""A request body whose placeholders are replaced, or that is signed: read to its end before
anything is sent.

The value could prove wrong at the last placeholder, and the new length has to stand in the head.
What is kept meanwhile is the result; the original too where the request may have to be prepared
again with other values. A body that came in chunks goes on with a length, without its trailers.
"""

from hashlib import sha256

from proxy_core.base.errors import VaultError
from proxy_core.domain.placeholders import Placeholders, Replacing
from proxy_core.domain.signing import WholeBody
from proxy_core.mitm.config import KIB, ProxyConfig
from proxy_core.mitm.http1 import Framing, RequestHead
from proxy_core.mitm.memory import Memory, Share
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.upload import Upload

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PIECE = 256 * KIB


class Gathered:
    """One request's body. `keep`: it may have to be prepared again; `sign`: it is to be signed."""

    def __init__(
        self, upload: Upload, config: ProxyConfig, memory: Memory, keep: bool, sign: bool = False
    ) -> None:
        self._upload = upload
        self._config = config
        self._result = Share(memory, config.substitution_limit, config.body_memory)
        self._copy = Share(memory, config.replay_limit if keep else 0, config.body_memory)
        self._original: bytearray | None = bytearray()
        self._sign = sign
        self.to_sign: WholeBody | None = None
        """What goes on, with its digest, where that is to be signed."""
        self.changed = False
        """What goes on is not what came: a digest of that would be wrong."""

    @property
    def repeatable(self) -> bool:
        """The original is at hand."""
        return self._original is not None

    async def read(
        self, client: Stream, head: RequestHead, placeholders: Placeholders | None
    ) -> Framing:
        """Read the body and give it to the upload; how it is framed now.

        Raises VaultError: request_too_large, substitution_invalid, overloaded, bad_request;
        StreamError.
        """
        limit = self._config.substitution_limit
        if head.framing.length > limit:
            raise self._too_large()
        if head.expect_continue and not client.buffer:
            await client.write(_CONTINUE, self._config.body_idle)
        replacing = _Preparing(placeholders, limit, self._sign)
        out = bytearray()
        while not self._upload.complete:
            data = await client.read(client.time + self._config.body_idle)
            if not data:
                raise StreamError(client, "closed")
            payload = bytes(self._upload.take_in(data))
            if self._upload.size > limit:
                raise self._too_large()
            self._keep(payload)
            out += self._counted(replacing.feed(payload))
        out += self._counted(replacing.finish())
        return self._prepared(bytes(out), replacing)

    def again(self, placeholders: Placeholders | None) -> Framing:
        """Prepare the same body with other values. Raises VaultError as `read` does."""
        original = bytes(self._original or b"")
        self._result.release()
        replacing = _Preparing(placeholders, self._config.substitution_limit, self._sign)
        pieces = [original[at : at + _PIECE] for at in range(0, len(original), _PIECE)]
        out = [self._counted(replacing.feed(piece)) for piece in pieces]
        out.append(self._counted(replacing.finish()))
        return self._prepared(b"".join(out), replacing)

    def become(self, body: bytes) -> Framing:
        """Send `body` instead; how it is framed. Raises VaultError: overloaded."""
        self._result.release()
        return self._hand_over(self._counted(body))

    def forget(self) -> None:
        """The request will not be sent again. Safe to call twice."""
        self._original = None
        self._copy.release()
        self._result.release()

    def _prepared(self, body: bytes, how: "_Preparing") -> Framing:
        self.changed = how.found
        self.to_sign = how.whole(body)
        return self._hand_over(body)

    def _hand_over(self, body: bytes) -> Framing:
        self._upload.replace(body)
        return Framing.of_length(len(body))

    def _keep(self, payload: bytes) -> None:
        if self._original is None:
            return
        if self._copy.grow(len(payload)):
            self._original += payload
        else:
            self._original = None
            self._copy.release()

    def _counted(self, piece: bytes) -> bytes:
        if not self._result.grow(len(piece)):
            raise VaultError("overloaded", "too many request bodies are held in memory")
        return piece

    def _too_large(self) -> VaultError:
        limit = self._config.substitution_limit
        why = "that is signed" if self._sign else "in which placeholders are replaced"
        return VaultError("request_too_large", f"a body {why} may have at most {limit} bytes")


class _Preparing:
    """One body on its way through: replaced where there are placeholders, and digested where it
    is to be signed.
    """

    def __init__(self, placeholders: Placeholders | None, limit: int, sign: bool) -> None:
        self._replacing = None if placeholders is None else Replacing(placeholders, limit)
        self._digest = sha256() if sign else None

    @property
    def found(self) -> bool:
        """Something was replaced."""
        return self._replacing is not None and self._replacing.found

    def feed(self, payload: bytes) -> bytes:
        """What goes on for a piece. Raises VaultError as `Replacing.feed`."""
        return self._digested(payload if self._replacing is None else self._replacing.feed(payload))

    def finish(self) -> bytes:
        """The rest. Raises as `feed` does."""
        return self._digested(b"" if self._replacing is None else self._replacing.finish())

    def whole(self, body: bytes) -> WholeBody | None:
        """`body`, made of the pieces, with its digest; None where it isn't to be signed."""
        return None if self._digest is None else WholeBody(body, self._digest.hexdigest())

    def _digested(self, piece: bytes) -> bytes:
        if self._digest is not None:
            self._digest.update(piece)
        return piece
