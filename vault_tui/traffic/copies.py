"""What can be made of rows: a curl command, JSON lines, and a HAR file. Never with a secret."""

import shlex
from collections.abc import Iterable

import msgspec

from proxy_core.base.clock import rfc3339
from proxy_core.domain.traffic import RequestRecord
from vault_tui.traffic.reading import url


def curl(record: RequestRecord) -> str:
    """A command that repeats the request through the proxy; `$…` stand for what is not kept."""
    parts = ["curl", "--proxy", '"$HTTPS_PROXY"', "--cacert", '"$SSL_CERT_FILE"']
    if record.method != "GET":
        parts += ["--request", shlex.quote(record.method)]
    if record.method in {"POST", "PUT", "PATCH"}:
        parts += ["--data", '"$BODY"']
    parts.append(shlex.quote(url(record)))
    return " ".join(parts)


def json_lines(records: Iterable[RequestRecord]) -> bytes:
    """One record a line, as the API has them."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(record) + b"\n" for record in records)


def har(records: Iterable[RequestRecord], version: str) -> bytes:
    """HTTP Archive 1.2. Headers and bodies are never recorded, so their lists are empty."""
    log = {
        "version": "1.2",
        "creator": {"name": "vault-tui", "version": version},
        "entries": [_entry(record) for record in records],
    }
    return msgspec.json.format(msgspec.json.encode({"log": log}), indent=2)


def _entry(record: RequestRecord) -> dict[str, object]:
    return {
        "startedDateTime": rfc3339(record.started_at),
        "time": max(record.latency_ms, 0.0),
        "request": {
            "method": record.method,
            "url": url(record),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": record.bytes_up,
        },
        "response": {
            "status": record.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": {"size": record.bytes_down, "mimeType": ""},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": record.bytes_down,
        },
        "cache": {},
        "timings": _timings(record),
        "_vault": {
            "agent": record.actor_name,
            "service": record.matched_service,
            "credential_keys": list(record.credential_keys),
            "decision": record.decision,
            "error_code": record.error_code,
            "held_ms": record.held_ms,
        },
    }


def _timings(record: RequestRecord) -> dict[str, float]:
    waited = max(record.first_byte_ms, 0.0)
    return {
        "connect": record.connect_ms,
        "ssl": record.tls_ms,
        "send": 0,
        "wait": waited,
        "receive": max(record.latency_ms - waited, 0.0),
    }
