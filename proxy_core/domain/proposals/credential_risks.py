"""What is dangerous about the credentials of a proposal."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from proxy_core.domain.oauth import preset_at
from proxy_core.domain.proposals.assessment import Facts, Level, Risk
from proxy_core.domain.proposals.proposal import CredentialSlot, ItemAction
from proxy_core.domain.proposals.reach import covers, covers_host
from proxy_core.domain.proposals.resemblance import are_one_partys
from proxy_core.domain.proposals.strange_names import strange_names
from proxy_core.domain.service_document import credential_keys


def existing_elsewhere(facts: Facts) -> Iterator[Risk]:
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


def credentials(facts: Facts) -> Iterator[Risk]:
    """Values that go, are replaced, or are known to the agent."""
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


def oauth_endpoints(facts: Facts) -> Iterator[Risk]:
    """A login at a place that is made to look like another, or that leads on to another."""
    for slot in facts.proposal.set_slots:
        yield from _split(slot)
        for field in ("token_url", "authorization_url"):
            host = urlsplit((slot.oauth or {}).get(field) or "").hostname
            if host:
                for code, text in strange_names(host, facts.known_hosts):
                    yield Risk(Level.HIGH, code, slot.key, f"{field} of {slot.key}: {text}")


def _split(slot: CredentialSlot) -> Iterator[Risk]:
    """The page that people look at is honest; what they agree to there goes to somebody else."""
    urls = [str((slot.oauth or {}).get(name) or "") for name in ("token_url", "authorization_url")]
    tokens, page = (urlsplit(url).hostname for url in urls)
    if tokens and page and not are_one_partys(tokens, page) and preset_at(*urls) is None:
        yield Risk(
            Level.HIGH,
            "split_login",
            slot.key,
            f"Whoever signs in at {page} for {slot.key} has the login's code, and the client's "
            f"secret, sent to {tokens}.",
        )
