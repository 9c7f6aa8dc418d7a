"""A login at a strict issuer, in a home of its own."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from proxy_core.base.paths import Home
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login, LoginDirectory
from proxy_core.tokens.tokens import Tokens
from tests.keyrings import MemoryKeyring
from tests.worker.oauth_provider import LiveProvider


class SharedKeyring(MemoryKeyring):
    """A keyring whose entries every instance sees, as those of an OS do."""

    shared: ClassVar[dict[tuple[str, str], str]] = {}
    refuses = False

    def __init__(self) -> None:
        super().__init__()
        self.entries = type(self).shared

    def set_password(self, service: str, username: str, password: str) -> None:
        """Make an entry, unless it is locked."""
        if type(self).refuses:
            raise OSError(password)
        super().set_password(service, username, password)


@dataclass
class Clock:
    """Tells the time that it is set to."""

    now: float

    def __call__(self) -> float:
        """Epoch seconds."""
        return self.now


@dataclass
class Rig:
    """A home, an issuer, and what was said to the person."""

    path: Path
    server: LiveProvider
    clock: Clock
    said: list[str] = field(default_factory=list)

    @property
    def holder(self) -> Holder:
        """As another process would make it."""
        return Holder(Home(self.path), self.said.append, self.clock)

    @property
    def directory(self) -> LoginDirectory:
        """The login's files."""
        return LoginDirectory(Home(self.path))

    def sign_in(self, *, ends_in: float, **changes: Any) -> Tokens:
        """Keep a login whose token ends so many seconds from now, refreshed a minute before."""
        access, refresh = (each.decode() for each in self.server.seed())
        ends = self.clock.now + ends_in
        tokens = Tokens(printed=access, refresh=refresh, expires_at=ends, refresh_at=ends - 60)
        self.holder.keep(self.login(), replace(tokens, **changes))
        return tokens

    def login(self, **changes: Any) -> Login:
        """A client of the issuer."""
        base = f"http://127.0.0.1:{self.server.port}"
        return Login(issuer=base, client_id="cli", token_url=f"{base}/token", **changes)

    def known(self) -> Login:
        """The login, as it stands in its file."""
        login = self.holder.login
        assert login is not None
        return login
