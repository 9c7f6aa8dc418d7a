"""What the demo's agents propose."""

import asyncio
import tempfile
from pathlib import Path

from proxy_core.base.paths import Home
from proxy_core.client import calls
from vault_tui.demo.stage import set_stage
from vault_tui.demo.worker import operator_client


async def test_one_is_harmless_one_wants_a_login_and_one_is_an_attack() -> None:
    """As the rules about risks see them; each in its agent's own name."""
    with tempfile.TemporaryDirectory(prefix="vt-") as name:
        home = Home(Path(name) / "home")
        async with set_stage(home):
            client = await asyncio.to_thread(operator_client, home)
            listed = await asyncio.to_thread(client.send, calls.admin_proposals())
            found = {one.created_by: one for one in listed.proposals}
            assert {who: one.level for who, one in found.items()} == {
                "agent research-agent": "low",
                "agent ci-bot": "low",
                "agent claude-refactor": "high",
            }
            number = found["agent ci-bot"].id
            reviewed = await asyncio.to_thread(client.send, calls.review_proposal(number))
            assert reviewed.review is not None
            assert reviewed.review.needs_login == ["ARTIFACTS_LOGIN"]
