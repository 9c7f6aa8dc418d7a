"""The proposal document: parsing, validation, and the form in which it is stored.

Every failure is VaultError bad_request with the place and the remedy, so that an agent can correct
itself.
"""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.names import check_slug, is_credential_key
from proxy_core.domain.oauth import parse_client
from proxy_core.domain.patterns import auto_name, parse_pattern
from proxy_core.domain.proposals.authority import Authority, effect
from proxy_core.domain.proposals.proposal import (
    MAX_DESCRIPTION,
    MAX_INSTRUCTIONS,
    MAX_MESSAGE,
    MAX_OBTAIN,
    MAX_SERVICES,
    MAX_SLOTS,
    MAX_USER_MESSAGE,
    CredentialSlot,
    ItemAction,
    Proposal,
    ServiceChange,
)
from proxy_core.domain.service_document import find_service, parse_service, service_document

MAX_VALUE_BYTES = 64 * 1024
STATIC, OAUTH = "static", "oauth"
_SLOT_TEXTS = {
    "description": MAX_DESCRIPTION,
    "obtain": MAX_OBTAIN,
    "obtain_instructions": MAX_INSTRUCTIONS,
}
_OAUTH_FIELDS = (
    "authorization_url",
    "token_url",
    "scopes",
    "scope_separator",
    "client_id",
    "token_auth_method",
    "disable_pkce",
)


def parse_proposal(
    document: Mapping[str, Any], now: Authority, allow_http_loopback: bool = False
) -> tuple[Proposal, dict[str, bytes]]:
    """A proposal for a vault that allows `now`, and the values that the agent supplied, by key.

    What it would do is tried too, so that what can't be carried out is refused at once. Raises
    VaultError bad_request.
    """
    fields = Fields(document, "proposal")
    fields.only(("services", "credentials", "message", "user_message"))
    services = _services(fields, now)
    slots, values = _slots(fields, now, allow_http_loopback)
    if not (services or slots):
        raise invalid("proposal", "name at least one service or credential")
    proposal = Proposal(
        services,
        slots,
        _text(fields, "message", MAX_MESSAGE),
        _text(fields, "user_message", MAX_USER_MESSAGE),
    )
    effect(proposal, now)
    return proposal, values


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """As it is stored; `stored_proposal` reads it again. Holds no value."""
    return {
        "services": [
            {"action": change.action.value, "name": change.name, "document": dict(change.document)}
            for change in proposal.services
        ],
        "slots": [
            {
                "action": slot.action.value,
                "key": slot.key,
                "type": slot.type,
                "description": slot.description,
                "obtain": slot.obtain,
                "obtain_instructions": slot.obtain_instructions,
                "oauth": None if slot.oauth is None else dict(slot.oauth),
                "existed": slot.existed,
                "has_value": slot.has_value,
            }
            for slot in proposal.slots
        ],
        "message": proposal.message,
        "user_message": proposal.user_message,
    }


def stored_proposal(document: Mapping[str, Any]) -> Proposal:
    """What `proposal_document` wrote."""
    return Proposal(
        tuple(
            ServiceChange(ItemAction(one["action"]), one["name"], one["document"])
            for one in document["services"]
        ),
        tuple(
            CredentialSlot(**{**one, "action": ItemAction(one["action"])})
            for one in document["slots"]
        ),
        document["message"],
        document["user_message"],
    )


def _services(fields: Fields, now: Authority) -> tuple[ServiceChange, ...]:
    items = _limited(fields, "services", MAX_SERVICES)
    taken = {service.name for service in now.services}
    taken |= {str(item.get("name")) for item in items if isinstance(item, Mapping)}
    changes: list[ServiceChange] = []
    for position, item in enumerate(items):
        change = _service(item, f"services[{position}]", now, taken)
        if any(other.name == change.name for other in changes):
            raise invalid(f"services[{position}]", f"service {quoted(change.name)} is named twice")
        taken.add(change.name)
        changes.append(change)
    return tuple(changes)


def _service(item: object, where: str, now: Authority, taken: set[str]) -> ServiceChange:
    fields = Fields(item, where)
    action = _action(fields)
    document = {
        name: value
        for name, value in (item.items() if isinstance(item, Mapping) else ())
        if name != "action" and value is not None
    }
    if action is ItemAction.DELETE:
        fields.only(("action", "name", "host"))
        return ServiceChange(action, _known(fields, now))
    if "auth" not in fields:
        return _partial(fields, document, now)
    if not fields.get("name", str, ""):
        document["name"] = _new_name(fields, now, taken)
    try:
        service = parse_service(document)
    except VaultError as error:
        raise invalid(where, error.detail) from None
    return ServiceChange(action, service.name, service_document(service))


def _partial(fields: Fields, document: dict[str, Any], now: Authority) -> ServiceChange:
    """What changes in a service that exists; `effect` puts the two together."""
    name = fields.get("name", str, "") or _known(fields, now)
    try:
        check_slug(name)
    except VaultError as error:
        raise invalid(fields.where, error.detail) from None
    changes = {field: value for field, value in document.items() if field != "name"}
    if not changes:
        raise invalid(fields.where, "auth is required for a new service; else name what changes")
    return ServiceChange(ItemAction.SET, name, changes)


