"""What the worker says of itself and of a vault, as far as we may ask."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.accounts.providers import CLAUDE
from proxy_core.domain.claude_code import missing_services
from proxy_core.domain.doctor.facts import LoginState, ServiceFacts, WorkerFacts
from proxy_core.domain.service_document import credential_keys, parse_service
from proxy_core.domain.wire import Status
from vault_tui.doctor.symptoms import ASKED, symptoms_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

T = TypeVar("T")
CALL_SECONDS = 2.0
_PORT_SECONDS = 1.0
_SOUND = frozenset({"ok", "active", "paused", "cooling", ""})
_STATISTICS = frozenset({"hits", "last_hit_at"})


@dataclass(frozen=True, slots=True)
class Answers:
    """The facts, and what further questions need of the worker."""

    facts: WorkerFacts
    status: Status | None = None
    ca_pem: str = ""


def ask_worker(target: Target, vault: str, *, is_agent: bool) -> Answers:
    """Everything that we may ask. Raises nothing: who does not answer, or refuses, is a fact."""
    client = SyncClient(target, CALL_SECONDS)
    token, refused = "ok" if is_agent else "", ""
    try:
        try:
            status, clock = _status(client)
        except VaultError as error:
            if error.code != "unauthorized" or not (is_agent or target.socket is None):
                raise
            refused = error.code if is_agent else ""
            client = SyncClient(replace(target, token=""), CALL_SECONDS)
            status, clock = _status(client)
    except VaultError as error:
        detail = error.detail if error.code != "internal" else ""
        return Answers(WorkerFacts(error.code, detail))
    facts = _said_by_status(status, target)
    facts = replace(facts, clock=clock, vault=vault, token=refused or token)
    if not status.initialized:
        return Answers(facts, status)
    ca_pem = _try(client, calls.ca_pem()) or ""
    facts = replace(facts, ca_expires_at=_ca_end(ca_pem))
    if is_agent:
        facts = _seen_by_agent(client, facts)
    elif target.socket is None and _is_stranger(client):
        facts = replace(facts, signed_out_at=target.base_url)
    elif not status.sealed:
        facts = _seen_by_people(client, facts, vault)
    return Answers(facts, status, ca_pem)


def _said_by_status(status: Status, target: Target) -> WorkerFacts:
    return WorkerFacts(
        version=status.version,
        initialized=status.initialized,
        sealed=status.sealed,
        local=target.socket is not None,
        problems=tuple(status.problems),
        log_dropped=status.log_dropped,
        slots=tuple(status.slots),
        api=status.api,
        proxy=status.proxy,
        closed_ports=_closed_ports(status, target),
    )


def _status(client: SyncClient) -> tuple[Status, float | None]:
    """The status, and how far the worker's clock is ahead of ours, in seconds."""
    connection, response = client.open(call := calls.status())
    try:
        found = call.decode(response.read())
        date = response.getheader("Date")
    except (OSError, ValueError):
        raise VaultError("internal", "The answer is not a worker's of this version.") from None
    finally:
        connection.close()
    try:
        return found, parsedate_to_datetime(date or "").timestamp() - time.time()
    except ValueError:
        return found, None


def _seen_by_agent(client: SyncClient, facts: WorkerFacts) -> WorkerFacts:
    if facts.token != "ok" or facts.sealed:  # noqa: S105 - what is said of it
        return facts
    try:
        client.send(calls.discover(facts.vault))
    except VaultError as error:
        refused = error.code in {"unauthorized", "vault_forbidden"}
        return replace(facts, token=error.code if refused else "ok")
    return facts


def token_state(target: Target, token: str, vault: str) -> str:
    """What the worker says of another's token: `ok`, the code of its refusal, empty: nothing."""
    try:
        SyncClient(replace(target, token=token), CALL_SECONDS).send(calls.discover(vault))
    except VaultError as error:
        if error.code == "unauthorized":
            return error.code
        return "ok" if error.code == "vault_forbidden" else ""
    return "ok"


def _is_stranger(client: SyncClient) -> bool:
    """Whether a worker that answers wants to know who we are."""
    try:
        client.send(calls.vaults())
    except VaultError as error:
        return error.code == "unauthorized"
    return False


def _seen_by_people(client: SyncClient, facts: WorkerFacts, vault: str) -> WorkerFacts:
    documents = _try(client, calls.services(vault))
    if documents is not None:
        missing = missing_services(_plain(document) for document in documents.services)
        facts = replace(
            facts,
            services=tuple(_service(_plain(document)) for document in documents.services),
            missing_hosts=tuple(document["host"] for document in missing),
        )
    credentials = _try(client, calls.credentials(vault))
    if credentials is not None:
        facts = replace(facts, credentials=frozenset(credentials.keys))
        found = [
            LoginState("credential", one.key, one.state, one.last_error)
            for one in credentials.credentials or ()
            if one.state not in _SOUND
        ]
        facts = replace(facts, logins=(*facts.logins, *found))
    accounts = _try(client, calls.accounts(vault, CLAUDE.id))
    if accounts is not None:
        states = [
            LoginState("account", one.nickname, one.state, one.last_error or one.why)
            for one in accounts.accounts
            if one.state not in _SOUND
        ]
        facts = replace(facts, logins=(*facts.logins, *states), accounts=len(accounts.accounts))
    webhooks = _try(client, calls.webhooks())
    if webhooks is not None:
        failing = tuple(one.id for one in webhooks.webhooks if one.state == "failing")
        facts = replace(facts, webhooks=failing)
    page = _try(client, calls.logs(vault, q=ASKED, limit=50))
    if page is not None:
        facts = replace(facts, symptoms=tuple(symptoms_of(page.logs, time.time())))
    return facts


def _try(client: SyncClient, call: Call[T]) -> T | None:
    """The answer, or None where we may not have it."""
    with suppress(VaultError):
        return client.send(call)
    return None


def _plain(document: "Mapping[str, Any]") -> "dict[str, Any]":
    return {name: value for name, value in document.items() if name not in _STATISTICS}


def _service(document: "Mapping[str, Any]") -> ServiceFacts:
    service = parse_service(document)
    keys = tuple(credential_keys(service))
    prefix = service.gateway.prefix if service.gateway else ""
    return ServiceFacts(service.name, str(document["host"]), service.enabled, keys, prefix)


def _closed_ports(status: Status, target: Target) -> tuple[str, ...]:
    """Ports of the worker where nothing listens, seen from here."""
    from vault_tui.cli.running.run_env import reachable

    worker_host = urlsplit(target.base_url).hostname or ""
    try:
        addresses = [reachable(one, worker_host) for one in (status.api, status.proxy) if one]
    except ValueError:  # no addresses at all
        return ()
    return tuple(address for address in addresses if not _is_open(address))


def _is_open(address: str) -> bool:
    parts = urlsplit(f"//{address}")
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), _PORT_SECONDS):
            return True
    except OSError:
        return False


def _ca_end(ca_pem: str) -> float | None:
    if not ca_pem:
        return None
    from cryptography import x509

    with suppress(ValueError):
        return x509.load_pem_x509_certificate(ca_pem.encode()).not_valid_after_utc.timestamp()
    return None
