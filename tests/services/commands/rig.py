"""A program that plays `op`, and a vault with a credential that it tells."""

import sys
from dataclasses import dataclass
from pathlib import Path

from proxy_core.domain import wire
from proxy_core.domain.exchange import NO_DETAILS, Injection
from proxy_core.services.application import Application
from tests.services.conftest import ADA, basic, facts, make_agent, put_service

KEY = "GITHUB_TOKEN"


@dataclass
class FakeOp:
    """A Python script; what it does next stands in a file beside it."""

    program: Path

    @property
    def runs(self) -> int:
        """How often it was started."""
        counted = self.program.with_suffix(".runs")
        return len(counted.read_text()) if counted.exists() else 0

    def does(self, code: str) -> None:
        """What it does from now on."""
        self.program.with_suffix(".code").write_text(code)

    def prints(self, value: str) -> None:
        """It prints this from now on."""
        self.does(f"print({value!r})")


def fake_op(directory: Path) -> FakeOp:
    """A program that others can't change."""
    program = directory / "op"
    program.write_text(
        f"#!{Path(sys.executable).resolve()} -IS\n"
        "import os, sys\n"
        "open(__file__ + '.runs', 'a').write('x')\n"
        "exec(open(__file__ + '.code').read())\n"
    )
    program.chmod(0o755)
    tool = FakeOp(program)
    tool.prints("first-secret-value")
    return tool


async def approved(app: Application, tool: FakeOp, **options: object) -> wire.CommandInfo:
    """Set and approve."""
    request = wire.SetCommand(argv=[str(tool.program), "read", "x"], **options)  # type: ignore[arg-type]
    info = await app.commands.set(KEY, request, ADA)
    return await app.commands.approve(KEY, wire.ApproveCommand(digest=info.digest), ADA)


async def with_service(app: Application) -> str:
    """A service that uses the credential, and an agent's token."""
    await put_service(app, "example", "api.example.com", KEY)
    return await make_agent(app, "bot", "default")


async def ask(app: Application, token: str) -> Injection:
    """What an agent's request is given. Raises VaultError as the broker does."""
    access = app.broker.authenticate(basic(token))
    return await app.broker.inject(app.broker.decide(access, facts()), NO_DETAILS)


def authorization(injection: Injection) -> bytes:
    """The header that is injected."""
    return {name.lower(): value for name, value in injection.headers}[b"authorization"]
