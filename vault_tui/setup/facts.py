"""What the files of other programs are made of: addresses, paths and the vault's own token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TOKEN_STAND_IN = "vt_agt_" + 64 * "0"
"""Stands for the token as long as there is none: no token is all noughts."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`proxy` is `host:port`, spoken to over TLS when `proxy_tls`. `home` is the user's directory,
    `environ` the environment that says where programs keep their files. `helper` is the command
    that prints a token, `prefixes` the gateway prefix of each provider, `subscription` what the
    provider's account pays for, empty where nobody knows.
    """

    proxy: str
    vault: str
    ca_path: str
    bundle_path: str
    no_proxy: str
    home: Path
    environ: Mapping[str, str] = field(repr=False)
    helper: tuple[str, ...] = ("vault-tui", "auth", "token")
    helper_ttl_ms: int = 3_300_000
    prefixes: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    proxy_tls: bool = False
    subscription: str = ""
    token: str = field(default=TOKEN_STAND_IN, repr=False)

    @property
    def origin(self) -> str:
        """The proxy's port as an http(s) origin."""
        return f"{'https' if self.proxy_tls else 'http'}://{self.proxy}"

    @property
    def proxy_url(self) -> str:
        """With the token in it."""
        scheme, _, rest = self.origin.partition("://")
        return f"{scheme}://{self.token}:{self.vault}@{rest}"

    def base_url(self, provider: str) -> str:
        """The gateway's base URL of a provider."""
        return f"{self.origin}/{self.prefixes[provider]}"

    def directory(self, variable: str, default: str) -> Path:
        """Where a program keeps its files: a variable names it, or it is below the home."""
        named = self.environ.get(variable, "")
        return Path(named) if named.startswith("/") else self.home / default
