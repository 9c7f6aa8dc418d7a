"""All facts at once: what takes time runs side by side, each with its own limit."""

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.doctor import CaFacts, ClaudeFacts, Facts, HomeFacts, Probe, WorkerFacts
from proxy_core.domain.doctor.environment_rules import ANTHROPIC_HOST
from proxy_core.domain.doctor.gateway_rules import gateway_token
from proxy_core.domain.doctor.values import split_url, variable
from proxy_core.domain.wire import Status
from vault_tui.cli.running.run_env import reachable
from vault_tui.doctor.ca_files import OWN_VARIABLE, ca_files
from vault_tui.doctor.claude_facts import claude_facts
from vault_tui.doctor.home_facts import home_facts
from vault_tui.doctor.runtimes import Surroundings, runtime_checks
from vault_tui.doctor.through_proxy import ProxyAddress, probe
from vault_tui.doctor.token_login import token_login_facts
from vault_tui.doctor.worker_facts import CALL_SECONDS, Answers, ask_worker, token_state

_KEYRING_SECONDS = 2.0
_SESSION_SECONDS = 300
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_THREADS = 8
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be looked at. `target` is the worker, as whom we are; `explicit` what `--settings`
    names to Claude Code, and `bare` whether it gets `--bare`.
    """

    target: Target
    home: Home
    vault: str
    is_agent: bool = False
    directory: Path = field(default_factory=Path.cwd)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    bare: bool = False
    explicit: Path | None = None


def gather(question: Question) -> Facts:
    """Every fact. Raises VaultError: home_unusable."""
    environ = question.environ
    answers = ask_worker(question.target, question.vault, is_agent=question.is_agent)
    wired = _is_wired(environ, answers, question.target)
    around = Surroundings(environ, answers.ca_pem, ANTHROPIC_HOST)
    checks = runtime_checks(around) if wired is not None and answers.ca_pem else []
    claude = claude_facts(
        question.directory,
        environ,
        question.home,
        bare=question.bare,
        explicit=question.explicit,
    )
    uses_claude = claude is not None and ANTHROPIC_HOST not in answers.facts.missing_hosts
    by_settings = _is_wired(_claude_variables(claude), answers, question.target)
    with ThreadPoolExecutor(_THREADS) as pool:
        asked = [pool.submit(check) for check in checks]
        probed = pool.submit(_probe, question, answers, wired or by_settings, uses_claude)
        home = pool.submit(_home, question, answers.facts)
        token_login = pool.submit(token_login_facts, question.home)
        gateway = pool.submit(_gateway_token, question, answers, claude)
        runtimes = [found for one in asked if (found := one.result()) is not None]
    return Facts(
        now=time.time(),
        version=_version(),
        environ=environ,
        worker=replace(answers.facts, probe=probed.result(), gateway_token=gateway.result()),
        home=home.result(),
        wired=wired is not None,
        claude_wired=by_settings is not None,
        claude=claude,
        token_login=token_login.result(),
        ca_files=_ca_files(environ, claude, answers, wired, by_settings),
        runtimes=tuple(runtimes),
    )


def _ca_files(
    environ: Mapping[str, str],
    claude: ClaudeFacts | None,
    answers: Answers,
    wired: ProxyAddress | None,
    by_settings: ProxyAddress | None,
) -> tuple[CaFacts, ...]:
    """Those of the environment where that leads to the proxy; where only Claude Code's settings
    do, the one that they name.
    """
    if wired is not None:
        return tuple(ca_files(environ, answers.ca_pem))
    found = variable(claude, OWN_VARIABLE) if claude is not None and by_settings else None
    return tuple(ca_files({OWN_VARIABLE: found.text}, answers.ca_pem)) if found else ()


def _gateway_token(question: Question, answers: Answers, claude: ClaudeFacts | None) -> str:
    """What the worker says of the token that Claude Code has for its gateway."""
    status = answers.status
    if claude is None or status is None or status.sealed or not status.initialized:
        return ""
    url, token = gateway_token(claude)
    given, own = split_url(url), _own_proxy(status, question.target)
    if not token or own is None or given.port != own.port:
        return ""
    here = given.hostname in _LOOPBACK or given.hostname == own.host
    return token_state(question.target, token, question.vault) if here else ""


def _claude_variables(claude: ClaudeFacts | None) -> dict[str, str]:
    """The proxy variables as Claude Code sees them: its settings replace the environment's."""
    if claude is None:
        return {}
    found = {name: variable(claude, name) for name in _PROXY_VARIABLES}
    return {name: value.text for name, value in found.items() if value is not None}


def _is_wired(environ: Mapping[str, str], answers: Answers, target: Target) -> ProxyAddress | None:
    """The proxy that the environment names, if that is the worker's."""
    named = next((environ[name] for name in _PROXY_VARIABLES if environ.get(name)), "")
    given = ProxyAddress.parse(named) if named else None
    if given is None or answers.status is None:
        return None
    own = _own_proxy(answers.status, target)
    if own is None or own.port != given.port:
        return None
    same = given.host == own.host or {given.host, own.host} <= _LOOPBACK
    return given if same else None


def _own_proxy(status: Status, target: Target) -> ProxyAddress | None:
    """As it is reached from here; None for what is no address."""
    try:
        worker_host = urlsplit(target.base_url).hostname or ""
        return ProxyAddress.parse(reachable(status.proxy, worker_host))
    except ValueError:
        return None


def _probe(
    question: Question, answers: Answers, wired: ProxyAddress | None, to_upstream: bool
) -> Probe | None:
    """A request through the proxy: with the environment's own token, else an operator's session."""
    status = answers.status
    if status is None or status.sealed or not answers.ca_pem:
        return None
    if wired is not None:
        return probe(wired, answers.ca_pem, CALL_SECONDS, to_upstream=to_upstream)
    own = _own_proxy(status, question.target)
    if not status.operator or question.is_agent or not answers.facts.local or own is None:
        return None
    with suppress(VaultError), _session(question) as token:
        address = replace(own, userinfo=f"{token}:{question.vault}")
        return probe(address, answers.ca_pem, CALL_SECONDS, to_upstream=to_upstream)
    return None


@contextmanager
def _session(question: Question) -> Iterator[str]:
    """A session's token, revoked at the end. Raises VaultError."""
    client = SyncClient(question.target, CALL_SECONDS)
    made = client.send(calls.create_session(question.vault, _SESSION_SECONDS, "doctor"))
    try:
        yield made.token
    finally:
        with suppress(VaultError):
            client.send(calls.revoke_session(made.id, question.vault))


def _home(question: Question, worker: WorkerFacts) -> HomeFacts:
    found = home_facts(question.home, question.environ)
    if set(worker.slots) != {"keyring"} or not worker.local:
        return found
    from proxy_core.base.os_keyring import bounded, find_backend

    try:
        bounded(find_backend, _KEYRING_SECONDS)
    except VaultError as error:
        return replace(found, keyring_problem=error.detail)
    return found


def _version() -> str:
    from importlib.metadata import version

    return version("vault-tui")
