"""All logins, as the worker remembers them.

What was read from the database may be older than what has been remembered since: a stamp tells.
"""

from collections.abc import Callable, Iterable, Iterator

from proxy_core.services.logins.login import Login

OnChange = Callable[[str], None]
"""Gets a login's id, in the loop, after its tokens, its state or its name have changed."""


class Memory:
    """Belongs to the worker's loop."""

    def __init__(self) -> None:
        self._logins: dict[str, Login] = {}
        self._by_credential: dict[str, str] = {}
        self._stamps: dict[str, int] = {}
        self._listeners: list[OnChange] = []
        self.stamp = 0
        """Grows with every change."""

    def __iter__(self) -> Iterator[Login]:
        return iter(list(self._logins.values()))

    def get(self, login_id: str) -> Login | None:
        """A login by its id."""
        return self._logins.get(login_id)

    def of_credential(self, credential_id: str) -> Login | None:
        """A credential's login."""
        return self._logins.get(self._by_credential.get(credential_id, ""))

    def on_change(self, listener: OnChange) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def put(self, login: Login) -> None:
        """Remember a login, unless newer tokens of it are known."""
        known = self._logins.get(login.id)
        if known is not None and known.generation > login.generation:
            return
        if login != known:
            self._logins[login.id] = login
            self._index(login)
            self._changed(login.id)

    def forget(self, login_id: str) -> None:
        """The login is gone."""
        login = self._logins.pop(login_id, None)
        if login is not None:
            self._by_credential.pop(login.credential_id, None)
            self._changed(login_id)

    def take_in(self, logins: Iterable[Login], since: int) -> None:
        """Remember what was read when `stamp` was `since`, and nothing else; newer things stay."""
        found = {login.id: login for login in logins}
        for login_id in {*self._logins, *found}:
            if not self.unchanged(login_id, since):
                continue
            if login_id in found:
                self._logins[login_id] = found[login_id]
                self._index(found[login_id])
                self._changed(login_id)
            else:
                self.forget(login_id)

    def unchanged(self, login_id: str, since: int) -> bool:
        """Whether the login is as it was when `stamp` was `since`."""
        return self._stamps.get(login_id, 0) <= since

    def _index(self, login: Login) -> None:
        if login.credential_id:
            self._by_credential[login.credential_id] = login.id

    def _changed(self, login_id: str) -> None:
        self.stamp += 1
        self._stamps[login_id] = self.stamp
        for listener in self._listeners:
            listener(login_id)
