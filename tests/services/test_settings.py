"""The worker's settings."""

from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.mitm.config import ProxyConfig
from proxy_core.services.application import Application
from proxy_core.services.setting_table import DEFINITIONS
from tests.services.conftest import ADA, Opener, events_of


async def test_a_change_counts_at_once_and_is_kept(app: Application, reopen: Opener) -> None:
    """In the proxy's limits, in the log's retention, in events, and in the next life."""
    heard: list[Any] = []
    app.settings.on_change(lambda: heard.append(app.settings.value("head_limit")))
    changes = {"head_limit": 8192, "log_retention_days": 7, "allow_cidrs": ["10.0.0.0/8"]}
    listed = await app.settings.change(changes, ADA)
    assert {row.name: row.value for row in listed.settings}["head_limit"] == 8192
    assert heard == [8192]
    assert app.settings.proxy_config(ProxyConfig()).head_limit == 8192
    assert app._context.log.retention.max_age_seconds == 7 * 86_400
    assert events_of(app, "settings.changed")[0].data["settings"] == changes
    app = await reopen()
    assert app.settings.value("allow_cidrs") == ["10.0.0.0/8"]
    assert app._context.log.retention.max_age_seconds == 7 * 86_400


async def test_null_takes_a_setting_back_to_its_default(app: Application, reopen: Opener) -> None:
    """Also after a restart."""
    await app.settings.change({"unlock_minutes": 5}, ADA)
    await app.settings.change({"unlock_minutes": None}, ADA)
    assert app.settings.value("unlock_minutes") == 15
    app = await reopen()
    assert app.settings.value("unlock_minutes") == 15


@pytest.mark.parametrize(
    "bad",
    [
        {"no_such_setting": 1},
        {"head_limit": "8192"},
        {"head_limit": True},
        {"head_limit": 1.5},
        {"head_limit": 1},
        {"unlock_minutes": 10**9},
        {"connect_timeout": float("nan")},
        {"connect_timeout": float("inf")},
        {"allow_cidrs": "10.0.0.0/8"},
        {"allow_cidrs": ["10.0.0.1/8"]},
        {"allow_cidrs": [5]},
        {"allow_unreadable": 1},
        {"allow_cidrs": ["example.com"]},
        {"trusted_proxies": ["0.0.0.0/0"]},
    ],
)
async def test_one_bad_value_changes_nothing(app: Application, bad: dict[str, Any]) -> None:
    """Unknown names, wrong types, values out of bounds: all or none."""
    with pytest.raises(VaultError) as caught:
        await app.settings.change({"auto_seal_minutes": 60, **bad}, ADA)
    assert caught.value.code == "bad_request"
    assert app.settings.value("auto_seal_minutes") == 0


def test_every_default_passes_its_own_check() -> None:
    """And every setting says what it means."""
    for definition in DEFINITIONS.values():
        assert definition.check(definition.default) == definition.default
        assert definition.description.endswith(".")
