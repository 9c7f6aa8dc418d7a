"""What the rules are asked about: facts as they were found, each None or empty when unknown.

Values of variables and settings can be secrets: no representation shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """Where a settings file of Claude Code stands; the first is the strongest."""

    MANAGED = "managed"
    EXPLICIT = "--settings"
    LOCAL = "local"
    PROJECT = "project"
    USER = "user"


IN_PROJECT = frozenset({Scope.LOCAL, Scope.PROJECT})
"""What comes with a directory, and not from who works in it."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """`problem` says in a few words why it could not be read; then `values` is empty."""

    scope: Scope
    path: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LoginFile:
    """Claude Code's stored login. `expires_at` in epoch seconds, None where it does not say."""

    path: str
    placeholder: bool = False
    has_refresh_token: bool = False
    expires_at: float | None = None
    scopes: tuple[str, ...] = ()
    open_to_others: bool = False
    in_keychain: bool = False


@dataclass(frozen=True, slots=True)
class GatewayLogin:
    """What Claude Code's `/login` to a gateway has stored, if it trusts that host. `ended`: it has
    expired, and nothing is there to refresh it with.
    """

    path: str
    url: str = field(repr=False)
    token: str = field(repr=False)
    ended: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """The login of `vault-tui auth token`. `usable`: there is a token to print, or to be had.

    `issuer` is empty where there never was one, and for a session of the worker (`of_worker`).
    `life` is a token's in seconds, None where nobody tells. `failure`: why the last refresh
    failed, `unreachable`: why the issuer does not answer; `clock` is its Date minus ours.
    """

    usable: bool = False
    issuer: str = ""
    of_worker: bool = False
    life: float | None = None
    failure: str = ""
    unreachable: str = ""
    keyring_problem: str = ""
    clock: float | None = None


@dataclass(frozen=True, slots=True)
class ProjectScript:
    """A command that settings of a project name. `sha256` is of its text and of the files that it
    names; `path` is the settings file.
    """

    setting: str
    path: str
    text: str
    sha256: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class ClaudeFacts:
    """Claude Code in one directory and environment. `settings` have the strongest first; `config`
    is `.claude.json`; `gateway` is a login at one. `stale_key` is a `config.json` of old that holds
    a key. `aws_profile` and `google_login`: whether these tools' own files are there.
    """

    environ: Mapping[str, str] = field(repr=False)
    directory: str = "."
    installed: bool = False
    settings: tuple[SettingsFile, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    config_path: str = "~/.claude.json"
    login: LoginFile | None = None
    gateway: GatewayLogin | None = None
    scripts: tuple[ProjectScript, ...] = ()
    stale_key: str = ""
    bare: bool = False
    aws_profile: bool = False
    google_login: bool = False


@dataclass(frozen=True, slots=True)
class CaFacts:
    """A certificate file. `holds_worker_ca` is None when the worker's CA is not known."""

    variable: str
    path: str
    absolute: bool = True
    exists: bool = True
    holds_worker_ca: bool | None = None


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """A program found on PATH. `trusts` is None when it could not be found out in time; `how` is
    `request` (a TLS handshake through the proxy) or `settings` (what it would read). `optional`:
    `vault-tui run` does not see to it.
    """

    name: str
    trusts: bool | None
    how: str
    remedy: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """A real request through the proxy to `host`.

    `status` 0: no answer. `code` is of the proxy's own answers. `failure` in a few words.
    """

    host: str
    status: int = 0
    code: str = ""
    failure: str = ""
    date: float | None = None


@dataclass(frozen=True, slots=True)
class Symptom:
    """The newest refusal of `host` in the log, and how often it was seen lately."""

    host: str
    status: int
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A service of the vault; `keys` are the credentials that it names, `prefix` its gateway's,
    empty without one.
    """

    name: str
    host: str
    enabled: bool
    keys: tuple[str, ...]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class LoginState:
    """A credential's or an account's login: `kind` is `credential` or `account`."""

    kind: str
    name: str
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What the worker says. `failure` is an error's code when it does not answer (`no_worker`).

    `services` and `credentials` are None when we may not see them. `ca_expires_at` in epoch
    seconds; `clock` is its Date minus ours, in seconds. `logins` are those that need somebody, of
    `accounts` in all. `webhooks` are the failing ones' ids. `signed_out_at` is the URL
    of a worker elsewhere that wants to know first who we are.
    """

    failure: str = ""
    detail: str = ""
    version: str = ""
    initialized: bool = True
    sealed: bool = False
    local: bool = True
    problems: tuple[str, ...] = ()
    log_dropped: int = 0
    slots: tuple[str, ...] = ()
    api: str = ""
    proxy: str = ""
    closed_ports: tuple[str, ...] = ()
    ca_expires_at: float | None = None
    clock: float | None = None
    vault: str = "default"
    services: tuple[ServiceFacts, ...] | None = None
    missing_hosts: tuple[str, ...] = ()
    credentials: frozenset[str] | None = None
    logins: tuple[LoginState, ...] = ()
    accounts: int = 0
    webhooks: tuple[str, ...] = ()
    signed_out_at: str = ""
    token: str = ""
    """Of an agent's own token: empty (none), `ok`, or the code of its refusal."""
    gateway_token: str = ""
    """The same of the token that Claude Code has for this worker's gateway."""
    symptoms: tuple[Symptom, ...] = ()
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """The data directory. `open_files` can be read by others; `free_bytes` None: unknown."""

    path: str
    exists: bool = True
    mode: int = 0o700
    foreign: bool = False
    open_files: tuple[str, ...] = ()
    free_bytes: int | None = None
    over_ssh: bool = False
    keyring_problem: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. `version` is ours; `now` in epoch seconds. `wired`: the environment sends
    requests to the worker's proxy, as it does under `vault-tui run`; `claude_wired`: Claude Code's
    settings send its own there. `token_login` is None when it is not known.
    """

    now: float
    version: str
    environ: Mapping[str, str] = field(repr=False)
    worker: WorkerFacts
    home: HomeFacts
    wired: bool = False
    claude_wired: bool = False
    claude: ClaudeFacts | None = None
    token_login: TokenLogin | None = None
    ca_files: tuple[CaFacts, ...] = ()
    runtimes: tuple[RuntimeFacts, ...] = ()

    @property
    def claude_behind(self) -> bool:
        """Whether Claude Code's requests go through the proxy."""
        return self.wired or self.claude_wired
