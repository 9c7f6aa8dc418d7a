"""The compiled, immutable state that serves every request without the database.

A change makes a new snapshot that shares whatever did not change, and swaps it in. Matching is
indexed per vault, so a change in one vault never recompiles another.

Secrets are here as the store has them: sealed. Sealing the vault forgets the key, and with it they
are noise.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from proxy_core.domain.cloud.minted import minted_key
from proxy_core.domain.exchange import ActorType, BorrowedKind
from proxy_core.domain.gateway import by_prefix
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.domain.service import Service, UnmatchedHostPolicy
from proxy_core.domain.service_document import credential_keys
from proxy_core.services.commands.stored import StoredCommand

K = TypeVar("K")
V = TypeVar("V")
_EVERY = frozenset(("*",))
"""Stands for all services where sets of names are compared: no service is called so."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SealedSecret:
    """A credential's current value, and the place that its ciphertext is bound to."""

    blob: bytes = field(repr=False)
    aad: bytes = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A credential whose value is a login's access token, or what a command prints."""

    kind: BorrowedKind
    credential_id: str
    command: StoredCommand | None = None


_MINTED = Borrowed(BorrowedKind.MINTED, "")


@dataclass(frozen=True, slots=True)
class CompiledServices:
    """A vault's services in declaration order, indexed. `users` maps keys to service names,
    `gateways` prefixes to services. `mints`: one of them has its tokens made of a stored key.
    """

    services: tuple[Service, ...]
    index: ServiceIndex = field(repr=False)
    users: Mapping[str, tuple[str, ...]] = field(repr=False)
    gateways: Mapping[str, Service] = field(repr=False)
    mints: bool = False

    def named(self, name: str) -> Service | None:
        """The service of that name."""
        return next((service for service in self.services if service.name == name), None)


def compile_services(services: Sequence[Service]) -> CompiledServices:
    """Index services. Some 100 ms for 10,000: call it in a thread."""
    users: dict[str, list[str]] = {}
    for service in services:
        for key in credential_keys(service):
            users.setdefault(key, []).append(service.name)
    named = MappingProxyType({key: tuple(names) for key, names in users.items()})
    gateways = MappingProxyType(by_prefix(services))
    mints = any(minted_key(service.auth) for service in services)
    return CompiledServices(tuple(services), ServiceIndex(services), named, gateways, mints)


NO_SERVICES = compile_services(())


