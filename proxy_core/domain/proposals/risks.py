"""What is dangerous about a proposal, in words for the person who decides.

A rule looks at one thing and answers risks. A HIGH one names what has to be typed before the
proposal is approved: the credential or service that it is about.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from proxy_core.base.text import display_safe
from proxy_core.domain.hosts import is_address
from proxy_core.domain.proposals.authority import Authority
from proxy_core.domain.proposals.diff import AuthorityDiff, ServiceDiff
from proxy_core.domain.proposals.proposal import ItemAction, Proposal
from proxy_core.domain.proposals.reach import covers, covers_host, keeps_rules, meets, restricts
from proxy_core.domain.proposals.resemblance import is_international, resembled
from proxy_core.domain.service import AuthType, Service
from proxy_core.domain.service_document import credential_keys


class Level(IntEnum):
    """How dangerous."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Risk:
    """`code` is stable; `about` is the service's name or the credential's key."""

    level: Level
    code: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Risks, the worst first."""

    risks: tuple[Risk, ...]

    @property
    def level(self) -> Level:
        """The worst one's."""
        return max((risk.level for risk in self.risks), default=Level.LOW)

    @property
    def to_type(self) -> tuple[str, ...]:
        """The names that whoever approves has to type, each once."""
        names = (risk.about for risk in self.risks if risk.level is Level.HIGH)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a rule may look at. `known_hosts`: those of the vault and of the catalog."""

    proposal: Proposal
    before: Authority
    after: Authority
    diff: AuthorityDiff
    known_hosts: frozenset[str]


def assess(facts: Facts) -> Assessment:
    """Every risk that the rules see."""
    found = [risk for rule in _RULES for risk in rule(facts)]
    for one in facts.diff.services:
        for look in _SERVICE_RULES:
            found += look(facts, one)
    found.sort(key=lambda risk: -risk.level)
    return Assessment(tuple(found))


# --- credentials ------------------------------------------------------------------------------


def _existing_elsewhere(facts: Facts) -> Iterator[Risk]:
    """The most dangerous: a secret that is in use goes to a host that never got it."""
    for one in facts.diff.services:
        if one.after is None:
            continue
        for key in credential_keys(one.after):
            users = facts.before.users(key)
            if not _is_older(facts, key):
                continue
            if not any(covers_host(user, one.after) for user in users):
                now = ", ".join(user.pattern for user in users) or "no host"
                yield Risk(
                    Level.HIGH,
                    "existing_credential_new_host",
                    key,
                    f"The existing credential {key} would be sent to {one.after.pattern}; "
                    f"now it goes to {now}.",
                )
            elif not any(covers(user, one.after) for user in users):
                yield Risk(
                    Level.MEDIUM,
                    "existing_credential_more_paths",
                    key,
                    f"The existing credential {key} would be sent with more paths of "
                    f"{one.after.pattern} than now.",
                )


def _credentials(facts: Facts) -> Iterator[Risk]:
    for slot in facts.proposal.slots:
        users = [user.name for user in facts.before.users(slot.key)]
        used = f"; services {', '.join(users)} use it" if users else ""
        if slot.action is ItemAction.DELETE:
            broken = [user.name for user in facts.after.users(slot.key)]
            breaks = f" Services {', '.join(broken)} will fail." if broken else ""
            yield Risk(
                Level.HIGH,
                "deletes_credential",
                slot.key,
                f"Deletes the credential {slot.key} with its old values.{breaks}",
            )
        elif slot.has_value and slot.key in facts.before.credentials:
            yield Risk(
                Level.HIGH,
                "replaces_credential_by_agents_value",
                slot.key,
                f"Replaces the existing credential {slot.key} by a value of the agent's{used}.",
            )
        elif _is_older(facts, slot.key):
            yield Risk(
                Level.MEDIUM,
                "replaces_credential",
                slot.key,
                f"Asks for another value of the existing credential {slot.key}{used}.",
            )
        elif slot.has_value:
            yield Risk(
                Level.LOW,
                "agent_knows_value",
                slot.key,
                f"The agent supplied the value of {slot.key}, and so has seen it.",
            )


def _is_older(facts: Facts, key: str) -> bool:
    """Whether the vault holds the credential for more than this proposal's sake.

    One that came after the proposal, and that nothing uses, was made to fill its slot.
    """
    slot = facts.proposal.slot(key)
    if slot is None or slot.existed:
        return key in facts.before.credentials
    return bool(facts.before.users(key))


def _oauth_endpoints(facts: Facts) -> Iterator[Risk]:
    for slot in facts.proposal.set_slots:
        for field in ("token_url", "authorization_url"):
            host = urlsplit((slot.oauth or {}).get(field) or "").hostname
            if host:
                for code, text in _strange_name(host, facts.known_hosts):
                    yield Risk(Level.HIGH, code, slot.key, f"{field} of {slot.key}: {text}")


# --- services ---------------------------------------------------------------------------------


def _name(facts: Facts, one: ServiceDiff) -> Iterator[Risk]:
    if one.after is None or (one.before is not None and one.before.host == one.after.host):
        return
    host = one.after.host
    if host.startswith("*."):
        yield Risk(
            Level.MEDIUM, "wildcard", one.name, f"Covers every name of one label under {host[2:]}."
        )
    for code, text in _strange_name(host, facts.known_hosts):
        level = Level.MEDIUM if code == "address" else Level.HIGH
        yield Risk(level, code, one.name, text)


def _strange_name(host: str, known: frozenset[str]) -> Iterator[tuple[str, str]]:
    if is_address(host):
        yield "address", f"{host} is an IP address: nothing says whose it is."
    elif is_international(host):
        yield (
            "international_name",
            (f"{host} holds letters beyond ASCII, which can look like others."),
        )
    if other := resembled(host, known):
        yield "resembles", f"{host} resembles {other}, and is not part of it."


def _weaker(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """What protected an existing service and would not any more."""
    before, after = one.before, one.after
    if before is None:
        return
    if after is None:
        level = Level.HIGH if restricts(before) else Level.MEDIUM
        lost = ", with the rules that deny or ask" if restricts(before) else ""
        yield Risk(level, "deletes_service", one.name, f"Deletes the service {one.name}{lost}.")
        return
    if before == after:
        return
    yield Risk(
        Level.MEDIUM,
        "replaces_service",
        one.name,
        f"Changes the existing service {one.name}: {', '.join(name for name, _, _ in one.fields)}.",
    )
    if not keeps_rules(before, after):
        yield Risk(
            Level.HIGH,
            "weakens_rules",
            one.name,
            f"Requests that rules of {one.name} deny or ask about now may pass.",
        )
    if before.enabled != after.enabled:
        verb = "Enables" if after.enabled else "Disables"
        yield Risk(Level.MEDIUM, "switches_service", one.name, f"{verb} the service {one.name}.")


def _overtakes(facts: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """A service beside another on one host may take requests from it, past its rules."""
    after = one.after
    if after is None or one.before == after or not after.enabled:
        return
    touched = {other.name for other in facts.diff.services}
    for other in facts.before.services:
        if other.name in touched or not other.enabled or not meets(after, other):
            continue
        level = Level.HIGH if restricts(other) else Level.MEDIUM
        past = ", past its rules that deny or ask" if restricts(other) else ""
        yield Risk(
            level,
            "overtakes_service",
            one.name,
            f"{after.pattern} may take requests from the service {other.name}"
            f" ({other.pattern}){past}.",
        )


def _way(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """How the credential travels, and what comes back."""
    after, before = one.after, one.before
    if after is None or not credential_keys(after):
        return
    if after.allow_http and not (before and before.allow_http):
        yield Risk(
            Level.HIGH, "plain_http", one.name, "Sends the credential over plain http, unprotected."
        )
    if not after.scrub and (before is None or before.scrub):
        yield Risk(
            Level.HIGH,
            "scrub_off",
            one.name,
            "Leaves secrets in responses: an upstream that echoes them shows them to the agent.",
        )


def _kind(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    after = one.after
    if after is None or one.before == after:
        return
    if after.auth.type is AuthType.PASSTHROUGH and not credential_keys(after):
        yield Risk(Level.LOW, "passthrough", one.name, "Lets requests pass without a credential.")
    elif _is_broad(after):
        yield Risk(
            Level.LOW,
            "broad",
            one.name,
            f"Allows every method on every path of {after.pattern}.",
        )
    if after.capture and not (one.before and one.before.capture):
        yield Risk(
            Level.MEDIUM,
            "captures_logins",
            one.name,
            f"Keeps the tokens of agents that log in at {after.pattern}.",
        )


def _is_broad(service: Service) -> bool:
    return service.path in ("", "/*") and not restricts(service)


# --- texts ------------------------------------------------------------------------------------


def _texts(facts: Facts) -> Iterator[Risk]:
    texts = [facts.proposal.message, facts.proposal.user_message]
    for slot in facts.proposal.slots:
        texts += [slot.description, slot.obtain, slot.obtain_instructions]
    # Line ends are no disguise, nor is what makes an emoji of a sign.
    plain = ("".join(text.replace("\ufe0f", "").split()) for text in texts)
    if any(display_safe(text) != text for text in plain):
        yield Risk(
            Level.MEDIUM,
            "hidden_characters",
            "message",
            "The agent's texts hold characters that steer a terminal, hide or reorder text.",
        )


_RULES: tuple[Callable[[Facts], Iterator[Risk]], ...] = (
    _existing_elsewhere,
    _credentials,
    _oauth_endpoints,
    _texts,
)
_SERVICE_RULES: tuple[Callable[[Facts, ServiceDiff], Iterator[Risk]], ...] = (
    _name,
    _weaker,
    _overtakes,
    _way,
    _kind,
)
