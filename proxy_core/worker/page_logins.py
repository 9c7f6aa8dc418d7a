"""The logins that a proposal still needs, as the approval page shows them to who may begin them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.connecting.flow import Flow
from proxy_core.services.principal import Principal

_SECRETIVE = frozenset({"post", "basic"})
"""Ways to authenticate a client that take a secret."""


@dataclass(frozen=True, slots=True)
class ShownLogin:
    """One OAuth slot that is not connected.

    `host` is where the person signs in; empty where the proposal does not say, and then it can't be
    begun here. `redirect_uri` is what the provider has to know, if it is the same for every login.
    Of one that is under way `flow` is the id and `url` what to open. `failure`: how one ended.
    """

    key: str
    host: str
    client_id: str
    needs_secret: bool
    redirect_uri: str
    flow: str = ""
    url: str = field(default="", repr=False)
    failure: str = ""


def logins_of(
    app: Application, found: wire.ReviewedProposal, user: Principal, path: str
) -> list[ShownLogin]:
    """What `user` has to connect before the proposal can be approved; `path` is its page's.

    Logins that were begun elsewhere are not shown: they may lead to another site than this one's.
    """
    needed = found.review.needs_login if found.review else []
    if not needed:
        return []
    own, callback = app.flows.own(user, found.vault), app.flows.providers.callback_uri
    here = {key: flow for key, flow in own.items() if flow.return_to.partition("?")[0] == path}
    return [_shown(key, slot_oauth(found, key), here.get(key), callback) for key in needed]


def slot_oauth(found: wire.ReviewedProposal, key: str) -> Mapping[str, Any]:
    """How the slot of that key is obtained. Raises VaultError: not_found."""
    for slot in found.credentials:
        if slot.key == key and slot.oauth is not None:
            return slot.oauth
    raise VaultError("not_found", "The proposal has no login of that name.")


def login_request(found: wire.ReviewedProposal, form: Mapping[str, str]) -> wire.ConnectOAuth:
    """The login of the form's slot, as the client that stands there. VaultError: not_found."""
    key, fields = form.get("key", ""), ("client_id", "client_secret")
    client = {name: value for name in fields if (value := form.get(name, "").strip())}
    document = {**slot_oauth(found, key), **client, "key": key, "vault": found.vault}
    return msgspec.convert(document, wire.ConnectOAuth)


def _shown(key: str, oauth: Mapping[str, Any], flow: Flow | None, callback: str) -> ShownLogin:
    said = flow.shown() if flow is not None else None
    under_way = flow is not None and flow.pending
    return ShownLogin(
        key=key,
        host=urlsplit(str(oauth.get("authorization_url", ""))).netloc,
        client_id=str(oauth.get("client_id", "")),
        needs_secret=oauth.get("token_auth_method") in _SECRETIVE,
        redirect_uri=callback,
        flow=said.id if said and under_way else "",
        url=said.authorization_url if said and under_way else "",
        failure=said.message if said and not under_way else "",
    )
