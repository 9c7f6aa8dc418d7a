"""Users, wired together: what the application has."""

from sqlmodel import Session

from proxy_core.domain import wire
from proxy_core.services.context import Context, Swap
from proxy_core.services.users import directory
from proxy_core.services.users.admin import UserAdmin
from proxy_core.services.users.invites import Invites
from proxy_core.services.users.lifetime import Rules
from proxy_core.services.users.members import VaultUsers
from proxy_core.services.users.page_sessions import PageSessions
from proxy_core.services.users.passwords import Passwords
from proxy_core.services.users.sessions import UserSessions
from proxy_core.services.users.signing_in import SigningIn


class Users:
    """`sessions` says who a token is, `pages` who a browser at the approval page; `admin`,
    `members` and `invites` are for operators.
    """

    def __init__(self, context: Context, rules: Rules) -> None:
        self._context = context
        self.passwords = Passwords()
        self.sessions = UserSessions(context, rules)
        self.signing_in = SigningIn(context, self.passwords, rules)
        self.pages = PageSessions(context, rules, self.sessions, self.read)
        self.admin = UserAdmin(context, self.passwords)
        self.members = VaultUsers(context)
        self.invites = Invites(context, self.passwords)

    async def login(
        self, email: str, password: str, address: str = "", label: str = ""
    ) -> wire.LoggedIn:
        """Sign in; the answer's token is a bearer token. `address` is the client's.

        Raises VaultError: login_failed, rate_limited, overloaded.
        """
        return await self.signing_in.login(email, password, address, label)

    async def load(self) -> None:
        """Read everything that is stored."""
        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read what is stored; what is answered puts it in force."""
        stored = directory.load(session, self._context.clock.time())
        return lambda: self._context.users.replace_all(stored)
