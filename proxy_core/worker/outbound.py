"""What the worker itself asks of providers: through the network guard, like everything else."""

from collections.abc import Sequence

from proxy_core.base.clock import Clock
from proxy_core.mitm.dial import client_context
from proxy_core.mitm.guard import Endpoint, Guard
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.github_app import InstallationTokens
from proxy_core.oauth.http import TOTAL_SECONDS, GuardedHttp
from proxy_core.oauth.network import Resolve
from proxy_core.services.application import Application
from proxy_core.services.cloud.minters import CloudMinter
from proxy_core.services.cloud.roles import AssumedRoles
from proxy_core.services.connecting.providers import CALLBACK_PATH, Providers
from proxy_core.worker.config import WorkerConfig, is_loopback
from proxy_core.worker.facts import authority

WEBHOOK_SECONDS = 10.0
"""For one try: whoever takes a notice takes it at once, and works on it later."""
ISSUER_SECONDS = 10.0

_LOOPBACK = ("127.0.0.0/8", "::1/128")


def base_url(config: WorkerConfig, host: str, port: int) -> str:
    """Where the API is, for whoever is given its address."""
    scheme = "https" if config.speaks_tls else "http"
    return config.public_url or f"{scheme}://{authority(host, port)}"


def attach_clients(
    app: Application, config: WorkerConfig, guard: Guard, clock: Clock, host: str, port: int
) -> None:
    """Give the use cases what they ask others with; `host` and `port` are the API's."""
    providers = provider_http(config, guard)
    endpoint = TokenEndpoint(providers, clock.time)
    app.logins.attach(endpoint)
    app.accounts.attach(providers)
    app.sources.attach(providers)
    github = InstallationTokens(providers, clock.time)
    roles = AssumedRoles(providers, clock.time)
    app.minted_tokens.attach(CloudMinter(endpoint, github, roles))
    app.issuers.attach(issuer_http(config, guard))
    callback = callback_uri(host, port, public_url=config.public_url, tls=config.speaks_tls)
    app.flows.attach(Providers(endpoint, providers, callback))
    receivers = webhook_http(config, guard)
    app.notifying.attach(receivers.post, f"{base_url(config, host, port)}/approve")
    app.claude_gateway.public_url = config.public_url


def provider_http(config: WorkerConfig, guard: Guard) -> GuardedHttp:
    """Requests to providers. With `--allow-http-token-urls` also over http to this machine."""
    return _guarded_http(config, guard, TOTAL_SECONDS)


def webhook_http(config: WorkerConfig, guard: Guard) -> GuardedHttp:
    """Requests to the receivers of webhooks, bounded as those to providers are."""
    return _guarded_http(config, guard, WEBHOOK_SECONDS)


def issuer_http(config: WorkerConfig, guard: Guard) -> GuardedHttp:
    """Requests for the keys of trusted issuers, bounded likewise: somebody waits for them."""
    return _guarded_http(config, guard, ISSUER_SECONDS)


def _guarded_http(config: WorkerConfig, guard: Guard, total_seconds: float) -> GuardedHttp:
    return GuardedHttp(
        _with_loopback(guard) if config.allow_http_token_urls else guard.resolve,
        lambda: client_context(config.upstream_ca),
        allow_http_loopback=config.allow_http_token_urls,
        total_seconds=total_seconds,
    )


def callback_uri(host: str, port: int, *, public_url: str = "", tls: bool = False) -> str:
    """The API's callback as a browser reaches it; empty if it can't.

    A public URL is for every browser. Otherwise it is one on this machine, and not over TLS: no
    certificate names a loopback address.
    """
    if public_url:
        return f"{public_url}{CALLBACK_PATH}"
    if tls:
        return ""
    if host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - compared with, not listened on
        return f"http://127.0.0.1:{port}{CALLBACK_PATH}"
    return f"http://[::1]:{port}{CALLBACK_PATH}" if host in ("::1", "::") else ""


def _with_loopback(guard: Guard) -> Resolve:
    """The guard, but for loopback, which it refuses to agents."""
    loopback = Guard(allow_cidrs=_LOOPBACK)

    async def resolve(host: str, port: int) -> Sequence[Endpoint]:
        return await (loopback if is_loopback(host) else guard).resolve(host, port)

    return resolve