def _known(fields: Fields, now: Authority) -> str:
    target = fields.get("name", str, "") or fields.text("host")
    try:
        return find_service(now.services, target).name
    except VaultError as error:
        new = "" if "auth" in fields or error.code != "not_found" else "; a new one needs auth"
        detail = f"{fields.where}: {error.detail}{new}"
        raise VaultError("bad_request", detail, error.extra) from None


def _new_name(fields: Fields, now: Authority, taken: set[str]) -> str:
    """The name of the service of this very pattern, which is then replaced; else a new one."""
    try:
        host, port, inline = parse_pattern(fields.text("host"))
    except VaultError as error:
        raise invalid(fields.where, error.detail) from None
    path = inline or fields.get("path", str, "")
    for service in now.services:
        if (service.host, service.port, service.path) == (host, port, path):
            return service.name
    return auto_name(host, path, taken)


def _slots(
    fields: Fields, now: Authority, allow_http_loopback: bool
) -> tuple[tuple[CredentialSlot, ...], dict[str, bytes]]:
    slots: dict[str, CredentialSlot] = {}
    values: dict[str, bytes] = {}
    for position, item in enumerate(_limited(fields, "credentials", MAX_SLOTS)):
        where = f"credentials[{position}]"
        slot, value = _slot(Fields(item, where), now, allow_http_loopback)
        if slot.key in slots:
            raise invalid(where, f"credential {slot.key} is named twice")
        slots[slot.key] = slot
        if value is not None:
            values[slot.key] = value
    return tuple(slots.values()), values


def _slot(
    fields: Fields, now: Authority, allow_http_loopback: bool
) -> tuple[CredentialSlot, bytes | None]:
    action = _action(fields)
    key = fields.text("key")
    if not is_credential_key(key):
        raise invalid(fields.where, "key must be an UPPER_SNAKE_CASE name, for example STRIPE_KEY")
    existed = key in now.credentials
    if action is ItemAction.DELETE:
        fields.only(("action", "key", "type", "description"))
        text = _text(fields, "description", MAX_DESCRIPTION)
        type_ = now.credentials.get(key, STATIC)
        return CredentialSlot(action, key, type_, text, existed=existed), None
    fields.only(("action", "key", "type", "value", "oauth", *_SLOT_TEXTS))
    oauth = _oauth(fields, allow_http_loopback) if "oauth" in fields else None
    type_ = fields.get("type", str, "") or (STATIC if oauth is None else OAUTH)
    if type_ not in (STATIC, OAUTH):
        raise invalid(fields.where, "type must be static or oauth")
    if (type_ == OAUTH) != (oauth is not None):
        raise invalid(fields.where, "type oauth goes with the oauth field, and it with no other")
    value = _value(fields, type_)
    texts = {name: _text(fields, name, limit) for name, limit in _SLOT_TEXTS.items()}
    slot = CredentialSlot(
        action, key, type_, **texts, oauth=oauth, existed=existed, has_value=value is not None
    )
    return slot, value


def _oauth(fields: Fields, allow_http_loopback: bool) -> dict[str, Any]:
    document = fields.mapping("oauth")
    given = Fields(document, f"{fields.where}.oauth")
    given.only(_OAUTH_FIELDS)
    try:
        parse_client(document, allow_http_loopback)
    except VaultError as error:
        raise invalid(given.where, error.detail) from None
    return {name: value for name, value in document.items() if value is not None}


def _value(fields: Fields, type_: str) -> bytes | None:
    # No error here shows what was given: it is a secret.
    if "value" not in fields:
        return None
    if type_ == OAUTH:
        raise invalid(fields.where, "an oauth slot takes no value; an operator connects it")
    try:
        text = fields.get("value", str, "")
        value = text.encode()
    except (VaultError, UnicodeEncodeError):
        value = b""
    if not 0 < len(value) <= MAX_VALUE_BYTES:
        limit = MAX_VALUE_BYTES // 1024
        raise invalid(fields.where, f"value must be a text of at most {limit} KiB, not empty")
    return value


def _action(fields: Fields) -> ItemAction:
    name = fields.get("action", str, ItemAction.SET.value)
    if name not in tuple(ItemAction):
        raise invalid(fields.where, f"unknown action {quoted(name)} (set or delete)")
    return ItemAction(name)


def _text(fields: Fields, name: str, limit: int) -> str:
    text = fields.get(name, str, "")
    if len(text) > limit:
        raise invalid(fields.where, f"{name} has {len(text)} characters; at most {limit}")
    return text


def _limited(fields: Fields, name: str, limit: int) -> list[Any]:
    items = fields.items(name)
    if len(items) > limit:
        raise invalid(fields.where, f"{name} holds {len(items)}; at most {limit}")
    return items
