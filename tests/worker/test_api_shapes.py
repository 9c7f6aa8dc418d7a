"""Failures have the contract's shape, whoever raises them; foreign sites and odd bodies fail."""

import base64
import contextlib
import http.client
import json
import socket
import time
from typing import Any

import pytest

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import ERRORS
from proxy_core.client import calls
from proxy_core.worker.front import MAX_BODY_BYTES
from tests.worker.harness import Answer, ThreadedWorker

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def token(worker: ThreadedWorker) -> str:
    """An operator's token."""
    return str(worker.in_loop(worker.running.app.operators.open, None, "tester").token)


def check_problem(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem with this status and code; returns it."""
    document: dict[str, Any] = answer.json
    assert (answer.status, document["error"], document["code"]) == (status, code, code)
    assert document["status"] == status
    assert isinstance(document["message"], str)
    assert document["message"]
    assert answer.headers["content-type"] == "application/problem+json"
    return document


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/nothing/here", None, {}, 404, "not_found"),
        ("POST", "/health", None, {}, 405, "method_unsupported"),
        ("POST", "/v1/vaults", b'{"name"', JSON, 400, "bad_request"),
        ("POST", "/v1/vaults", b'{"name": 5}', JSON, 400, "bad_request"),
        ("POST", "/v1/vaults", b'{"name": "abc", "odd": 1}', JSON, 400, "bad_request"),
        ("POST", "/v1/vaults", None, {}, 400, "bad_request"),
        ("POST", "/v1/vaults", b'{"name": "abc"}', {}, 400, "bad_request"),
        ("POST", "/v1/vaults", b"name=abc", {"Content-Type": "text/plain"}, 400, "bad_request"),
        ("POST", "/v1/vaults", b'{"name": "default"}', JSON, 409, "conflict"),
        ("GET", "/v1/vaults/unknown/services", None, {}, 404, "vault_not_found"),
        ("GET", "/v1/vaults/default/logs?limit=many", None, {}, 400, "bad_request"),
        ("GET", "/v1/vaults/default/logs?limit=201", None, {}, 400, "bad_request"),
        ("GET", "/v1/vaults/%ff/services", None, {}, 400, "bad_request"),
        ("GET", "/v1/sessions", None, {}, 400, "bad_request"),
        ("GET", "/v1/vaults/default/services/credential-usage", None, {}, 400, "bad_request"),
        ("GET", "/v1/events?types=no.such", None, {}, 400, "bad_request"),
        ("GET", "/v1/events?after=x", None, {}, 400, "bad_request"),
    ],
)
def test_failures_have_one_shape(
    worker: ThreadedWorker,
    token: str,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    """Routing, validation and use cases fail in the same words."""
    answer = worker.ask(method, path, token=token, body=body, headers=headers)
    check_problem(answer, status, code)


def test_a_wrong_token_is_refused_on_public_routes_too(worker: ThreadedWorker) -> None:
    """A token that means nothing is 401 with a challenge, never silently ignored."""
    answer = worker.ask("GET", "/v1/status", token="vt_agt_" + "0" * 64)
    check_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_bug_answers_500_with_an_id_of_the_log(
    worker: ThreadedWorker,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An unexpected error shows an id in the answer and in the log, and its text in neither."""

    def broken(_vault: str) -> None:
        raise RuntimeError("s3cret-in-a-message")

    monkeypatch.setattr(worker.running.app.vaults, "settings", broken)
    answer = worker.ask("GET", "/v1/vaults/default/settings", token=token)
    document = check_problem(answer, 500, "internal")
    assert document["id"] in document["message"]
    assert document["id"] in caplog.text
    assert b"s3cret" not in answer.body
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_a_foreign_host_is_refused(worker: ThreadedWorker, host: str) -> None:
    """A page that rebinds its name to this machine reaches nothing."""
    answer = worker.ask("GET", "/health", headers={"Host": host})
    check_problem(answer, 403, "origin_refused")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_a_foreign_origin_is_refused(worker: ThreadedWorker, origin: str) -> None:
    """A page of another site cannot call the API."""
    answer = worker.ask("GET", "/health", headers={"Origin": origin})
    check_problem(answer, 403, "origin_refused")


def test_the_own_origin_is_served(worker: ThreadedWorker) -> None:
    """A page of the worker's own address may call it."""
    answer = worker.ask("GET", "/health", headers={"Origin": f"http://{worker.api}"})
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_a_large_body_is_refused(worker: ThreadedWorker, token: str) -> None:
    """Bodies are bounded, with a length and without one."""
    head = {"Content-Length": str(MAX_BODY_BYTES + 1), **JSON}
    check_problem(
        worker.ask("POST", "/v1/vaults", token=token, headers=head), 413, "request_too_large"
    )
    host, _, port = worker.api.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"
        fields += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw.sendall(f"POST /v1/vaults HTTP/1.1\r\n{fields}".encode())
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        for _ in range(5):
            raw.sendall(chunk)
        raw.sendall(b"0\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 413")


def test_what_is_not_http_gets_a_problem(worker: ThreadedWorker) -> None:
    """Even a request that cannot be parsed is answered in the contract's shape."""
    host, _, port = worker.api.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall(b"\x00 nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"] == "bad_request"


def test_names_may_hold_an_encoded_slash(worker: ThreadedWorker, token: str) -> None:
    """A host pattern with a path is one segment of the URL."""
    document = {"name": "slack", "host": "slack.com/api/*", "auth": {"type": "passthrough"}}
    path = "/v1/vaults/default/services"
    worker.ask("POST", path, token=token, body={"services": [document]})
    answer = worker.ask("DELETE", f"{path}/slack.com%2Fapi%2F*", token=token)
    assert (answer.status, answer.json["removed"]) == (200, "slack")


@pytest.mark.parametrize("name", ["test", "credential-usage"])
def test_services_may_be_named_like_endpoints(
    worker: ThreadedWorker, token: str, name: str
) -> None:
    """A service called `test` can be switched off and removed."""
    document = {"name": name, "host": "named.example", "auth": {"type": "passthrough"}}
    path = "/v1/vaults/default/services"
    worker.ask("POST", path, token=token, body={"services": [document]})
    patched = worker.ask("PATCH", f"{path}/{name}", token=token, body={"enabled": False})
    assert patched.status == 200
    assert worker.ask("DELETE", f"{path}/{name}", token=token).json["removed"] == name


def test_a_delete_may_say_nothing_of_its_type(worker: ThreadedWorker, token: str) -> None:
    """DELETE works with a body without content type, and without a body where none is needed."""
    worker.client(token).send(calls.set_credentials({"TO_DELETE": "x"}))
    answer = worker.ask("DELETE", "/v1/credentials", token=token, body=b'{"keys": ["TO_DELETE"]}')
    assert answer.json == {"deleted": ["TO_DELETE"]}


def test_ambiguous_hosts_name_their_candidates(worker: ThreadedWorker, token: str) -> None:
    """A host that names several services is 409 with the candidates beside the error."""
    documents = [
        {"name": name, "host": "twice.example", "auth": {"type": "passthrough"}}
        for name in ("one-service", "two-service")
    ]
    path = "/v1/vaults/default/services"
    worker.ask("POST", path, token=token, body={"services": documents})
    answer = worker.ask("DELETE", f"{path}/twice.example", token=token)
    document = check_problem(answer, 409, "ambiguous_host")
    assert [one["name"] for one in document["candidates"]] == ["one-service", "two-service"]


def test_the_description_tells_the_truth(worker: ThreadedWorker) -> None:
    """Each route is described, with answers of the table's statuses and the problem's shape."""
    answer = worker.ask("GET", "/openapi.json")
    document = answer.json
    assert document["openapi"].startswith("3.1")
    known = {str(kind.status) for kind in ERRORS.values()}
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    assert len(operations) >= 40
    for path, method, operation in operations:
        statuses = set(operation["responses"])
        assert statuses & {"200", "201"}, (path, method)
        assert statuses - {"200", "201"} <= known, (path, method)
        assert {"400", "403", "500"} <= statuses, (path, method)
        assert method == "get" or {"413", "503"} <= statuses, (path, method)
        assert operation.get("summary"), (path, method)
        assert not {one["name"] for one in operation.get("parameters", [])} & {"app", "caller"}
    assert "/openapi" not in document["paths"]


def test_every_described_operation_is_routed(worker: ThreadedWorker, token: str) -> None:
    """No path of the description is unknown, and each success status is what comes back."""
    document = worker.ask("GET", "/openapi.json").json
    for path, item in document["paths"].items():
        if path in {"/v1/events"}:
            continue
        if "get" in item:
            url = (
                path.replace("{vault}", "default").replace("{key}", "K").replace("{name}", "nobody")
            )
            answer = worker.ask("GET", url, token=token)
            assert str(answer.status) in item["get"]["responses"], (path, answer.body)


def test_nothing_is_cached(worker: ThreadedWorker, token: str) -> None:
    """No cache on the way keeps a secret or a token, nor is a type guessed."""
    worker.client(token).send(calls.set_credentials({"SHOWN_KEY": "value"}))
    answers = [
        worker.ask("GET", "/v1/credentials?reveal=true&key=SHOWN_KEY", token=token),
        worker.ask("POST", "/v1/sessions", token=token, body={"vault": "default"}),
        worker.ask("GET", "/v1/status"),
        worker.ask("GET", "/metrics", token=token),
        worker.ask("GET", "/v1/nowhere"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 404]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
    for answer in answers[:4]:
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_page_of_another_site_is_told_that_it_may_ask(worker: ThreadedWorker) -> None:
    """A browser's question before a foreign request gets no permission, only the methods."""
    asks = {"Access-Control-Request-Method": "POST"}
    answer = worker.ask("OPTIONS", "/v1/vaults", headers=asks)
    check_problem(answer, 405, "method_unsupported")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    foreign = worker.ask("OPTIONS", "/v1/vaults", headers={**asks, "Origin": "http://evil.example"})
    check_problem(foreign, 403, "origin_refused")
    for told in (answer, foreign):
        assert not [name for name in told.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/v1/vaults", "/nothing/here"])
def test_head_is_get_without_the_body(worker: ThreadedWorker, token: str, path: str) -> None:
    """Status and fields are those of GET, the length included; the connection goes on."""
    with contextlib.closing(http.client.HTTPConnection(worker.api, timeout=20)) as connection:
        answers = []
        for method in ("HEAD", "GET", "HEAD"):
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            fields = {name: value for name, value in answer.getheaders() if name != "date"}
            answers.append((answer.status, fields, len(answer.read())))
    head, full, again = answers
    assert head == again
    assert head[:2] == full[:2]
    assert (head[2], full[1]["content-length"]) == (0, str(full[2]))


def test_head_never_waits_for_what_does_not_end(worker: ThreadedWorker, token: str) -> None:
    """The stream of events has no HEAD; neither has what takes no GET."""
    for path, allow in (("/v1/events", "GET"), ("/v1/seal", "POST")):
        answer = worker.ask("HEAD", path, token=token)
        assert (answer.status, answer.headers["allow"]) == (405, allow)
        assert answer.body == b""


def test_a_log_row_has_the_contracts_fields(worker: ThreadedWorker, token: str) -> None:
    """What programs read of a row is there, its time in the words of the other endpoints."""
    session = worker.client(token).send(calls.create_session("default"))
    host, _, port = worker.running.facts.proxy.rpartition(":")
    login = base64.b64encode(f"{session.token}:default".encode()).decode()
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        fields = f"Host: logged.example\r\nProxy-Authorization: Basic {login}\r\n"
        raw.sendall(f"TRACE http://logged.example/x HTTP/1.1\r\n{fields}\r\n".encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 403")
    path, rows = "/v1/vaults/default/logs?q=host:logged.example", []
    deadline = time.monotonic() + 20
    while not rows:
        assert time.monotonic() < deadline
        page = worker.ask("GET", path, token=token).json
        rows = page["logs"]
    assert page.keys() == {"logs", "next_cursor", "latest_id"}
    wanted = "id ingress method host path matched_service credential_keys status latency_ms"
    wanted += " error_code actor_type actor_id actor_name created_at"
    assert set(wanted.split()) <= rows[0].keys()
    assert rows[0]["created_at"] == rfc3339(rows[0]["started_at"])
