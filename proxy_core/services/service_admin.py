"""Services of a vault: list, upsert, replace, remove, enable.

Documents are validated whole before anything is stored. What a change starts from is the snapshot
that the change before it left, so unchanged services are neither read nor parsed again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import policy, wire
from proxy_core.domain.approval import settled
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import Ask, RequestFacts
from proxy_core.domain.gateway import check_prefixes
from proxy_core.domain.service import Action, Service
from proxy_core.domain.service_document import (
    auto_name,
    parse_services,
    remove_service,
    service_document,
    set_enabled,
    upsert_services,
)
from proxy_core.services.context import Context
from proxy_core.services.match_test import run_match_test
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import (
    NO_SERVICES,
    CompiledServices,
    VaultEntry,
    compile_services,
)
from proxy_core.store import services as store
from proxy_core.store import vaults as vault_store

Services = tuple[Service, ...]
Compiled = tuple[str, CompiledServices]
"""A vault's id and its services after the change."""


class ServiceAdmin:
    """Every method raises VaultError vault_not_found for an unknown vault."""

    def __init__(self, context: Context, allow_http: bool = False) -> None:
        self._context = context
        self._allow_http = allow_http

    async def list(self, vault: str) -> wire.ServiceList:
        """Documents with `hits` and `last_hit_at`."""
        entry = self._context.vault(vault)
        documents = await asyncio.to_thread(
            lambda: [self._document(entry, service) for service in entry.compiled.services]
        )
        return wire.ServiceList(vault=vault, services=documents)

    async def upsert(
        self, vault: str, request: wire.ServicesRequest, by: Principal
    ) -> wire.ServicesUpserted:
        """Add or replace by name. Raises VaultError: bad_request."""
        if not request.services:
            raise VaultError("bad_request", "services names no service")
        parsed = await asyncio.to_thread(parse_services, request.services)
        unnamed = [not document.get("name") for document in request.services]
        names: list[str] = []

        def work(session: Session, vault_id: str, current: Services) -> Services:
            changes = _renamed_apart(current, parsed, unnamed)
            names[:] = [service.name for service in changes]
            documents = [service_document(service) for service in changes]
            store.upsert_documents(session, vault_id, documents, self._context.clock.time())
            return upsert_services(current, changes)

        compiled = await self._change(vault, work, lambda: self._announce_all(vault, names, by))
        return wire.ServicesUpserted(
            vault=vault, upserted=names, services_count=len(compiled.services)
        )

    async def replace(
        self, vault: str, request: wire.ServicesRequest, by: Principal
    ) -> wire.ServicesReplaced:
        """All of them, in the order given. Raises VaultError: bad_request."""
        parsed = await asyncio.to_thread(parse_services, request.services)
        check_prefixes(parsed)

        def work(session: Session, vault_id: str, _: Services) -> Services:
            documents = [service_document(service) for service in parsed]
            store.replace_documents(session, vault_id, documents, self._context.clock.time())
            return parsed

        compiled = await self._change(
            vault, work, lambda: self._announce(vault, "", by, replaced=len(parsed))
        )
        return wire.ServicesReplaced(vault=vault, services_count=len(compiled.services))

    async def clear(self, vault: str, by: Principal) -> wire.ServicesCleared:
        """Remove all."""

        def work(session: Session, vault_id: str, _: Services) -> Services:
            store.clear_documents(session, vault_id)
            return ()

        await self._change(
            vault,
            work,
            lambda: self._context.publish(
                EventType.SERVICE_DELETED, by, vault=vault, name="", cleared=True
            ),
        )
        return wire.ServicesCleared(vault=vault)

    async def remove(self, vault: str, name_or_host: str, by: Principal) -> wire.ServiceRemoved:
        """Raises VaultError: not_found, ambiguous_host (with candidates)."""
        gone: list[Service] = []

        def work(session: Session, vault_id: str, current: Services) -> Services:
            rest, removed = remove_service(current, name_or_host)
            gone[:] = [removed]
            store.remove_document(session, vault_id, removed.name)
            return rest

        def announce() -> None:
            self._context.publish(
                EventType.SERVICE_DELETED, by, vault=vault, name=gone[0].name, host=gone[0].pattern
            )

        compiled = await self._change(vault, work, announce)
        return wire.ServiceRemoved(
            vault=vault,
            removed=gone[0].name,
            removed_host=gone[0].pattern,
            services_count=len(compiled.services),
        )

    async def patch(
        self, vault: str, name_or_host: str, request: wire.ServicePatch, by: Principal
    ) -> wire.ServicesUpserted:
        """Enable or disable. Raises VaultError: not_found, ambiguous_host (with candidates)."""
        names: list[str] = []

        def work(session: Session, vault_id: str, current: Services) -> Services:
            services, changed = set_enabled(current, name_or_host, request.enabled)
            names[:] = [changed.name]
            document = service_document(changed)
            store.upsert_documents(session, vault_id, [document], self._context.clock.time())
            return services

        compiled = await self._change(
            vault, work, lambda: self._announce(vault, names[0], by, enabled=request.enabled)
        )
        return wire.ServicesUpserted(
            vault=vault, upserted=names, services_count=len(compiled.services)
        )

    async def settle(
        self,
        vault_id: str,
        ask: Ask,
        facts: RequestFacts,
        action: Action,
        by: Principal,
        then: Callable[[], None],
    ) -> str:
        """Write the rule that answers requests like this one; answers the service's name.

        The services are looked at as they are now: a request that is allowed meanwhile needs no
        rule. `then` is called once the rule is in force. Raises VaultError: bad_request, conflict
        (they deny such requests now), vault_not_found.
        """
        entry = self._context.snapshot.by_id.get(vault_id)
        if entry is None:
            raise VaultError("vault_not_found", "The vault was deleted.")
        names: list[str] = []

        def work(session: Session, vault_id: str, current: Services) -> Services:
            names.clear()
            service = self._settled(vault_id, facts, action)
            if service is None:
                return current
            names.append(service.name)
            document = service_document(service)
            store.upsert_documents(session, vault_id, [document], self._context.clock.time())
            return upsert_services(current, (service,))

        def announce() -> None:
            self._announce_all(entry.name, names, by)
            then()

        await self._change(entry.name, work, announce)
        return names[0] if names else ask.service_name

    def _settled(self, vault_id: str, facts: RequestFacts, action: Action) -> Service | None:
        entry = self._context.snapshot.by_id[vault_id]
        compiled = entry.compiled
        try:
            now = policy.decide(compiled.index, entry.policy, facts, self._allow_http, entry.name)
        except VaultError as error:
            if action is Action.DENY:
                return None
            raise VaultError("conflict", f"The services were changed meanwhile: {error}") from None
        if isinstance(now, Ask):
            return settled(now, facts, action, {one.name for one in compiled.services})
        if action is Action.ALLOW:
            return None
        raise VaultError("conflict", "The services were changed meanwhile and allow the request.")

    async def credential_usage(self, vault: str, key: str) -> wire.CredentialUsage:
        """The services that name the credential."""
        compiled = self._context.vault(vault).compiled
        names = set(compiled.users.get(key, ()))
        users = [service for service in compiled.services if service.name in names]
        return wire.CredentialUsage(
            services=[wire.ServiceName(name=user.name, host=user.pattern) for user in users]
        )

    def exact_hosts(self, limit: int) -> tuple[str, ...]:
        """Hosts that services of any vault name without a wildcard, each once."""
        hosts: dict[str, None] = {}
        for entry in self._context.snapshot.vaults.values():
            for service in entry.compiled.services:
                if len(hosts) >= limit:
                    return tuple(hosts)
                if service.enabled and not service.host.startswith("*"):
                    hosts[service.host] = None
        return tuple(hosts)

    async def test(self, vault: str, request: wire.MatchTest) -> wire.MatchResult:
        """What would happen to a request, and why. Raises VaultError: bad_request."""
        return run_match_test(self._context.vault(vault), request, self._allow_http)

    async def _change(
        self,
        vault: str,
        work: Callable[[Session, str, Services], Services],
        announce: Callable[[], object],
    ) -> CompiledServices:
        """Store, compile in the store's thread, swap, announce."""

        def transaction(session: Session) -> Compiled:
            vault_id = vault_store.vault_by_name(session, vault).id
            entry = self._context.snapshot.by_id.get(vault_id)
            current = entry.compiled if entry else NO_SERVICES
            return vault_id, compile_services(work(session, vault_id, current.services))

        def then(result: Compiled) -> None:
            self.swap(*result)
            announce()

        _, compiled = await self._context.change(transaction, then)
        return compiled

    def swap(self, vault_id: str, compiled: CompiledServices) -> None:
        """In the loop, once it is committed: put a vault's services in force."""
        entry = replace(self._context.snapshot.by_id[vault_id], compiled=compiled)
        self._context.snapshot = self._context.snapshot.with_vault(entry)
        self._context.usage.keep_services(entry.name, {one.name for one in compiled.services})

    def _announce(self, vault: str, name: str, by: Principal, **more: Any) -> None:
        self._context.publish(EventType.SERVICE_CHANGED, by, vault=vault, name=name, **more)

    def _announce_all(self, vault: str, names: Sequence[str], by: Principal) -> None:
        for name in names:
            self._announce(vault, name, by)

    def _document(self, entry: VaultEntry, service: Service) -> dict[str, Any]:
        document = service_document(service)
        hits = self._context.usage.services.get((entry.name, service.name))
        document["hits"] = hits.count if hits else 0
        document["last_hit_at"] = rfc3339(hits.last_at) if hits else ""
        return document


def _renamed_apart(current: Services, parsed: Services, unnamed: Sequence[bool]) -> Services:
    """Give a derived name that another host's service bears already a new spelling."""
    patterns = {service.name: service.pattern for service in current}
    taken = {*patterns, *(service.name for service in parsed)}
    result: list[Service] = []
    for service, derived in zip(parsed, unnamed, strict=True):
        clashes = derived and patterns.get(service.name, service.pattern) != service.pattern
        name = auto_name(service.host, service.path, taken) if clashes else service.name
        taken.add(name)
        result.append(replace(service, name=name))
    return tuple(result)
