"""Every failure the product can answer with: one table, the only source.

    VaultError
    ├── raised by every floor, carries a code of ERRORS
    └── `.status`, `.problem()` are what HTTP answers; `.exit_code` what the command line returns

A code is stable: agents and scripts switch on it. The text beside it may change. docs/errors.md is
generated from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROBLEM_TYPE_BASE = "urn:vault-tui:error:"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One row of the table: `status` is HTTP's, `help` says what to do next."""

    code: str
    status: int
    title: str
    help: str
    retryable: bool = False


def _table(*kinds: ErrorKind) -> Mapping[str, ErrorKind]:
    return {kind.code: kind for kind in kinds}


ERRORS: Mapping[str, ErrorKind] = _table(
    # What the client sent
    ErrorKind("bad_request", 400, "Malformed request", "Correct the request and send it again."),
    ErrorKind(
        "vault_required",
        400,
        "No vault named",
        "Name one of the token's vaults: X-Vault header, or TOKEN:VAULT in the token's place.",
    ),
    ErrorKind(
        "unauthorized", 401, "Not authenticated", "Send a valid token as Authorization: Bearer."
    ),
    ErrorKind(
        "proxy_auth_required",
        407,
        "Proxy authentication required",
        "Use a valid agent or session token as the proxy's user name.",
    ),
    ErrorKind("not_found", 404, "Not found", "Check the name; the list command shows what exists."),
    ErrorKind(
        "method_unsupported", 405, "Method not allowed", "See /openapi.json for the methods."
    ),
    ErrorKind("conflict", 409, "Conflict", "Read the current state and try again."),
    ErrorKind(
        "external_credential_store",
        409,
        "The vault is read from an external store",
        "Change it there; `vault-tui vault source show VAULT` says where.",
    ),
    ErrorKind("ambiguous_host", 409, "Host names several services", "Use a service name instead."),
    ErrorKind(
        "request_too_large", 413, "Request too large", "Send a smaller body or raise the limit."
    ),
    ErrorKind("headers_too_large", 431, "Header too large", "Send fewer or shorter header fields."),
    # Who may do what
    ErrorKind(
        "operator_required",
        403,
        "Operator session required",
        "Run `vault-tui unlock` in this terminal, or set VAULT_TUI_MASTER_PASSWORD_FILE.",
    ),
    ErrorKind(
        "no_terminal",
        403,
        "No terminal to unlock",
        "Set VAULT_TUI_MASTER_PASSWORD_FILE for each command.",
    ),
    ErrorKind(
        "reauth_required",
        403,
        "Password needed again",
        "Prove your password: POST /v1/auth/reauth, or `vault-tui login`.",
    ),
    ErrorKind(
        "issuer_proof_required",
        403,
        "A recent sign-in at the issuer needed",
        "Send a JWT whose auth_time is at most five minutes ago (`vault-tui auth login --fresh`), "
        "or sign in with a password: `vault-tui login`.",
    ),
    ErrorKind("login_failed", 401, "Not signed in", "Check both and try again."),
    ErrorKind(
        "agent_process",
        403,
        "Refused for processes started by `vault-tui run`",
        "Run this from a terminal of your own; an agent uses AGENT_VAULT_TOKEN over HTTP.",
    ),
    ErrorKind(
        "script_untrusted",
        403,
        "A project's command is not trusted",
        "`vault-tui trust PATH` shows what the project names, and asks.",
    ),
    ErrorKind(
        "origin_refused",
        403,
        "Request from another site",
        "Call the worker by its own address, and not from a web page.",
    ),
    ErrorKind(
        "wrong_key", 403, "That does not open the vault", "Check the password or key and retry."
    ),
    ErrorKind(
        "keyring_unavailable",
        503,
        "The OS keyring cannot be used",
        "Use a password slot; over SSH there is often no keyring.",
    ),
    ErrorKind(
        "key_slot_unusable",
        503,
        "The key slot cannot be used",
        "Open the vault with another slot and make this one anew.",
    ),
    ErrorKind("vault_forbidden", 403, "No access to this vault", "Ask an operator for a grant."),
    ErrorKind("role_forbidden", 403, "Role too low", "Ask an operator; this needs a higher role."),
    ErrorKind(
        "gateway_not_found",
        404,
        "No such gateway",
        "Use one of `gateways`, or let an operator give a service the prefix.",
    ),
    ErrorKind("vault_not_found", 404, "No such vault", "`vault-tui vault list` shows the vaults."),
    # What policy says
    ErrorKind(
        "forbidden",
        403,
        "No service for this host",
        "Raise a proposal: POST /v1/proposals with this host.",
    ),
    ErrorKind(
        "service_not_granted",
        403,
        "The service is not granted to this token",
        "An operator can grant it: `vault-tui agent grant NAME --vault V --services …`.",
    ),
    ErrorKind(
        "service_disabled", 403, "Service is disabled", "An operator can enable the service."
    ),
    ErrorKind("method_not_allowed", 403, "Method not allowed by policy", "See allowed_methods."),
    ErrorKind("path_not_allowed", 403, "Path not allowed by policy", "Ask an operator for a rule."),
    ErrorKind(
        "http_not_allowed",
        403,
        "Credentials are not sent over plain http",
        "Use https, or let an operator set allow_http on the service.",
    ),
    ErrorKind("trace_not_allowed", 403, "TRACE is refused", "Use another method."),
    ErrorKind(
        "sni_mismatch", 403, "TLS name differs from the CONNECT host", "Use one name for both."
    ),
    ErrorKind(
        "address_blocked",
        403,
        "Address refused by the network guard",
        "An operator can allow the network, except for cloud metadata.",
    ),
    ErrorKind("approval_denied", 403, "An operator denied the request", "Ask the operator why."),
    ErrorKind(
        "approval_timeout",
        403,
        "No operator decided in time",
        "Send it again when an operator is there: `vault-tui hold list` shows what waits.",
    ),
    # Limits
    ErrorKind("rate_limited", 429, "Too many requests", "Wait for Retry-After.", retryable=True),
    ErrorKind(
        "proposals_pending",
        429,
        "Too many proposals wait",
        "Wait until an operator has decided some: `vault-tui proposal list` shows them.",
    ),
    ErrorKind(
        "accounts_exhausted",
        429,
        "No account of the pool can be used now",
        "Wait for Retry-After; `vault-tui account quota` shows when which window resets.",
        retryable=True,
    ),
    # Upstream and credentials
    ErrorKind(
        "credential_not_found",
        502,
        "The service's credential does not exist",
        "`vault-tui credential set KEY` stores it.",
    ),
    ErrorKind(
        "credential_unreadable",
        502,
        "The stored credential cannot be decrypted",
        "Set it again: `vault-tui credential set KEY`.",
    ),
    ErrorKind(
        "command_failed",
        502,
        "The credential's command gives no value",
        "`vault-tui credential test KEY` runs it; a new one waits for `credential approve KEY`.",
    ),
    ErrorKind(
        "oauth_not_connected",
        502,
        "The OAuth credential is not connected",
        "`vault-tui credential list` and `vault-tui account list` show what is connected.",
    ),
    ErrorKind(
        "account_removed",
        502,
        "The account that the token is pinned to was removed",
        "An operator takes the pin away: `vault-tui agent unpin NAME`.",
    ),
    ErrorKind(
        "oauth_refresh_failed",
        502,
        "The OAuth token could not be refreshed",
        "`vault-tui credential list` and `vault-tui account list` show what is connected.",
    ),
    ErrorKind(
        "token_mint_failed",
        502,
        "No access token could be had for the stored key",
        "Do what the message says; the provider may also be away for a moment.",
    ),
    ErrorKind(
        "signing_failed",
        502,
        "The request cannot be signed",
        "Do what the message says; an operator can change the service's auth.",
    ),
    ErrorKind(
        "issuer_unreachable",
        503,
        "A trusted issuer's keys cannot be fetched",
        "Try later; an operator sees why with `vault-tui issuer test NAME`.",
        retryable=True,
    ),
    ErrorKind(
        "webhook_failed",
        502,
        "The webhook's receiver did not take it",
        "Check its address; `vault-tui webhook list` shows how deliveries go.",
    ),
    ErrorKind(
        "oauth_login_failed",
        502,
        "The login at the provider did not succeed",
        "Mend what the message says, and connect again.",
    ),
    ErrorKind(
        "upstream_unreachable", 502, "Upstream cannot be reached", "Try later.", retryable=True
    ),
    ErrorKind(
        "upstream_tls",
        502,
        "Upstream's certificate is not valid",
        "Check the host, or --upstream-ca.",
    ),
    ErrorKind(
        "upstream_protocol",
        502,
        "Upstream broke HTTP",
        "Report it to the upstream.",
        retryable=True,
    ),
    ErrorKind("response_too_large", 502, "Response head too large", "Report it to the upstream."),
    ErrorKind(
        "substitution_invalid", 502, "Value not allowed at the placeholder", "Fix the credential."
    ),
    ErrorKind(
        "response_unreadable",
        502,
        "Response cannot be searched for secrets",
        "An operator can set `scrub: false` on the service, or the setting allow_unreadable.",
    ),
    ErrorKind(
        "upstream_timeout", 504, "Upstream did not answer in time", "Try again.", retryable=True
    ),
    # Ourselves
    ErrorKind("internal", 500, "Internal error", "Look for the id in the worker's log."),
    ErrorKind("sealed", 503, "The vault is sealed", "`vault-tui unseal` opens it.", retryable=True),
    ErrorKind("not_initialized", 503, "The vault is not set up", "Run `vault-tui init`."),
    ErrorKind(
        "shutting_down", 503, "The worker is stopping", "Try again in a moment.", retryable=True
    ),
    ErrorKind("overloaded", 503, "Too many connections", "Try again in a moment.", retryable=True),
    # Start-up and local environment (never over HTTP)
    ErrorKind(
        "port_in_use", 500, "Port is taken", "Stop the other program or choose another port."
    ),
    ErrorKind("home_unusable", 500, "Data directory cannot be used", "Check VAULT_TUI_HOME."),
    ErrorKind(
        "backup_damaged", 500, "The backup cannot be used", "Use another copy of the backup."
    ),
    ErrorKind("database_newer", 500, "Database is from a newer version", "Upgrade vault-tui."),
    ErrorKind(
        "database_unavailable", 503, "Database cannot be reached", "Check it.", retryable=True
    ),
    ErrorKind(
        "audit_broken",
        500,
        "The audit cannot be continued",
        "Nothing is changed without an entry: restore the database, then `vault-tui audit verify`.",
    ),
    ErrorKind(
        "already_running", 500, "A worker is running already", "`vault-tui status` shows it."
    ),
    ErrorKind("not_signed_in", 401, "No token", "Sign in with `vault-tui auth login`."),
    ErrorKind(
        "worker_untrusted",
        502,
        "The worker's certificate is not trusted",
        "Check the address; name a private CA with --ca-file or VAULT_TUI_CA_FILE.",
    ),
    ErrorKind(
        "no_worker", 503, "No worker is running", "Start it with `vault-tui start`.", retryable=True
    ),
)

