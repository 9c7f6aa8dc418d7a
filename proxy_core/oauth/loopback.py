"""The loopback redirect (RFC 8252 7.3): one hit on 127.0.0.1, then closed."""

from types import TracebackType

from proxy_core.domain.oauth import Callback, OAuthClient

WAIT_SECONDS = 600.0


class LoopbackReceiver:
    """Listens for one callback while the context is open.

        async with LoopbackReceiver(client, state) as receiver:
            ...open authorization_request(client, receiver.redirect_uri).url...
            callback = await receiver.wait()

    `redirect_uri` is known once the context is open. Raises VaultError port_in_use on entry when
    the client's fixed port is taken.
    """

    redirect_uri: str

    def __init__(self, client: OAuthClient, wait_seconds: float = WAIT_SECONDS) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> "LoopbackReceiver":
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    async def wait(self, state: str) -> Callback:
        """The callback that carries `state`; others are answered with an error and ignored.

        Raises TokenError: the provider's refusal, or `timeout`.
        """
        raise NotImplementedError
