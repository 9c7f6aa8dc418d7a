"""What a worker is made of; the one place where each part is given what it needs."""

from proxy_core.domain.exchange import BorrowedKind
from proxy_core.mitm.ca import LeafMint
from proxy_core.services.accounts.service import Accounts
from proxy_core.services.agent_grants import AgentGrants
from proxy_core.services.agents import Agents
from proxy_core.services.approvals import Approvals
from proxy_core.services.audit.auditing import Auditing
from proxy_core.services.authentication import Authentication
from proxy_core.services.backups import Backups
from proxy_core.services.broker import Broker
from proxy_core.services.capturing import Capturing
from proxy_core.services.claude_gateway.answers import ClaudeGateway
from proxy_core.services.claude_gateway.nowhere import Nowhere
from proxy_core.services.cloud.aws import AwsSigning
from proxy_core.services.cloud.lender import MintLender
from proxy_core.services.cloud.minting import MintedTokens
from proxy_core.services.commands.commands import Commands
from proxy_core.services.commands.lender import CommandLender
from proxy_core.services.commands.values import CommandValues
from proxy_core.services.connecting.connecting import Connecting
from proxy_core.services.connecting.flows import Flows
from proxy_core.services.context import Context
from proxy_core.services.credentials import Credentials
from proxy_core.services.discovery import Discoveries
from proxy_core.services.gateway import GatewayAnswers, Hello
from proxy_core.services.grants import Grants
from proxy_core.services.holds import Holds
from proxy_core.services.housekeeping import Housekeeping
from proxy_core.services.identity import Identity
from proxy_core.services.issuers import Issuers
from proxy_core.services.issuers.people import VouchedPeople
from proxy_core.services.key_slots import KeySlots
from proxy_core.services.keys import Keys
from proxy_core.services.lending import Lending
from proxy_core.services.limits import AuthFailures, RequestLimits
from proxy_core.services.logins import LoginLender, Logins
from proxy_core.services.logs import Logs
from proxy_core.services.oauth_credentials import OAuthCredentials
from proxy_core.services.operators import Operators
from proxy_core.services.proposals import Deciding, Inbox, Proposals
from proxy_core.services.request_counts import RequestCounts
from proxy_core.services.rotation import Rotation
from proxy_core.services.runs import RunProcesses
from proxy_core.services.service_admin import ServiceAdmin
from proxy_core.services.sessions import Sessions
from proxy_core.services.settings import Settings
from proxy_core.services.sources.sources import Sources
from proxy_core.services.users.service import Users
from proxy_core.services.vaults import Vaults
from proxy_core.services.webhooks import Notifying, Webhooks