@dataclass(frozen=True, slots=True)
class VaultEntry:
    """One vault, ready to decide and inject. `secrets` and `borrowed` are by credential key."""

    id: str
    name: str
    created_at: float
    policy: UnmatchedHostPolicy
    compiled: CompiledServices = NO_SERVICES
    secrets: Mapping[str, SealedSecret] = field(default_factory=dict, repr=False)
    borrowed: Mapping[str, Borrowed] = field(default_factory=dict)

    def borrows(self, key: str, service: Service | None) -> Borrowed | None:
        """How a credential is borrowed for a service; None: its stored value is used."""
        if service is not None and key == minted_key(service.auth):
            return _MINTED
        return self.borrowed.get(key)

    @property
    def keys(self) -> list[str]:
        """All credential keys, in order."""
        return sorted({*self.secrets, *self.borrowed})

    def keys_of(self, services: Collection[str]) -> list[str]:
        """The credential keys that these services use, in order, as far as they exist."""
        used = {
            key for key, names in self.compiled.users.items() if not set(services).isdisjoint(names)
        }
        return [key for key in self.keys if key in used]

    def without_credentials(self, keys: Iterable[str]) -> "VaultEntry":
        """The vault without these credentials."""
        gone = tuple(keys)
        return replace(
            self, secrets=_without(self.secrets, gone), borrowed=_without(self.borrowed, gone)
        )


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who holds a token. `expires_at`: epoch seconds, infinity for never. Grants: by vault id.

    `services`: by vault id the names of those that it may use, where that is not all of them.
    `account_id`: the account that its requests are pinned to. `device_vault`: of a device's token
    that stands for an agent's, the id of the one vault that it is for. `minters`: the ids of the
    agents that have minted the token.
    """

    sha256: bytes = field(repr=False)
    actor_type: ActorType
    actor_id: str
    actor_name: str
    grants: Mapping[str, VaultRole]
    expires_at: float = float("inf")
    role: InstanceRole = InstanceRole.NO_ACCESS
    account_id: str = ""
    services: Mapping[str, frozenset[str]] = field(default_factory=dict)
    device_vault: str = ""
    minters: tuple[str, ...] = ()

    def for_device(self, sha256: bytes, expires_at: float, vault_id: str) -> "Bearer":
        """A device's token that may do in one vault what this agent's may, and nothing else."""
        grants = {one: role for one, role in self.grants.items() if one == vault_id}
        services = {one: names for one, names in self.services.items() if one == vault_id}
        return replace(
            self,
            sha256=sha256,
            expires_at=min(expires_at, self.expires_at),
            role=InstanceRole.NO_ACCESS,
            grants=grants,
            services=services,
            device_vault=vault_id,
        )

    @property
    def is_agents_own(self) -> bool:
        """Whether it is an agent's, and none of its devices'."""
        return self.actor_type is ActorType.AGENT and not self.device_vault

    @property
    def only_vault_id(self) -> str | None:
        """The vault to use when none is named: a single grant's."""
        return next(iter(self.grants)) if len(self.grants) == 1 else None

    def with_grant(
        self, vault_id: str, role: VaultRole, services: frozenset[str] | None
    ) -> "Bearer":
        """The holder with a grant for a vault, or some services of it, in place of an earlier."""
        limited = _without(self.services, (vault_id,))
        if services is not None:
            limited[vault_id] = services
        return replace(self, grants={**self.grants, vault_id: role}, services=limited)

    def loses_by(self, after: "Bearer") -> bool:
        """Whether there is a vault, or a service of one, that the holder may not use after."""
        if not self.grants.keys() <= after.grants.keys():
            return True
        return any(
            not (self.services.get(vault_id) or _EVERY) <= services
            for vault_id, services in after.services.items()
            if vault_id in self.grants
        )

    def without_grant(self, vault_id: str) -> "Bearer":
        """The holder without access to a vault."""
        if vault_id not in self.grants:
            return self
        gone = (vault_id,)
        return replace(
            self, grants=_without(self.grants, gone), services=_without(self.services, gone)
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Vaults by name and by id, tokens by SHA-256."""

    vaults: Mapping[str, VaultEntry] = field(default_factory=dict)
    by_id: Mapping[str, VaultEntry] = field(default_factory=dict)
    bearers: Mapping[bytes, Bearer] = field(default_factory=dict)

    def with_vault(self, entry: VaultEntry) -> "Snapshot":
        """Add a vault, or replace the one of the same id, which may have had another name."""
        by_id = {**self.by_id, entry.id: entry}
        return replace(self, by_id=by_id, vaults={vault.name: vault for vault in by_id.values()})

    def without_vault(self, vault_id: str) -> "Snapshot":
        """Remove a vault, its sessions, and the grants for it."""
        by_id = _without(self.by_id, (vault_id,))
        bearers = {
            sha256: bearer.without_grant(vault_id)
            for sha256, bearer in self.bearers.items()
            if bearer.actor_type is not ActorType.SESSION or vault_id not in bearer.grants
        }
        return Snapshot({vault.name: vault for vault in by_id.values()}, by_id, bearers)

    def with_bearer(self, bearer: Bearer) -> "Snapshot":
        """Add a token's holder, or replace the one of the same token.

        What is an agent's changes for its devices' tokens too.
        """
        devices = [] if bearer.device_vault else self.devices_of(bearer.actor_id)
        changed = {
            held.sha256: bearer.for_device(held.sha256, held.expires_at, held.device_vault)
            for held in devices
        }
        return replace(self, bearers={**self.bearers, **changed, bearer.sha256: bearer})

    def with_bearers(self, bearers: Iterable[Bearer]) -> "Snapshot":
        """Add several."""
        return replace(self, bearers={**self.bearers, **{one.sha256: one for one in bearers}})

    def without_bearers(self, tokens: Iterable[bytes]) -> "Snapshot":
        """Forget tokens, by SHA-256."""
        return replace(self, bearers=_without(self.bearers, tokens))

    def sessions_of(self, vault_id: str) -> list[bytes]:
        """Tokens, by SHA-256, of a vault's scoped sessions."""
        return [
            sha256
            for sha256, bearer in self.bearers.items()
            if bearer.actor_type is ActorType.SESSION and vault_id in bearer.grants
        ]

    def agent(self, agent_id: str) -> Bearer | None:
        """The holder of an agent's own token."""
        for bearer in self.bearers.values():
            if bearer.actor_id == agent_id and bearer.is_agents_own:
                return bearer
        return None

    def devices_of(self, agent_id: str) -> list[Bearer]:
        """The holders of the tokens of an agent's devices."""
        return [
            held
            for held in self.bearers.values()
            if held.actor_id == agent_id and held.device_vault
        ]


def _without(mapping: Mapping[K, V], keys: Iterable[K]) -> dict[K, V]:
    gone = frozenset(keys)
    return {key: value for key, value in mapping.items() if key not in gone}
