"""What the responses of a service are scrubbed with: compiled once for each version of its secrets.

Compiling costs about a millisecond, a request some hundred microseconds: so what was compiled is
kept, with the sealer, which drops it together with the key. It also goes when the credential
changes or is deleted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy_core.domain.cloud.minted import minted_secrets
from proxy_core.domain.service import Service
from proxy_core.domain.service_document import credential_keys
from proxy_core.mitm.scrub import Scrubber, Secret, compile_scrubber
from proxy_core.seal import Sealer
from proxy_core.services.snapshot import SealedSecret


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A scrubber, and what it was compiled from beside the first secret's version.

    None: every value is too short to look for.
    """

    service: Service
    versions: tuple[SealedSecret, ...] = field(repr=False)
    scrubber: Scrubber | None = field(repr=False)


class Scrubbers:
    """The scrubbers of an open vault."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def scrubber(
        self,
        service: Service,
        secrets: Mapping[str, SealedSecret],
        value: Callable[[str], bytes],
    ) -> Scrubber | None:
        """For the values that `service` injects, as they are now; None: all are too short.

        `value` decrypts, and raises what it raises.
        """
        keys = credential_keys(service)
        # Kept with the first one, which it must not hold, or it would never go.
        first, *others = (secrets[key] for key in keys)
        versions = tuple(others)
        known: dict[str, _Compiled] = self._sealer.derived.setdefault(first, {})
        compiled = known.get(service.name)
        if compiled is None or compiled.service is not service or compiled.versions != versions:
            marks = placeholders(service)
            found = compile_scrubber(
                Secret(marks[key], secret)
                for key in keys
                for secret in minted_secrets(service.auth, key, value(key))
            )
            known[service.name] = compiled = _Compiled(service, versions, found)
        return compiled.scrubber


def placeholders(service: Service) -> dict[str, bytes]:
    """What stands for each credential: its first substitution's placeholder, or `__key__`."""
    found = {item.key: item.placeholder for item in reversed(service.substitutions)}
    return {
        key: found.get(key, f"__{key.lower()}__").encode("ascii")
        for key in credential_keys(service)
    }