class Parts:
    """The use cases of one worker. `leaves` and `broker` are what the data path asks.

    `allow_http`: services may be plain http; `allow_http_token_urls`: so may token endpoints on
    loopback.
    """

    def __init__(self, context: Context, *, allow_http: bool, allow_http_token_urls: bool) -> None:
        self._context = context
        self._allow_http, self._allow_http_token_urls = allow_http, allow_http_token_urls
        self.bus = context.bus
        self.verdicts = context.verdicts
        self.usage = context.usage
        self._make_keys()
        self._make_operators()
        self._make_vaults()
        self._make_agents()
        self._make_lending()
        self._make_logins()
        self._make_decisions()
        self._make_broker()
        self._make_proposals()
        self._make_records()

    def _make_keys(self) -> None:
        """What seals and opens."""
        context = self._context
        self.leaves = LeafMint(clock=context.clock)
        self.keys = Keys(context, self.leaves)
        self.key_slots = KeySlots(context, self.keys)
        self.backups = Backups(context, self.key_slots)

    def _make_operators(self) -> None:
        """Who may do what, and the settings."""
        context = self._context
        self.settings = Settings(context)
        self.settings.on_change(self._limit)
        self.operators = Operators(
            context, self.keys, lambda: float(self.settings.value("unlock_minutes"))
        )
        self.users = Users(context, self.settings.session_rules)
        people = VouchedPeople(context, self.settings.session_rules)
        self.identity = Identity(context, self.operators, self.users.sessions, people)
        self.issuers = Issuers(context, self._allow_http_token_urls)

    def _make_vaults(self) -> None:
        """What vaults hold, and where it comes from."""
        context, http = self._context, self._allow_http_token_urls
        self.vaults = Vaults(context)
        self.logins = Logins(context)
        self.keys.on_seal(self.logins.suspend)
        self.keys.on_open(self.logins.resume)
        self.command_values = CommandValues(context)
        self.keys.on_seal(self.command_values.forget)
        self.rotation = Rotation(context, self.keys, self.key_slots, self.logins)
        self.rotation.on_replaced(self.command_values.reseal)
        self.commands = Commands(context, self.command_values)
        self.credentials = Credentials(context, self.logins, self.command_values)
        self.sources = Sources(context, self.credentials, http)
        self.keys.on_seal(self.sources.forget)
        self.oauth = OAuthCredentials(context, self.logins, http)
        self.services = ServiceAdmin(context, self._allow_http)
        self.accounts = Accounts(context, self.logins, http)
        self.vaults.on_delete(self.accounts.keeping.forget_vault)

    def _make_agents(self) -> None:
        """Who sends requests."""
        context = self._context
        counts = RequestCounts(context)
        self.runs = RunProcesses()
        self.agents = Agents(context, counts)
        self.agent_grants = AgentGrants(context)
        self.sessions = Sessions(
            context,
            counts,
            self.runs,
            lambda vault_id, name: self.accounts.state.roster.find(vault_id, name).id,
        )

    def _make_lending(self) -> None:
        """Secrets that are not simply stored."""
        context = self._context
        self.minted_tokens = MintedTokens(context)
        self.lending = Lending()
        self.lending.add(BorrowedKind.OAUTH, LoginLender(self.logins))
        self.lending.add(BorrowedKind.COMMAND, CommandLender(context, self.command_values))
        self.lending.add(BorrowedKind.POOL, self.accounts.lender)
        self.lending.add(BorrowedKind.MINTED, MintLender(context, self.minted_tokens))

    def _make_logins(self) -> None:
        """How logins come about."""
        context = self._context
        self.flows = Flows(context)
        self.keys.on_seal(lambda: self.flows.end_all("sealed"))
        self.connecting = Connecting(context, self.logins, self.oauth, self.accounts, self.flows)
        self.capturing = Capturing(
            context,
            self.logins,
            self.accounts,
            lambda: self.flows.providers.endpoint,
            self._allow_http_token_urls,
        )
        self.claude_gateway = ClaudeGateway(context, self.settings)

    def _make_decisions(self) -> None:
        """What waits for a person, and how much is too much."""
        context = self._context
        self.holds = Holds(context, self.settings.hold_limits)
        self.keys.on_seal(lambda: self.holds.end_all("sealed"))
        self.grants = Grants(context)
        self.approvals = Approvals(self.holds, self.grants, self.services, context.audit)
        self.limits = RequestLimits(context.clock)
        self.auth_failures = AuthFailures(context.clock)

    def _make_broker(self) -> None:
        """What answers the data path."""
        context = self._context
        self.gateway_answers = GatewayAnswers(Hello())
        self.gateway_answers.add(self.claude_gateway)
        self.gateway_answers.add(Nowhere())
        self.broker = Broker(
            context,
            self.approvals,
            self.limits,
            Authentication(context, self.auth_failures),
            self.lending,
            self.capturing,
            self.gateway_answers,
            AwsSigning(),
            self._allow_http,
        )

    def _make_proposals(self) -> None:
        """What agents ask for."""
        context, connected = self._context, self.oauth.is_connected
        self.proposals = Proposals(context, connected, self._allow_http_token_urls)
        self.proposal_inbox = Inbox(context, self.proposals)
        self.vaults.on_delete(self.proposals.waiting.forget_vault)
        self.deciding = Deciding(
            context, self.proposals, self.credentials, self.services, connected
        )

    def _make_records(self) -> None:
        """What is written down, told, and cleared away."""
        context = self._context
        self.logs = Logs(context)
        self.discoveries = Discoveries(context)
        self.auditing = Auditing(context, lambda: int(self.settings.value("audit_retention_days")))
        self.housekeeping = Housekeeping(
            context,
            self.keys,
            self.settings,
            self.grants,
            self.proposals,
            self.users.sessions,
            self.claude_gateway.devices.requests,
        )
        self.webhooks = Webhooks(
            context,
            lambda: int(self.settings.value("webhook_disable_days")),
            self._allow_http_token_urls,
        )
        self.vaults.on_delete(self.webhooks.forget_vault)
        self.notifying = Notifying(context, self.webhooks)
        self.keys.before_seal(self.notifying.last_words)
        self.keys.on_open(self.notifying.opened)

    def _limit(self) -> None:
        """Put the limits of the settings in force."""
        self.limits.agents.limit = self.settings.request_limit("agent")
        self.limits.vaults.limit = self.settings.request_limit("vault")
        self.auth_failures.budget = self.settings.value("auth_failures_per_minute")
