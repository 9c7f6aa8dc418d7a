"""Users and their sessions in memory: who a token is, without the database.

Users are immutable entries that are swapped; a session's use is noted in place, since every
request may move it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.seal import PasswordHash
from proxy_core.store import users as store
from proxy_core.store.tables import UserRow, UserSessionRow
from proxy_core.store.users import SessionUse


@dataclass(frozen=True, slots=True)
class User:
    """A person. Grants are by vault id."""

    id: str
    email: str
    role: InstanceRole
    created_at: float
    password: PasswordHash = field(repr=False)
    grants: Mapping[str, VaultRole] = field(default_factory=dict)

    @property
    def is_owner(self) -> bool:
        """Whether the user acts as an operator."""
        return self.role is InstanceRole.OWNER


@dataclass(slots=True)
class SignedIn:
    """A session of a user. Times are epoch seconds; `unsaved`: its use is not stored yet."""

    id: str
    user_id: str
    sha256: bytes = field(repr=False)
    address: str
    label: str
    created_at: float
    proved_at: float
    last_used_at: float
    expires_at: float
    unsaved: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds of users."""

    users: tuple[User, ...]
    sessions: tuple[SignedIn, ...]


class Directory:
    """Belongs to the worker's loop; iterates over users by name."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._by_email: dict[str, User] = {}
        self._sessions: dict[bytes, SignedIn] = {}

    def __iter__(self) -> Iterator[User]:
        return iter(sorted(self._users.values(), key=lambda user: user.email))

    def by_id(self, user_id: str) -> User | None:
        """A user by id."""
        return self._users.get(user_id)

    def by_email(self, email: str) -> User | None:
        """A user by the name as it is stored."""
        return self._by_email.get(email)

    def signed_in(self, sha256: bytes, now: float) -> tuple[User, SignedIn] | None:
        """The live session of a token, and whose it is."""
        session = self._sessions.get(sha256)
        if session is None or session.expires_at <= now:
            return None
        user = self._users.get(session.user_id)
        return None if user is None else (user, session)

    def sessions(self, now: float) -> list[SignedIn]:
        """Live ones, newest first."""
        live = [one for one in self._sessions.values() if one.expires_at > now]
        return sorted(live, key=lambda one: one.created_at, reverse=True)

    def put(self, user: User) -> None:
        """Add a user, or replace the one of that id."""
        before = self._users.get(user.id)
        if before is not None:
            self._by_email.pop(before.email, None)
        self._users[user.id] = self._by_email[user.email] = user

    def remove(self, user_id: str) -> None:
        """Forget a user with all sessions."""
        user = self._users.pop(user_id, None)
        if user is not None:
            self._by_email.pop(user.email, None)
        self.end_of(user_id)

    def set_password(self, user_id: str, password: PasswordHash) -> None:
        """Replace the password's hash."""
        user = self._users.get(user_id)
        if user is not None:
            self.put(replace(user, password=password))

    def set_role(self, user_id: str, role: InstanceRole) -> None:
        """Change the instance role."""
        user = self._users.get(user_id)
        if user is not None:
            self.put(replace(user, role=role))

    def grant(self, user_id: str, vault_id: str, role: VaultRole) -> None:
        """Give a role in a vault. A user who is gone gets none."""
        user = self._users.get(user_id)
        if user is not None:
            self.put(replace(user, grants={**user.grants, vault_id: role}))

    def revoke_grant(self, user_id: str, vault_id: str) -> None:
        """Take a vault away."""
        user = self._users.get(user_id)
        if user is not None:
            rest = {held: role for held, role in user.grants.items() if held != vault_id}
            self.put(replace(user, grants=rest))

    def begin(self, session: SignedIn) -> None:
        """Add a session."""
        self._sessions[session.sha256] = session

    def end(self, ids: Iterable[str]) -> None:
        """Forget sessions."""
        gone = frozenset(ids)
        self._sessions = {
            sha256: one for sha256, one in self._sessions.items() if one.id not in gone
        }

    def end_of(self, user_id: str) -> None:
        """Forget a user's sessions."""
        self.end([one.id for one in self._sessions.values() if one.user_id == user_id])

    def take_ended(self, now: float) -> list[str]:
        """Forget the sessions that have expired; answers their ids."""
        ended = [one.id for one in self._sessions.values() if one.expires_at <= now]
        self.end(ended)
        return ended

    def replace_all(self, stored: Stored) -> None:
        """Put what is stored in force; a use that is not stored yet still counts."""
        before = self._sessions
        self._users = {user.id: user for user in stored.users}
        self._by_email = {user.email: user for user in stored.users}
        self._sessions = {}
        for session in stored.sessions:
            known = before.get(session.sha256)
            if known is not None and known.unsaved:
                session.unsaved = True
                session.last_used_at = max(session.last_used_at, known.last_used_at)
                session.expires_at = max(session.expires_at, known.expires_at)
            self._sessions[session.sha256] = session

    def take_uses(self) -> dict[str, SessionUse]:
        """The uses that are not stored yet, by session id; they count as stored from now on."""
        unsaved = [one for one in self._sessions.values() if one.unsaved]
        for one in unsaved:
            one.unsaved = False
        return {one.id: SessionUse(one.last_used_at, one.expires_at) for one in unsaved}

    def put_back(self, ids: Iterable[str]) -> None:
        """What `take_uses` gave could not be stored: give it again next time."""
        kept = frozenset(ids)
        for one in self._sessions.values():
            one.unsaved = one.unsaved or one.id in kept


def load(session: Session, now: float) -> Stored:
    """Everything that is stored; runs in a store's thread."""
    grants: dict[str, dict[str, VaultRole]] = {}
    for row in store.list_grants(session):
        grants.setdefault(row.user_id, {})[row.vault_id] = VaultRole(row.role)
    users = [user_of(row, grants.get(row.id, {})) for row in store.list_users(session)]
    return Stored(tuple(users), tuple(map(signed_in_of, store.live_sessions(session, now))))


def user_of(row: UserRow, grants: Mapping[str, VaultRole]) -> User:
    """A stored user."""
    password = PasswordHash(row.password_kdf, row.password_digest)
    return User(row.id, row.email, InstanceRole(row.role), row.created_at, password, grants)


def signed_in_of(row: UserSessionRow) -> SignedIn:
    """A stored session."""
    return SignedIn(
        id=row.id,
        user_id=row.user_id,
        sha256=row.token_sha256,
        address=row.address,
        label=row.label,
        created_at=row.created_at,
        proved_at=row.proved_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )
