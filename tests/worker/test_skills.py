"""The skill document: whatever it names exists, and what it shows works."""

import json
import re
from typing import Any

import click
import pytest

from proxy_core.base.errors import ERRORS
from proxy_core.client import calls
from tests.worker.harness import ThreadedWorker
from vault_tui.cli.root import root
from vault_tui.cli.running.run_env import RunFacts, build_environment

COMMAND = re.compile(r"vault-tui ((?:[a-z]+ ?)+(?:[-A-Z0-9a-z ]*))")
ROUTE = re.compile(r"`(GET|POST|PATCH|PUT|DELETE) (/\S*?)`")


@pytest.fixture(scope="module")
def document(worker: ThreadedWorker) -> str:
    """What anybody reads."""
    answer = worker.ask("GET", "/v1/skills/cli")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    return answer.body.decode()


def find_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and what is left of them."""
    command: click.Command = root
    rest = list(words)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"there is no command {words}"
        command = found
    return command, rest


def test_it_begins_as_a_skill(document: str) -> None:
    """Tools that load skills find a name and one line that says when to use it."""
    head = re.match(r"---\nname: ([a-z-]+)\ndescription: ([^\n]+)\n---\n", document)
    assert head
    assert head[1] == "vault-tui"
    assert 40 < len(head[2]) < 1024


def test_its_commands_and_options_exist(document: str) -> None:
    """Each command line that it shows is one that the program understands."""
    shown = [found.split() for found in COMMAND.findall(document)]
    assert len(shown) >= 5
    for words in shown:
        command, rest = find_command(words)
        known = {option for one in command.params for option in one.opts}
        for option in (word for word in rest if word.startswith("-") and word != "--"):
            assert option in known, f"{' '.join(words)}: no {option}"


def test_its_routes_exist(document: str, worker: ThreadedWorker) -> None:
    """Each method and path that it names is one of the API's."""
    described = worker.ask("GET", "/openapi.json").json["paths"]
    known = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path))
        for path, item in described.items()
        for method in item
    }
    named = ROUTE.findall(document)
    assert len(named) >= 4
    for method, path in named:
        assert (method, re.sub(r"\{[^}]+\}", "{}", path)) in known


def test_its_codes_and_statuses_are_the_tables(document: str) -> None:
    """The errors that it explains are ours, with the status that we answer."""
    rows = re.findall(r"^\| ([\d, ]+) \| (`[^|]+`) \|", document, re.MULTILINE)
    assert len(rows) >= 8
    for statuses, codes in rows:
        named = {int(status) for status in statuses.split(",")}
        for code in re.findall(r"`(\w+)`", codes):
            assert ERRORS[code].status in named, code


def test_its_variables_are_those_that_run_sets(document: str) -> None:
    """What it says to find in the environment is there."""
    facts = RunFacts("http://a:1", "a:2", "default", "vt_sess_x", "/bundle", "/ca")
    set_by_run = build_environment({}, facts, {})
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, (?:`[A-Z_]+`|…))*) \|", document, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)]
    assert len(names) >= 6
    assert set(names) <= set(set_by_run)


def test_its_proposal_can_be_raised_and_followed(document: str, worker: ThreadedWorker) -> None:
    """The body that it shows is accepted as it stands, and the answer has what it promises."""
    found = re.search(r"-d '(\{.*?\n  \})'", document, re.DOTALL)
    assert found
    token = worker.client().send(calls.create_session("default")).token
    body: Any = json.loads(found[1])
    made = worker.ask("POST", "/v1/proposals", token=token, body=body)
    assert made.status == 201
    assert made.json["status"] == "pending"
    assert made.json["approval_url"]
    followed = worker.ask("GET", f"/v1/proposals/{made.json['id']}", token=token)
    assert (followed.json["status"], "review_note" in followed.json) == ("pending", True)


def test_its_ways_to_authenticate_are_valid(document: str, worker: ThreadedWorker) -> None:
    """Each `auth` that it lists makes a service."""
    listed = re.findall(r'`(\{"type": .*?\})`', document)
    assert len(listed) == 5
    worker.client().send(calls.set_credentials({"KEY": "value"}))
    documents = [
        {"host": f"{number}.example.com", "auth": json.loads(text)}
        for number, text in enumerate(listed)
    ]
    operator = worker.in_loop(worker.running.app.operators.open, None, "tester").token
    path = "/v1/vaults/default/services"
    answer = worker.ask("POST", path, token=operator, body={"services": documents})
    assert answer.status == 200, answer.body
