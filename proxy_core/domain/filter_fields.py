"""What a filter can ask of a request record, and how: the filter language's vocabulary."""

from enum import StrEnum


class TextField(StrEnum):
    """Fields that are compared as text: as a whole, except the path, which is searched."""

    METHOD = "method"
    HOST = "host"
    PATH = "path"
    AGENT = "agent"
    SERVICE = "service"
    CRED = "cred"
    ACCOUNT = "account"
    CODE = "code"
    INGRESS = "ingress"

    @property
    def column(self) -> str:
        """Name of the RequestRecord field; that of CRED holds several keys."""
        return _COLUMNS.get(self, str(self))


_COLUMNS: dict[str, str] = {
    "agent": "actor_name",
    "service": "matched_service",
    "cred": "credential_keys",
    "code": "error_code",
}
NULLABLE = frozenset(
    (TextField.AGENT, TextField.SERVICE, TextField.CRED, TextField.ACCOUNT, TextField.CODE)
)


class NumberField(StrEnum):
    """Fields that are compared as numbers."""

    STATUS = "status"
    LATENCY = "latency"


class Flag(StrEnum):
    """What `is:` can ask. The last four are decisions of the record.

    `held` is what waits for an operator, and what has, whatever the answer was; `replayed` is
    what went upstream more than once.
    """

    STREAM = "stream"
    WEBSOCKET = "websocket"
    HELD = "held"
    REPLAYED = "replayed"
    FAILED = "failed"
    DENIED = "denied"
    UNMATCHED = "unmatched"
    INJECTED = "injected"


class Comparison(StrEnum):
    """How a number is compared."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"
    EQUAL = "="
