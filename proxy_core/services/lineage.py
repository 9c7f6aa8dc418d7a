"""Which agents stand behind a token: its own, and those that have minted it.

Who mints a token has it. So a session that an agent has minted, an agent that it has created and
one whose token it has rotated are all that agent where somebody else has to decide.
"""

from collections.abc import Iterable

from proxy_core.services.context import Context
from proxy_core.services.principal import Principal


def lineage(context: Context, by: Principal) -> list[str]:
    """The ids of a token's holder and of the agents that minted it, themselves minted or not.

    Empty for people: what they mint is for others to use, and theirs to decide about.
    """
    bearer = context.bearer(by.token_sha256) if by.is_token else None
    return [] if bearer is None else [bearer.actor_id, *bearer.minters]


def are_related(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether the same agent stands behind both."""
    return not set(one).isdisjoint(other)
