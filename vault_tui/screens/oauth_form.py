"""The form of an OAuth credential: at which provider, as which client, and how to sign in."""

from collections.abc import Iterable, Mapping
from typing import Any

from textual import on
from textual.widget import Widget
from textual.widgets import Input, Select

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.oauth import preset_at
from vault_tui.screens.form import FormDialog
from vault_tui.strings import oauth as words
from vault_tui.strings import proposals as strings_proposals

ISSUER, CUSTOM = "*issuer", "*custom"
_URLS = ("authorization-url", "token-url", "device-url")
_TOKENS = ("access-token", "refresh-token", "expires-in")


def grant_fields(how: str) -> dict[str, Any]:
    """The request's fields for a way to sign in."""
    grants = {"device": "device_code", "client_credentials": "client_credentials"}
    return {"grant": grants[how]} if how in grants else {"headless": True}


class ConnectForm(FormDialog[wire.ConnectOAuth | wire.PasteTokens]):
    """`taken` are keys of other types; `key` is filled in to begin with.

    `proposed` are endpoints, client and scopes as an agent named them, for the person to read.
    """

    def __init__(
        self,
        providers: Iterable[wire.OAuthProvider],
        taken: set[str],
        vault: str,
        key: str,
        proposed: Mapping[str, Any] | None = None,
    ) -> None:
        anew = strings_proposals.CONNECT_TITLE if proposed else words.RECONNECT_TITLE
        title = anew.format(key=key) if key else words.CONNECT_TITLE
        super().__init__(title, words.FORM_KEYS)
        self._providers = {one.id: one for one in providers}
        self._taken, self._vault, self._key = taken, vault, key
        self._proposed = dict(proposed or {})

    def fields(self) -> Iterable[Widget]:
        """Key, provider, client, way."""
        names = {one.id: one.name for one in self._providers.values()}
        names |= {ISSUER: words.OTHER_ISSUER, CUSTOM: words.OTHER_CUSTOM}
        yield self.line("key", words.KEY, words.KEY_HINT, self._key)
        yield self.choice("provider", words.PROVIDER, names, self._provider(next(iter(names))))
        yield self.line("issuer", words.ISSUER, words.ISSUER_HINT)
        yield self.line(
            "authorization-url", words.AUTHORIZATION_URL, value=self._said("authorization_url")
        )
        yield self.line("token-url", words.TOKEN_URL, value=self._said("token_url"))
        yield self.line("device-url", words.DEVICE_URL)
        yield self.line("client-id", words.CLIENT_ID, words.CLIENT_ID_HINT, self._said("client_id"))
        yield self.secret("client-secret", words.CLIENT_SECRET)
        yield self.line("scopes", words.SCOPES, words.SCOPES_HINT, self._said("scopes"))
        yield self.choice("how", words.HOW, words.HOWS, "headless")
        yield self.secret("access-token", words.ACCESS_TOKEN)
        yield self.secret("refresh-token", words.REFRESH_TOKEN)
        yield self.line("expires-in", words.EXPIRES_IN, words.EXPIRES_IN_HINT)

    def _provider(self, first: str) -> str:
        """What is chosen to begin with: the known provider whose endpoints were proposed."""
        if not self._proposed:
            return first
        found = preset_at(self._said("token_url"), self._said("authorization_url"))
        return found.id if found is not None and found.id in self._providers else CUSTOM

    def _said(self, name: str) -> str:
        """What was proposed; a list in the form that the line takes."""
        found = self._proposed.get(name) or ""
        return found if isinstance(found, str) else " ".join(map(str, found))

    @on(Select.Changed)
    def _adapt(self) -> None:
        """Only what counts for the provider and the way is asked for."""
        provider, how = self.value("provider"), self.value("how")
        shown = {"issuer": provider == ISSUER}
        shown |= dict.fromkeys(_URLS, provider == CUSTOM)
        shown["device-url"] = provider == CUSTOM and how == "device"
        shown |= dict.fromkeys(_TOKENS, how == "paste")
        self.reveal_lines(shown)
        known = self._providers.get(provider)
        own = known is not None and not known.needs_client
        client = self.query_one("#client-id", Input)
        client.placeholder = words.CLIENT_ID_HINT if own else words.CLIENT_ID_NEEDED
        self.complain(known.obtain if known else "", "$muted")

    def read(self) -> wire.ConnectOAuth | wire.PasteTokens:
        """Raises VaultError bad_request."""
        key = check_credential_key(self.value("key").upper())
        if key in self._taken:
            raise VaultError("bad_request", words.KEY_OF_ANOTHER_TYPE.format(key=key))
        provider, how = self.value("provider"), self.value("how")
        self._check_provider(provider)
        client: dict[str, Any] = {
            "provider": provider if provider in self._providers else "",
            "token_url": self.value("token-url") if provider == CUSTOM else "",
            "client_id": self.value("client-id"),
            "client_secret": self.value("client-secret"),
            "scopes": self.value("scopes"),
        }
        if how == "paste":
            return self._pasted(key, client)
        if provider == CUSTOM:
            client["authorization_url"] = self.value("authorization-url")
            client["device_authorization_url"] = self.value("device-url")
        if provider == ISSUER:
            client["issuer"] = self.value("issuer")
        return wire.ConnectOAuth(key=key, vault=self._vault, **client, **grant_fields(how))

    def _check_provider(self, provider: str) -> None:
        if provider == ISSUER and not self.value("issuer"):
            raise VaultError("bad_request", words.NEEDS_ISSUER)
        if provider == CUSTOM and not self.value("token-url"):
            raise VaultError("bad_request", words.NEEDS_URLS)
        known = self._providers.get(provider)
        if known is not None and known.needs_client and not self.value("client-id"):
            raise VaultError("bad_request", words.NEEDS_CLIENT)

    def _pasted(self, key: str, client: dict[str, Any]) -> wire.PasteTokens:
        access = self.value("access-token").strip()
        if not access:
            raise VaultError("bad_request", words.PASTE_KEY_MISSING)
        if not (client["provider"] or client["token_url"]):
            raise VaultError("bad_request", words.NEEDS_URLS)
        try:
            expires = float(self.value("expires-in")) if self.value("expires-in") else None
        except ValueError:
            raise VaultError("bad_request", words.EXPIRES_WRONG) from None
        return wire.PasteTokens(
            key=key,
            access_token=access,
            vault=self._vault,
            refresh_token=self.value("refresh-token").strip(),
            expires_in=expires,
            **client,
        )
