"""The kinds of things that play in the demo: agents and requests, vaults, services, logins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vault_tui.demo.quota import Courses


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of request that an agent likes to send.

    `{n}` in the path stands for a number. `answers` are statuses of the upstream, each as likely;
    `slow` is the share of requests that the upstream takes its time for; `events` > 0 is a stream
    of that many server-sent events. `refused` is the code with which the proxy itself answers.
    `text` is sent as the body instead of `body` bytes of nothing.
    """

    method: str
    host: str
    path: str
    weight: int = 1
    answers: tuple[int, ...] = (200,)
    slow: float = 0.0
    events: int = 0
    body: int = 0
    refused: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Player:
    """An agent: its vault, what it asks, and what it asks that a rule holds for an operator.

    `services` are those that it may use, none named: all; `life` is its token's, in seconds.
    """

    name: str
    vault: str
    offers: tuple[Offer, ...]
    asks: tuple[Offer, ...] = ()
    services: tuple[str, ...] = ()
    life: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A service, and how its upstream recognises the credential.

    `header` and `expects` are what the upstream has to receive, `{KEY}` being a credential's value
    and `{basic}` the first one as a basic user name; `in_path` is expected in the path instead.
    `signs_in`: it receives the token of a login instead.
    """

    document: Mapping[str, Any]
    keys: tuple[str, ...] = ()
    header: str = ""
    expects: str = ""
    in_path: str = ""
    signs_in: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """A login: an account of Claude if it has an e-mail, else an OAuth credential of that name.

    Its tokens are for `host`, live `life` seconds, begin with `prefix` and are refreshed at
    `token_host`. `joins`: into the pool.
    """

    name: str
    host: str
    token_host: str
    token_path: str
    life: int
    prefix: str
    email: str = ""
    quota: Courses = field(default_factory=dict)
    joins: bool = False


@dataclass(frozen=True, slots=True)
class DemoVault:
    """One vault. `lacks` are credentials that its services name and that do not exist."""

    name: str
    parts: tuple[Part, ...]
    policy: str = "passthrough"
    lacks: frozenset[str] = field(default_factory=frozenset)
