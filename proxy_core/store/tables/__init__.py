"""The schema: one class a table, one module a subject. All names stand here.

Times are epoch seconds; ids are made by the caller. Tokens are kept as SHA-256 alone. Columns named
`sealed…` and `wrapped_dek` hold ciphertext that this floor never reads. A change here needs a
migration and a place in `audited`; tests compare them.
"""

from proxy_core.store.tables.accounts import Account as Account
from proxy_core.store.tables.accounts import OAuthLogin as OAuthLogin
from proxy_core.store.tables.accounts import Pool as Pool
from proxy_core.store.tables.accounts import PoolMember as PoolMember
from proxy_core.store.tables.agents import Agent as Agent
from proxy_core.store.tables.agents import AgentGrant as AgentGrant
from proxy_core.store.tables.agents import ScopedSession as ScopedSession
from proxy_core.store.tables.approvals import ApprovalGrant as ApprovalGrant
from proxy_core.store.tables.audit import AuditHead as AuditHead
from proxy_core.store.tables.audit import AuditRow as AuditRow
from proxy_core.store.tables.changes import Change as Change
from proxy_core.store.tables.commands import CommandCredential as CommandCredential
from proxy_core.store.tables.devices import ClaudeSettings as ClaudeSettings
from proxy_core.store.tables.devices import DeviceRequestRow as DeviceRequestRow
from proxy_core.store.tables.devices import DeviceRow as DeviceRow
from proxy_core.store.tables.devices import DeviceToken as DeviceToken
from proxy_core.store.tables.installation import CertificateAuthority as CertificateAuthority
from proxy_core.store.tables.installation import KeySlot as KeySlot
from proxy_core.store.tables.installation import Meta as Meta
from proxy_core.store.tables.installation import Setting as Setting
from proxy_core.store.tables.issuers import IssuerRow as IssuerRow
from proxy_core.store.tables.proposals import ProposalRow as ProposalRow
from proxy_core.store.tables.proposals import ProposalValue as ProposalValue
from proxy_core.store.tables.sources import VaultSource as VaultSource
from proxy_core.store.tables.traffic import RequestLogRow as RequestLogRow
from proxy_core.store.tables.traffic import UnmatchedHost as UnmatchedHost
from proxy_core.store.tables.users import UserGrant as UserGrant
from proxy_core.store.tables.users import UserInvite as UserInvite
from proxy_core.store.tables.users import UserRow as UserRow
from proxy_core.store.tables.users import UserSessionRow as UserSessionRow
from proxy_core.store.tables.vaults import Credential as Credential
from proxy_core.store.tables.vaults import CredentialVersion as CredentialVersion
from proxy_core.store.tables.vaults import ServiceRow as ServiceRow
from proxy_core.store.tables.vaults import Vault as Vault
from proxy_core.store.tables.webhooks import WebhookRow as WebhookRow
