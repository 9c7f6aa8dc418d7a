"""The scripted worker's key slots and settings."""

from typing import Any

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from proxy_core.services.setting_table import DEFINITIONS, checked

_DAY = 86_400.0
_SETTINGS = (
    "allow_cidrs",
    "unlock_minutes",
    "user_session_sliding",
    "auto_seal_minutes",
    "log_retention_days",
    "log_retention_rows",
    "audit_retention_days",
    "hold_seconds",
    "max_connections",
    "request_body_limit",
    "connect_timeout",
)
"""Some of them: a new one shall not change how the screen looks."""
_PATHS = frozenset(("seal/slots", "seal/rotate", "admin/settings", "mitm/ca.pem"))
CA_PEM = """\
-----BEGIN CERTIFICATE-----
MIIBGzCBwaADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDFZhdWx0IFRV
SSBDQTAeFw0yNTA2MDEwMDAwMDBaFw0zNTA2MDEwMDAwMDBaMBcxFTATBgNVBAMM
DFZhdWx0IFRVSSBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFlcgaKrgZeq
BoqinI2aW84CeynA+ofgONTKZrvwQ4Ye8fLAA2vUsdNfIwV0jNdK4RDSkHGMuHGH
zgI4M7fL7PYwCgYIKoZIzj0EAwIDSQAwRgIhALmZEdj1sT9wuiad+20r9mzeCSla
5p2s7ZPYLkCPEuYjAiEA1gvxOO5RoUprv7u4/eQKSKL9+OeL3uuybu+7CgaUFio=
-----END CERTIFICATE-----
"""
"""Of a key that nobody has any more; valid until June 2035."""


class FakeKeys:
    """`secrets` are the password slots' own, by id; `version` counts rotations."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.slots: list[wire.SlotInfo] = []
        self.secrets: dict[str, str] = {}
        self.changed: dict[str, Any] = {}
        self.version = 1
        self.broken: set[str] = set()
        self.opens("password", "on paper", secret="correct horse battery", ago=90 * _DAY)

    def opens(
        self, kind: str, label: str = "", *, secret: str = "", ago: float = 0.0
    ) -> wire.SlotInfo:
        """One more slot, made `ago` seconds before."""
        made = wire.SlotInfo(
            id=f"k{len(self.slots) + 1}-{kind}",
            kind=kind,
            label=label or kind,
            created_at=rfc3339(self._clock.time() - ago),
        )
        self.slots.append(made)
        if kind == "password":
            self.secrets[made.id] = secret
        return made

    def is_asked(self, parts: list[str]) -> bool:
        """Whether a path is about slots, the key, settings or the CA."""
        return "/".join(parts[1:3]) in {
            "seal/slots",
            "seal/rotate",
            "admin/settings",
            "mitm/ca.pem",
        }

    def answer(self, call: Call[Any], parts: list[str]) -> Any:
        """As the worker does; the last slot stays."""
        method, what, body = call.method, parts[2], call.body
        if what == "settings":
            if method == "PATCH":
                self.changed |= checked(body.settings)
            return self._settings()
        if what == "ca.pem":
            return CA_PEM
        if what == "rotate":
            return self._rotate(body)
        if method == "GET":
            return wire.SlotList(slots=list(self.slots))
        if len(parts) == 3:
            if body.slot == "keyring":
                raise VaultError("keyring_unavailable", "No keyring answers here.")
            return self.opens(body.slot, body.label, secret=body.secret)
        found = next(slot for slot in self.slots if slot.id == parts[3])
        if method == "POST":
            self.secrets[found.id] = body.secret
            return found
        return self._remove(found, force=dict(call.query).get("force") == "true")

    def _remove(self, found: wire.SlotInfo, *, force: bool) -> wire.SlotRemoved:
        others = [slot for slot in self.slots if slot is not found]
        alone = [s for s in others if s.kind != "password" and s.id not in self.broken]
        if not force and found.kind != "password" and not alone:
            raise VaultError("conflict", "It is the last slot that opens by itself.")
        self.slots = others
        return wire.SlotRemoved(removed=found.id)

    def _rotate(self, body: wire.RotateKey) -> wire.KeyRotated:
        kept = [slot for slot in self.slots if slot.id not in body.drop]
        for slot in kept:
            if slot.kind == "password" and body.secrets[slot.id] != self.secrets[slot.id]:
                raise VaultError("wrong_key", f"Slot {slot.label!r} does not open the vault now.")
        self.slots, self.version = kept, self.version + 1
        return wire.KeyRotated(
            key_version=self.version, resealed=57, unreadable=0, slots=list(kept)
        )

    def _settings(self) -> wire.SettingList:
        return wire.SettingList(
            settings=[
                wire.Setting(
                    name=one.name,
                    value=self._value(one.name),
                    default=one.default,
                    description=one.description,
                )
                for one in map(DEFINITIONS.__getitem__, _SETTINGS)
            ]
        )

    def _value(self, name: str) -> Any:
        value = self.changed.get(name)
        return DEFINITIONS[name].default if value is None else value