# Exit codes of the command line; 0 is success.
EXIT_FAILED, EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_NOT_FOUND, EXIT_REFUSED = 1, 2, 3, 4, 5
_EXIT_BY_CODE = {
    "no_worker": EXIT_UNAVAILABLE,
    "database_unavailable": EXIT_UNAVAILABLE,
    "sealed": EXIT_UNAVAILABLE,
    "not_initialized": EXIT_UNAVAILABLE,
    "unauthorized": EXIT_REFUSED,
    "worker_untrusted": EXIT_REFUSED,
    "login_failed": EXIT_REFUSED,
    "bad_request": EXIT_USAGE,
}
_EXIT_BY_STATUS = {403: EXIT_REFUSED, 404: EXIT_NOT_FOUND}


@dataclass(slots=True)
class VaultError(Exception):
    """A failure with a code of ERRORS.

    `detail` is one sentence for people and never holds a secret; `extra` is merged into the
    answer's JSON (for example `proposal_hint`, `candidates`, `allowed_methods`);
    `retry_after` is in seconds.
    """

    code: str
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    retry_after: int | None = None

    @property
    def kind(self) -> ErrorKind:
        """The table's row for this code."""
        return ERRORS[self.code]

    @property
    def advice(self) -> str:
        """What to do next: this case's own `help`, else its kind's."""
        return str(self.extra.get("help") or self.kind.help)

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return self.kind.status

    @property
    def exit_code(self) -> int:
        """Exit status of a command that fails with this error."""
        return _EXIT_BY_CODE.get(self.code) or _EXIT_BY_STATUS.get(self.status, EXIT_FAILED)

    def problem(self) -> dict[str, Any]:
        """RFC 9457 document, with the fields older agents read (error, message, help)."""
        kind = self.kind
        detail = self.detail or kind.title
        return {
            "type": PROBLEM_TYPE_BASE + kind.code,
            "title": kind.title,
            "status": kind.status,
            "detail": detail,
            "code": kind.code,
            "error": kind.code,
            "message": detail,
            "help": kind.help,
            **self.extra,
        }

    def __str__(self) -> str:
        return self.detail or self.kind.title
