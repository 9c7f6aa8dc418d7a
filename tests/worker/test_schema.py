"""The API answers whatever its description allows to be sent as the description says it will.

Requests are made up from the description alone. The longer search is by hand:
`SCHEMA_EXAMPLES=200 pytest tests/worker/test_schema.py`.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proxy_core.client import calls
from proxy_core.domain.wire import AddAccount, AgentVault
from tests.worker.harness import ThreadedWorker

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "3"))


def no_fault_of_ours(_context: Any, response: Any, _case: Any) -> None:
    """The worker is set up, open and idle; 502 may still tell of a provider."""
    assert response.status_code not in {500, 503, 504}, response.text


CHECKS = (
    no_fault_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
# What ends the caller's own session would leave nothing but refusals to look at; events never end.
LEFT_OUT = frozenset({"/v1/events", "/v1/seal", "/v1/lock", "/v1/auth/logout"})
# Of what is asked for by name, these are there; none of them is what the caller needs.
THERE = {"vault": "default", "key": "STORED_KEY", "name": "seeded", "agent": "seeded"}
POOL = "POOL_KEY"


@pytest.fixture(scope="module")
def throwaway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker of its own: what is made up here may change anything."""
    worker = ThreadedWorker(tmp_path_factory.mktemp("schema") / "home").start()
    worker.init()
    seed(worker)
    yield worker
    worker.stop()


def seed(worker: ThreadedWorker) -> None:
    """Store one of each thing that can be asked for by a name of ours."""
    client = worker.client()
    client.send(calls.set_credentials({"STORED_KEY": "value"}))
    auth = {"type": "bearer", "token": "STORED_KEY"}
    service = {"name": "seeded", "host": "api.example.com", "auth": auth}
    client.send(calls.upsert_services([service]))
    grant = [AgentVault(vault_name="default", vault_role="proxy")]
    client.send(calls.create_agent("seeded", vaults=grant))
    tokens = {"access_token": "sk-ant-oat01-seeded"}
    account = AddAccount(provider="claude", tokens=tokens, nickname="seeded")
    client.send(calls.add_account(account))
    client.send(calls.create_pool(POOL, ["seeded"]))


def point(case: Any) -> None:
    """Let a made-up request ask for what is there."""
    body = case.body if isinstance(case.body, dict) else {}
    known = {**THERE, "key": POOL} if case.path.startswith("/v1/pools") else THERE
    for names in (case.path_parameters, case.query):
        names.update({name: known[name] for name in names if name in known})
    body.update({name: known[name] for name in body if name in ("vault", "key")})


def token_of(worker: ThreadedWorker, role: str) -> str:
    """The token of an operator, or of an agent with this role in the vault."""
    if role == "operator":
        return str(worker.in_loop(worker.running.app.operators.open, None, "tester").token)
    grant = [AgentVault(vault_name="default", vault_role=role)]
    return worker.client().send(calls.create_agent(f"schema-{role}", vaults=grant)).av_agent_token


def search(operation: Any, headers: dict[str, str]) -> set[int]:
    """Send what the description of one operation allows, check each answer; their statuses."""
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        point(case)
        answer = case.call_and_validate(headers=headers, checks=CHECKS, timeout=30)
        statuses.add(answer.status_code)

    check()
    return statuses


@pytest.mark.timeout(0 if EXAMPLES > 10 else 120)
@pytest.mark.parametrize("role", ["operator", "proxy"])
def test_every_answer_is_described(throwaway: ThreadedWorker, role: str) -> None:
    """No request that the description allows ends in a fault of ours, in a status that it does not
    name, or in a body of another shape.
    """
    headers = {"Authorization": f"Bearer {token_of(throwaway, role)}"}
    schema = schemathesis.openapi.from_url(f"http://{throwaway.api}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    operations.sort(key=lambda one: one.method == "delete")  # what is there is gone after that
    statuses = [search(one, headers) for one in operations if one.path not in LEFT_OUT]
    assert len(statuses) >= 90
    served = sum(bool(found & {200, 201}) for found in statuses)
    assert served >= (8 if role == "proxy" else 45), "nearly all was refused"
